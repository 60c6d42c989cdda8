"""Two queues of a line: what the caller has still to hear, and what the handset has just said.

Neither knows a clock: one call of `take` is 20 ms, whoever makes it.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from standins.twilio.mulaw import FRAME, SILENCE

_LEAD_FRAMES: Final = 3
"""How much speech is gathered before it goes on the line (60 ms): sender and line tick on their own clocks."""


@dataclass(frozen=True)
class PlayedFrame:
    """20 ms of the line: the marks that had come due when it began, and the sound in it, if any."""

    marks: tuple[str, ...]
    frame: bytes | None


class PlayoutBuffer:
    """Sound and marks in the order the application sent them."""

    def __init__(self) -> None:
        self._sound = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        self._written = 0
        self._played = 0

    @property
    def pending(self) -> int:
        """Bytes not yet played."""
        return len(self._sound)

    def append(self, mulaw: bytes) -> None:
        """Queue sound behind all that is queued."""
        self._sound += mulaw
        self._written += len(mulaw)

    def mark(self, name: str) -> None:
        """Queue a mark; it comes due when all sound before it has been played."""
        self._marks.append((self._written, name))

    def clear(self) -> tuple[int, tuple[str, ...]]:
        """Drop everything; returns the bytes dropped and every mark that was still queued, all due at once."""
        dropped = len(self._sound)
        self._sound.clear()
        self._played = self._written
        return dropped, self._due()

    def take(self) -> PlayedFrame:
        """Play 20 ms. The end of a piece that fills no whole frame is filled up with silence.

        A mark comes due on the call after the one that took the sound before it: that is when the sound has been heard.
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
    """The caller's frames, evened out."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._speaking = False
        self._waited = 0

    def push(self, frame: bytes) -> None:
        """Add 20 ms from the handset."""
        self._frames.append(frame)

    def take(self) -> bytes | None:
        """Return the next 20 ms, or None while the caller is silent."""
        if not self._frames:
            self._speaking = False
            self._waited = 0
            return None
        self._waited += 1
        self._speaking = self._speaking or len(self._frames) >= _LEAD_FRAMES or self._waited > _LEAD_FRAMES
        return self._frames.popleft() if self._speaking else None
