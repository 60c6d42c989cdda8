"""The back-off after the model has refused a stream for want of quota. No I/O.

Others may use the account's quota as well: a notebook, another product, a task whose count was lost. Then no new
conversation begins for a while. After that one conversation tries, and all others wait for what becomes of it.
"""

from collections.abc import Callable
from typing import Final

REFUSALS: Final = frozenset({"ThrottlingException", "ServiceQuotaExceededException"})
"""Kinds of errors by which the model says that too many streams are open, or too many are begun."""
FIRST_SECONDS: Final = 5.0
MOST_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 15.0
"""A probe without an answer for so long is inconclusive: its caller may have hung up."""


class Throttle:
    """Says whether a new conversation may try the model.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._until = 0.0
        self._probe_until = 0.0
        self._before = (0.0, 0.0)
        self.epoch = 0
        """Counts the refusals that were heeded. Streams that were begun before the last one say nothing new."""

    @property
    def is_shut(self) -> bool:
        """Whether no new conversation may try now."""
        return bool(self._seconds) and self._clock() < max(self._until, self._probe_until)

    @property
    def is_probing(self) -> bool:
        """Whether the next conversation is the probe, so that there is room for one."""
        return bool(self._seconds) and not self.is_shut

    @property
    def seconds_left(self) -> float:
        """How long it is shut at least, if nothing happens meanwhile."""
        return max(0.0, self._until - self._clock(), self._probe_until - self._clock()) if self._seconds else 0.0

    def begin(self) -> None:
        """Note that a conversation begins; the first one after a back-off is the probe."""
        if self._seconds and not self.is_shut:
            self._probe_until = self._clock() + PROBE_SECONDS

    def refused(self, epoch: int) -> bool:
        """Note that the model refused a stream that was begun in an epoch; tell whether that is news."""
        if epoch != self.epoch:
            return False
        self.epoch += 1
        ended_at, seconds = self._before
        last = self._seconds or (seconds if self._clock() - ended_at < MOST_SECONDS else 0.0)
        self._seconds = min(MOST_SECONDS, last * 2 or FIRST_SECONDS)
        self._until = self._clock() + self._seconds
        self._probe_until = 0.0
        return True

    def taken(self, epoch: int) -> bool:
        """Note that the model took a stream that was begun in an epoch; tell whether a back-off ends with it."""
        if epoch != self.epoch or not self._seconds:
            return False
        self._before = (self._clock(), self._seconds)
        self._seconds = self._until = self._probe_until = 0.0
        return True
