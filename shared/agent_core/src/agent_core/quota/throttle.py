"""Back off after the model has refused a stream for lack of quota. No I/O.

Others may use the account's quota as well: a notebook, another product, a task whose count was lost. No new
conversation then starts for a while. After that a single conversation probes, and all others wait for its outcome.
"""

from collections.abc import Callable
from typing import Final

REFUSALS: Final = frozenset({"ThrottlingException", "ServiceQuotaExceededException"})
"""Kinds of errors by which the model reports too many open streams, or too many new ones."""
FIRST_SECONDS: Final = 5.0
MOST_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 15.0
"""A probe without a result for this long is inconclusive: its caller may have hung up."""


class Throttle:
    """Decides whether a new conversation may try the model.

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
        """Number of refusals that started a back-off. Streams opened before the last one prove nothing new."""

    @property
    def is_shut(self) -> bool:
        """Whether no new conversation may try now."""
        return bool(self._seconds) and self._clock() < max(self._until, self._probe_until)

    @property
    def is_probing(self) -> bool:
        """Whether the next conversation is the probe, so that there is room for one only."""
        return bool(self._seconds) and not self.is_shut

    @property
    def seconds_left(self) -> float:
        """How long it stays shut, if nothing happens meanwhile."""
        return max(0.0, self._until - self._clock(), self._probe_until - self._clock()) if self._seconds else 0.0

    def begin(self) -> None:
        """Record the start of a conversation; the first one after a back-off is the probe."""
        if self._seconds and not self.is_shut:
            self._probe_until = self._clock() + PROBE_SECONDS

    def refused(self, epoch: int) -> bool:
        """Record that the model refused a stream opened in an epoch; return whether that starts a back-off."""
        if epoch != self.epoch:
            return False
        self.epoch += 1
        ended_at, seconds = self._before
        # A refusal soon after a back-off continues its doubling: the shortage was not over.
        last = self._seconds or (seconds if self._clock() - ended_at < MOST_SECONDS else 0.0)
        self._seconds = min(MOST_SECONDS, last * 2 or FIRST_SECONDS)
        self._until = self._clock() + self._seconds
        self._probe_until = 0.0
        return True

    def taken(self, epoch: int) -> bool:
        """Record that the model accepted a stream opened in an epoch; return whether that ends a back-off."""
        if epoch != self.epoch or not self._seconds:
            return False
        self._before = (self._clock(), self._seconds)
        self._seconds = self._until = self._probe_until = 0.0
        return True
