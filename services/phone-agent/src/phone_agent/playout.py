"""The clock of what was sent: tells when the agent stops speaking.

Twilio plays what it gets in order, at 8000 samples a second, and its buffer is the only one: sound goes there as
soon as the model gives it. So the end of play-out is arithmetic. A ``mark`` behind a piece of sound comes back when
that sound was played *or was thrown away by* ``clear``; it tells where play-out is, and that Twilio is still there.

Times are seconds of one monotonic clock that the caller reads.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

_OUTSTANDING_MARKS: Final = 256
"""Marks that may be on their way. One goes out per answer; the oldest are forgotten beyond this."""
_MARK_GRACE_SECONDS: Final = 2.0
"""How long after the computed end of play-out a mark that has not come back still counts as sound being played."""


class MarkOutcome(Enum):
    """What a mark that came back says."""

    PLAYED = "played"
    """Everything before it was heard."""
    CLEARED = "cleared"
    """It was thrown out of the buffer with the sound before it."""
    UNKNOWN = "unknown"
    """We did not send it, or it was forgotten."""


@dataclass(frozen=True, slots=True)
class _Mark:
    samples_before: int
    cleared: bool = False


class PlayoutClock:
    """Knows what Twilio's buffer holds without asking.

    Args:
        sample_rate: Samples that are played each second.

    Attributes:
        playing_until: When the sound sent so far will have been played.
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self._rate = sample_rate
        self._sent = 0
        self._marks: dict[str, _Mark] = {}
        self.playing_until = 0.0

    def sent(self, n_samples: int, now: float) -> None:
        """Note that sound went out: it is played after what is still in the buffer."""
        self._sent += n_samples
        self.playing_until = max(self.playing_until, now) + n_samples / self._rate

    def remaining(self, now: float) -> float:
        """Return the seconds of sound that are not played yet."""
        return max(0.0, self.playing_until - now)

    def is_playing(self, now: float) -> bool:
        """Tell whether the caller hears the agent.

        A mark that is still out says yes for a little longer than arithmetic does: what we sent arrives later than
        it left, and ``clear`` on an empty buffer costs nothing.
        """
        outstanding = any(not mark.cleared for mark in self._marks.values())
        return now < self.playing_until + (_MARK_GRACE_SECONDS if outstanding else 0.0)

    def marked(self, name: str) -> None:
        """Note that a mark went out behind the sound sent so far."""
        while len(self._marks) >= _OUTSTANDING_MARKS:
            del self._marks[next(iter(self._marks))]
        self._marks.pop(name, None)
        self._marks[name] = _Mark(samples_before=self._sent)

    def mark_echoed(self, name: str, now: float) -> MarkOutcome:
        """Take a mark that came back; if its sound was played, correct the clock by it."""
        mark = self._marks.pop(name, None)
        if mark is None:
            return MarkOutcome.UNKNOWN
        if mark.cleared:
            return MarkOutcome.CLEARED
        behind = (self._sent - mark.samples_before) / self._rate
        self.playing_until = now + behind
        return MarkOutcome.PLAYED

    def cleared(self, now: float) -> int:
        """Record that ``clear`` went out, and return the milliseconds of audio that are dropped.

        The marks that are out come back soon and mean nothing.
        """
        dropped = round(self.remaining(now) * self._rate)
        self._sent -= dropped
        self.playing_until = min(self.playing_until, now)
        self._marks = {name: _Mark(mark.samples_before, cleared=True) for name, mark in self._marks.items()}
        return round(dropped * 1000 / self._rate)
