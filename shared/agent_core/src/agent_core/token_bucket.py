"""How much of something may come, without I/O: a burst, then as much a second as is granted."""

from collections.abc import Callable


class TokenBucket:
    """Is spent by whatever comes, and grows again with time.

    Args:
        clock: Monotonic seconds.
        burst: Most that may come at once.
        per_second: How much is granted in a second.
    """

    def __init__(self, clock: Callable[[], float], burst: float, per_second: float) -> None:
        self._clock = clock
        self._burst = self._left = burst
        self._per_second = per_second
        self._last = clock()

    def spend(self, amount: float = 1) -> bool:
        """Spend so much, or nothing where there is less; tells which."""
        self._grow()
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def charge(self, amount: float) -> None:
        """Spend so much although it may not be there: for what is known only when it has come. The debt is bounded."""
        self._grow()
        self._left = max(-self._burst, self._left - amount)

    def _grow(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._last) * self._per_second)
        self._last = now
