"""Limit a rate with a token bucket. No I/O."""

from collections.abc import Callable


class TokenBucket:
    """A token bucket: it starts full, and refills at a constant rate.

    Args:
        clock: Monotonic seconds.
        burst: Capacity.
        per_second: Tokens added per second.
    """

    def __init__(self, clock: Callable[[], float], burst: float, per_second: float) -> None:
        self._clock = clock
        self._burst = self._left = burst
        self._per_second = per_second
        self._last = clock()

    def spend(self, amount: float = 1) -> bool:
        """Take tokens if there are enough; return whether they were taken."""
        self._grow()
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def charge(self, amount: float) -> None:
        """Take tokens even if there are too few, for amounts known only on arrival. The debt is bounded."""
        self._grow()
        # Without a bound, one huge message would silence its sender for hours.
        self._left = max(-self._burst, self._left - amount)

    def _grow(self) -> None:
        now = self._clock()
        # Computed on demand, so that thousands of buckets need no timers.
        self._left = min(self._burst, self._left + (now - self._last) * self._per_second)
        self._last = now
