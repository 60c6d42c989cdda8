"""The audio of one call: a 20 ms clock that carries both directions."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from standins.twilio.caller_playout import Microphone, PlayoutBuffer
from standins.twilio.listening import Began, Talkspurts
from standins.twilio.mulaw import FRAME, FRAME_SECONDS, RATE, SILENCE
from standins.twilio.timeline import Timeline

if TYPE_CHECKING:
    from standins.twilio.stream_client import MediaStream

type Hear = Callable[[int, bytes], None]
"""Called with every frame that is not silent, and its number on the call's clock."""


class Bridge(Protocol):
    """Another party that is bridged to the caller."""

    def say(self, frame: bytes) -> None:
        """Receive 20 ms from the caller."""

    def take(self) -> bytes | None:
        """Return 20 ms for the caller, or None for silence."""


_QUIET: Final = SILENCE * FRAME
_MAX_CATCH_UP: Final = 50
"""After a stall of the machine, the clock catches up by at most this many frames (1 s)."""
_EARLY_SECONDS: Final = 0.000_01
"""More than a loop wakes up early; not audible."""


class CallAudio:
    """Audio in both directions of a call, whatever the current verb is."""

    def __init__(self, timeline: Timeline, hear: Hear) -> None:
        self.playout = PlayoutBuffer()
        self.microphone = Microphone()
        self.stream: MediaStream | None = None
        self.bridge: Bridge | None = None
        self.frames = 0
        """Number of frames since the call was answered."""
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        """DTMF keys that the other party presses, for a `<Gather>`."""
        self.ended = asyncio.Event()
        """Never set: a hang-up cancels whatever the call executes."""
        self._timeline = timeline
        self._hear = hear
        self._answered_at = 0.0
        self._callee = Talkspurts()
        self._caller = Talkspurts()
        self._played = asyncio.Event()

    async def run(self) -> None:
        """Run the clock. It catches up after a late wake-up, so that audio never runs slow."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._answered_at = self._timeline.now()
        while True:
            # Frame n is due at n * 20 ms after the start. Event loops wake up a little early, and floats are rounded:
            # without a margin, the frame that this was woken up for would not be due, and the loop would spin.
            due = int((loop.time() - began + _EARLY_SECONDS) / FRAME_SECONDS) + 1
            for _ in range(min(due - self.frames, _MAX_CATCH_UP)):
                self._tick()
            if due - self.frames > 0:  # the stall was too long to catch up: shift the clock
                began += (due - self.frames) * FRAME_SECONDS
            await asyncio.sleep(began + self.frames * FRAME_SECONDS - loop.time())

    def _tick(self) -> None:
        said = self.microphone.take()
        # Twilio sends silence as well: a stream has 50 messages a second.
        if self.stream is not None:
            self.stream.send_audio(said or _QUIET)
        self._note(self._caller, said, "caller_begins", "caller_ends")
        played = self.playout.take()
        # A mark is echoed before the next audio is heard.
        for mark in played.marks:
            self._echo(mark)
        frame = played.frame
        if self.bridge is not None:
            self.bridge.say(said or _QUIET)
            # Queued audio wins: the bridged party is heard only while nothing else plays.
            frame = frame or self.bridge.take()
        if frame is not None:
            self._hear(self.frames, frame)
        self._note(self._callee, frame, "sound_begins", "sound_ends")
        self.frames += 1
        # Wakes up `play` once the last byte has been taken.
        if self.playout.pending == 0:
            self._played.set()

    def _echo(self, mark: str) -> None:
        self._timeline.record("mark", mark=mark)
        if self.stream is not None:
            self.stream.echo(mark)

    def _note(self, spurts: Talkspurts, frame: bytes | None, begins: str, ends: str) -> None:
        heard = spurts.hear(self.frames, frame)
        if heard is None:
            return
        at = self._answered_at + heard.frame * FRAME_SECONDS
        if isinstance(heard, Began):
            self._timeline.record(begins)
        else:
            self._timeline.record(ends, at=at, seconds=round(heard.frames * FRAME_SECONDS, 2))

    async def play(self, mulaw: bytes) -> None:
        """Play the stand-in's own audio and wait until it has been heard; cancelling stops it."""
        self._played.clear()
        self.playout.append(mulaw)
        try:
            # The timeout only guards against a clock that has stopped.
            async with asyncio.timeout(len(mulaw) / RATE + 10):
                await self._played.wait()
        # After a cancellation, the rest must not be heard by the next step.
        finally:
            self.playout.clear()
