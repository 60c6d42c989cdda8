"""A simulated phone: dials or is called through the stand-in, speaks in real time, and records what it hears."""

import asyncio
import json
import struct
from typing import Final, Self

import websockets
from websockets.asyncio.client import ClientConnection, connect

from standins.twilio import mulaw
from standins.twilio.timeline import Event, Timeline

_OPEN_SECONDS: Final = 5.0
_BETWEEN_KEYS_SECONDS: Final = 0.2
"""A key needs at least 0.1 s: 50 ms of tone and 50 ms of silence (ITU-T Q.24)."""


class CallRecording:
    """What the caller heard: frames by their number on the call's clock, with silence in between."""

    def __init__(self) -> None:
        self._frames: dict[int, bytes] = {}

    def keep(self, number: int, frame: bytes) -> None:
        """Store 20 ms."""
        self._frames[number] = frame

    def mulaw(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return the audio between two frame numbers, by default up to the last frame heard."""
        end = stop if stop is not None else max(self._frames, default=-1) + 1
        # Frames that were not sent count as silence.
        quiet = mulaw.SILENCE * mulaw.FRAME
        return b"".join(self._frames.get(number, quiet) for number in range(start, end))

    def pcm(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return the same as 16-bit mono PCM at 8 kHz."""
        return mulaw.decode(self.mulaw(start, stop))


class Handset:
    """One call of one simulated phone; use it as an asynchronous context, which hangs up at its end."""

    def __init__(self, exchange_url: str) -> None:
        self.timeline = Timeline()
        self.heard = CallRecording()
        self.answered_at = 0.0
        """Position of frame 0 on the timeline, in seconds."""
        # The socket has the address of the REST API.
        self._url = exchange_url.replace("http", "ws", 1).rstrip("/") + "/handsets"
        self._connection: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect to the stand-in.

        Raises:
            OSError: Nothing answers there.
        """
        self._connection = await connect(
            # No pings: a test that stops the clock would lose its connection.
            self._url,
            compression=None,
            open_timeout=_OPEN_SECONDS,
            ping_interval=None,
            proxy=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up, and wait until the stand-in has closed the call."""
        await self.hang_up()
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_OPEN_SECONDS)
            self._reading.cancel()
        await self._line.close()

    @property
    def _line(self) -> ClientConnection:
        if self._connection is None:
            reason = "the handset is not connected"
            raise RuntimeError(reason)
        return self._connection

    @property
    def ended(self) -> bool:
        """Whether the call has ended."""
        return self.timeline.last("ended") is not None or (self._reading is not None and self._reading.done())

    async def dial(self, url: str, *, caller: str, callee: str, **script: object) -> None:
        """Call the number whose webhook is `url`."""
        order = {"dial": {"url": url, "from": caller, "to": callee, **script}}
        await self._line.send(json.dumps(order))
        self._reading = asyncio.create_task(self._read())

    async def wait_for_call(self, number: str) -> None:
        """Wait for one call to `number`; the timeline gets `waiting`, and `ringing` when it comes."""
        await self._line.send(json.dumps({"wait_for_call": number}))
        self._reading = asyncio.create_task(self._read())
        await self.timeline.until("waiting", _OPEN_SECONDS)

    async def answer(self) -> None:
        """Answer the call that rings."""
        await self._send(json.dumps({"answer": True}))

    async def reject(self) -> None:
        """Reject the call that rings: the caller hears a busy tone."""
        await self._send(json.dumps({"answer": False}))

    async def say(self, sound: bytes) -> None:
        """Speak µ-law in real time; returns when the last frame has been sent, or the call has ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for index in range(0, len(sound), mulaw.FRAME):
            if self.ended:
                return
            frame = sound[index : index + mulaw.FRAME].ljust(mulaw.FRAME, mulaw.SILENCE)
            await self._send(frame)
            # Relative to the start, so that delays do not add up.
            await asyncio.sleep(began + (index + mulaw.FRAME) / mulaw.RATE - loop.time())

    async def press(self, digits: str) -> None:
        """Press keys with short pauses."""
        for number, digit in enumerate(digits):
            if number:
                await asyncio.sleep(_BETWEEN_KEYS_SECONDS)
            await self._send(json.dumps({"press": digit}))

    async def hang_up(self) -> None:
        """Hang up."""
        # After the end of the call the exchange no longer reads the socket.
        if not self.ended:
            await self._send(json.dumps({"hang_up": True}))

    async def hold(self, held: bool) -> None:  # noqa: FBT001 - a switch
        """Mute or unmute the phone: while muted, it sends no audio at all."""
        await self._send(json.dumps({"hold": held}))

    async def send_raw(self, text: str) -> None:
        """Make the stand-in send a text unchanged on the media stream."""
        await self._send(json.dumps({"raw": text}))

    async def break_off(self, how: str) -> None:
        """Make the stand-in drop the media stream's connection: `rst`, `fin` or `stall`."""
        await self._send(json.dumps({"break_off": how}))

    async def _send(self, message: str | bytes) -> None:
        try:
            await self._line.send(message)
        except websockets.ConnectionClosed:
            return

    async def _read(self) -> None:
        try:
            async for message in self._line:
                self._take(message)
        except websockets.ConnectionClosedError:
            return

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            (number,) = struct.unpack_from(">I", message)
            self.heard.keep(number, message[4:])
            return
        fields = json.loads(message)
        event = Event(fields.pop("event"), fields.pop("at"), fields)
        if event.name == "ring":
            # The call began before this message arrived; align both clocks.
            self.timeline.align(event.at, fields["began_at"])
        if event.name == "answered":
            self.answered_at = event.at
        self.timeline.add(event)
