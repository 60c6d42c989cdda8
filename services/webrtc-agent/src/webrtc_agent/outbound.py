"""Encode the agent's audio to one visitor where it is sent.

aiortc encodes in a thread, and Pipecat's track gives it frames of 10 ms at another rate than Opus sends. This track
returns finished packets: one every 20 ms, at the model's rate.
"""

import asyncio
import fractions
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import Packet

from webrtc_agent.opus import Encoder

_FRAME_SECONDS = 0.02
OPUS_TICKS = 960
"""Ticks of one packet, on RTP's clock for Opus (RFC 7587)."""
_TIME_BASE = fractions.Fraction(1, 48_000)
_MOST_LATE = 0.06
"""Seconds of delay above which packets are skipped instead of sent in a burst, which a browser would play late."""
_CLEAN_REPORTS = 3
"""Reports without a loss after which redundancy ends. Browsers send one every one to five seconds."""
_SILENCES = 15
"""Frames of silence that are encoded, so that the last word fades; after them the last packet is repeated."""


class LossWatch:
    """Decides from a browser's reports whether packets need redundancy: until it is known that none are lost."""

    def __init__(self) -> None:
        self.redundant = True
        self._clean = 0

    def report(self, fraction_lost: int) -> bool:
        """Process a report, whose loss is in 256ths; return whether the decision has changed."""
        before = self.redundant
        self._clean = 0 if fraction_lost else self._clean + 1
        self.redundant = self._clean < _CLEAN_REPORTS
        return self.redundant is not before


class OutboundTrack(MediaStreamTrack):
    """Sends audio in real time, and silence when there is none.

    Args:
        rate: Hz of the added audio: 16-bit mono PCM.
        clock: Monotonic seconds.
    """

    kind = "audio"

    def __init__(self, rate: int, clock: Callable[[], float] | None = None) -> None:
        super().__init__()
        self._clock = clock or asyncio.get_running_loop().time
        self._encoder = Encoder(rate)
        self._losses = LossWatch()
        self._frame_bytes = round(rate * _FRAME_SECONDS) * 2
        self._sound = bytearray()
        self._added = 0
        self._taken = 0
        self._pending: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._begun: float | None = None
        self._frame = 0
        self._silences = 0
        self._silence = b""

    def add_audio_bytes(self, pcm: bytes) -> asyncio.Future[None]:
        """Add audio, with the signature of Pipecat's track.

        Returns:
            A future that is done when the last of it has been sent, or the track has stopped.
        """
        future = asyncio.get_running_loop().create_future()
        if self.readyState != "live":
            future.set_result(None)
            return future
        self._sound += pcm
        self._added += len(pcm)
        self._pending.append((self._added, future))
        return future

    def report(self, fraction_lost: int) -> None:
        """Process the browser's report of how much was lost, in 256ths."""
        if self._losses.report(fraction_lost):
            self._encoder.protect(redundant=self._losses.redundant)

    def clear(self) -> None:
        """Drop what has not been sent: the visitor talks over the agent."""
        self._sound.clear()
        # Everything counts as sent, so that no sender waits for it.
        self._taken = self._added
        self._release()

    async def next_payload(self) -> tuple[int, bytes]:
        """Wait for the next 20 ms; return its number since the start, and its Opus.

        Raises:
            MediaStreamError: the track has stopped.
        """
        await self._its_time()
        if self.readyState != "live":
            raise MediaStreamError
        frame = self._frame
        self._frame += 1
        return frame, self._payload()

    async def recv(self) -> "Packet[Any]":
        """Wait for the next 20 ms as a packet for aiortc's own loop.

        Raises:
            MediaStreamError: the track has stopped.
        """
        frame, payload = await self.next_payload()
        packet = Packet(payload)
        packet.pts = frame * OPUS_TICKS
        packet.time_base = _TIME_BASE
        return packet

    def stop(self) -> None:
        """Stop; drop audio that has not been sent."""
        super().stop()
        self.clear()

    async def _its_time(self) -> None:
        now = self._clock()
        if self._begun is None:
            self._begun = now
        # Scheduled from the start, so that the delays of single frames do not add up.
        wait = self._begun + self._frame * _FRAME_SECONDS - now
        if wait > 0:
            await asyncio.sleep(wait)
        elif wait < -_MOST_LATE:
            self._frame += round(-wait / _FRAME_SECONDS)

    def _payload(self) -> bytes:
        pcm = bytes(self._sound[: self._frame_bytes])
        del self._sound[: self._frame_bytes]
        self._taken += len(pcm)
        self._release()
        # Silence in the agent's own audio costs no encoding either.
        if not pcm.strip(b"\0"):
            return self._next_silence()
        self._silences = 0
        return self._encoder.encode(pcm.ljust(self._frame_bytes, b"\0"))

    def _next_silence(self) -> bytes:
        if self._silences < _SILENCES:
            self._silences += 1
            self._silence = self._encoder.encode(bytes(self._frame_bytes))
        return self._silence

    def _release(self) -> None:
        while self._pending and self._pending[0][0] <= self._taken:
            _, future = self._pending.popleft()
            if not future.done():
                future.set_result(None)
