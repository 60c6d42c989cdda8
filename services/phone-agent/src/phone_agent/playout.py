"""Compute when the agent stops speaking, from what was sent.

Twilio plays what it receives in order, at 8000 samples a second, and its buffer is the only one: audio is sent as soon
as the model delivers it. The end of play-out can therefore be computed. Twilio echoes a ``mark`` when the audio before
it was played *or discarded by* ``clear``; the echo shows the play-out position, and that Twilio is still there.

Times are seconds of one monotonic clock that the user of this module reads.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

_OUTSTANDING_MARKS: Final = 256
"""Most marks waiting for their echo. One is sent per reply; beyond this the oldest are forgotten."""
_MARK_GRACE_SECONDS: Final = 2.0
"""How long after the computed end of play-out a missing echo still counts as audio being played."""


class MarkOutcome(Enum):
    """What a mark's echo says."""

    PLAYED = "played"
    """Everything before it was heard."""
    CLEARED = "cleared"
    """It was discarded with the audio before it."""
    UNKNOWN = "unknown"
    """We did not send it, or it was forgotten."""


@dataclass(frozen=True, slots=True)
class _Mark:
    samples_before: int
    cleared: bool = False


class PlayoutClock:
    """Tracks the content of Twilio's buffer without asking.

    Args:
        sample_rate: Samples that are played per second.

    Attributes:
        playing_until: When the audio sent so far will have been played.
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self._rate = sample_rate
        self._sent = 0
        self._marks: dict[str, _Mark] = {}
        self.playing_until = 0.0

    def sent(self, n_samples: int, now: float) -> None:
        """Record sent audio: it is played after what is still buffered."""
        self._sent += n_samples
        self.playing_until = max(self.playing_until, now) + n_samples / self._rate

    def remaining(self, now: float) -> float:
        """Return the seconds of audio that have not been played yet."""
        return max(0.0, self.playing_until - now)

    def is_playing(self, now: float) -> bool:
        """Return whether the caller hears the agent.

        A missing echo extends this a little beyond the computed end: audio arrives later than it was sent, and
        ``clear`` on an empty buffer costs nothing.
        """
        outstanding = any(not mark.cleared for mark in self._marks.values())
        return now < self.playing_until + (_MARK_GRACE_SECONDS if outstanding else 0.0)

    def marked(self, name: str) -> None:
        """Record a mark sent after the audio so far."""
        # Bounded, because a peer that never echoes must not fill memory.
        while len(self._marks) >= _OUTSTANDING_MARKS:
            del self._marks[next(iter(self._marks))]
        self._marks.pop(name, None)
        self._marks[name] = _Mark(samples_before=self._sent)

    def mark_echoed(self, name: str, now: float) -> MarkOutcome:
        """Process a mark's echo; if its audio was played, correct the clock by it."""
        mark = self._marks.pop(name, None)
        if mark is None:
            return MarkOutcome.UNKNOWN
        if mark.cleared:
            return MarkOutcome.CLEARED
        # The echo fixes the position exactly; only what was sent after the mark is still to be played.
        behind = (self._sent - mark.samples_before) / self._rate
        self.playing_until = now + behind
        return MarkOutcome.PLAYED

    def cleared(self, now: float) -> int:
        """Record a sent ``clear``, and return the milliseconds of audio that are dropped.

        Outstanding marks are echoed soon and mean nothing.
        """
        dropped = round(self.remaining(now) * self._rate)
        self._sent -= dropped
        self.playing_until = min(self.playing_until, now)
        self._marks = {name: _Mark(mark.samples_before, cleared=True) for name, mark in self._marks.items()}
        return round(dropped * 1000 / self._rate)
