"""A caller at the Twilio stand-in, who dials the product's number, makes noise, and records what is heard."""

import asyncio
import random
from types import TracebackType
from typing import Self

from standins.twilio.call_server import CallServer
from standins.twilio.handset import CallRecording
from standins.twilio.live import DialledCall  # noqa: TC001 - annotates an attribute that is set later
from standins.twilio.settings import DialScript
from standins.twilio.timeline import Event, Timeline
from tests.support.score import notes_in

_FRAME = 160
_NOISE = random.Random(7)  # noqa: S311 - noise, not a secret


def noise(milliseconds: int) -> bytes:
    """Return loud µ-law noise."""
    return bytes(_NOISE.choice((0x00, 0x80)) for _ in range(milliseconds * 8))


class Caller:
    """One call; hangs up at the end of its block."""

    def __init__(
        self,
        exchange: CallServer,
        number: str,
        *,
        caller: str = "+15005550006",
        fallback_url: str = "",
        dial: DialScript | None = None,
    ) -> None:
        self._exchange = exchange
        self._fallback_url = fallback_url
        self._number = number
        self._from = caller
        self._dial = dial
        self.recording = CallRecording()
        self.call: DialledCall

    async def __aenter__(self) -> Self:
        """Dial."""
        self.call = self._exchange.place_call(
            f"{self._number}/incoming-call",
            caller=self._from,
            hear=self.recording.keep,
            fallback_url=self._fallback_url,
            dial=self._dial,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up and wait until the exchange has ended the call."""
        await self.hang_up()

    @property
    def sid(self) -> str:
        """The call's sid."""
        return self.call.sid

    @property
    def timeline(self) -> Timeline:
        """Return the call's events."""
        return self.call.timeline

    async def until(self, name: str, seconds: float = 8.0, *, count: int = 1) -> Event:
        """Wait for an event of the call."""
        return await self.timeline.until(name, seconds, count=count)

    async def greeted(self) -> None:
        """Wait until the agent has said its first words."""
        await self.until("mark")

    async def speak(self, milliseconds: int = 240) -> None:
        """Send noise at the pace of speech."""
        loop = asyncio.get_running_loop()
        sound, began = noise(milliseconds), loop.time()
        for start in range(0, len(sound), _FRAME):
            self.call.hear_frame(sound[start : start + _FRAME])
            await asyncio.sleep(began + (start + _FRAME) / 8000 - loop.time())

    async def ask(self, seconds: float = 8.0) -> None:
        """Send noise, and wait until the answer to it has been played."""
        played = len(self.timeline.named("mark"))
        await self.speak()
        await self.until("mark", seconds, count=played + 1)

    async def hang_up(self) -> None:
        """Hang up; return when the exchange has ended the call."""
        if self.timeline.last("ended") is None:
            self.call.hang_up()
            await self.until("ended")

    def send_raw(self, text: str) -> None:
        """Send a text on the media stream unchanged."""
        assert self.call.stream is not None
        self.call.stream.send_raw(text)

    def notes(self) -> list[int]:
        """Return the notes heard so far."""
        return notes_in(self.recording.pcm())
