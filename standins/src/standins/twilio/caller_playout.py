"""The two audio queues of a call: what the caller has yet to hear, and what the caller's phone has sent.

They have no clock: each call of `take` advances by 20 ms.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from standins.twilio.mulaw import FRAME, SILENCE

_LEAD_FRAMES: Final = 3
"""Frames to buffer before speech is sent (60 ms), because phone and call have clocks of their own."""


@dataclass(frozen=True)
class PlayedFrame:
    """20 ms of a call: the marks that were due at its start, and its audio, if any."""

    marks: tuple[str, ...]
    frame: bytes | None


class PlayoutBuffer:
    """Audio and marks, in the order in which the application sent them."""

    def __init__(self) -> None:
        self._sound = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        self._written = 0
        self._played = 0

    @property
    def pending(self) -> int:
        """Number of bytes that have not been played."""
        return len(self._sound)

    def append(self, mulaw: bytes) -> None:
        """Append audio to the queue."""
        self._sound += mulaw
        self._written += len(mulaw)

    def mark(self, name: str) -> None:
        """Queue a mark; it is due when all audio before it has been played."""
        # Positions in bytes since the start, so that neither appending nor playing moves a mark.
        self._marks.append((self._written, name))

    def clear(self) -> tuple[int, tuple[str, ...]]:
        """Discard everything; return the number of discarded bytes, and all queued marks, which are due at once."""
        dropped = len(self._sound)
        self._sound.clear()
        # Counts the discarded audio as played, which makes all marks due.
        self._played = self._written
        return dropped, self._due()

    def take(self) -> PlayedFrame:
        """Play 20 ms. An incomplete last frame is padded with silence.

        A mark is due one call after the audio before it was taken: by then, that audio has been heard.
        """
        marks = self._due()
        piece = bytes(self._sound[:FRAME])
        del self._sound[:FRAME]
        self._played += len(piece)
        return PlayedFrame(marks, piece.ljust(FRAME, SILENCE) if piece else None)

    def _due(self) -> tuple[str, ...]:
        due = []
        while self._marks and self._marks[0][0] <= self._played:
            due.append(self._marks.popleft()[1])
        return tuple(due)


class Microphone:
    """Buffers the caller's frames to remove jitter."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._speaking = False
        self._waited = 0

    def push(self, frame: bytes) -> None:
        """Add 20 ms from the phone."""
        self._frames.append(frame)

    def take(self) -> bytes | None:
        """Return the next 20 ms, or None while the caller is silent."""
        # Silence resets the buffer: the next word is delayed again.
        if not self._frames:
            self._speaking = False
            self._waited = 0
            return None
        self._waited += 1
        # Start when enough is buffered, or after the same time with less: a short word must not wait for more.
        self._speaking = self._speaking or len(self._frames) >= _LEAD_FRAMES or self._waited > _LEAD_FRAMES
        return self._frames.popleft() if self._speaking else None
