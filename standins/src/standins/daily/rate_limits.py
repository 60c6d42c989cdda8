"""How often the API may be asked. Pure.

Source: https://docs.daily.co/docs/rest-api/authentication: about 20 requests a second, or 100 in 5 s; for deleting
rooms and for listings about 2 a second, or 50 in 30 s. Whether these two share a limit is not said, so here they do.
"""

from collections import deque
from collections.abc import Callable

from standins.daily import errors


class RateLimit:
    """Takes so many requests within so many seconds.

    Args:
        requests: How many.
        seconds: Within which time.
        clock: Seconds.
    """

    def __init__(self, requests: int, seconds: float, clock: Callable[[], float]) -> None:
        self._requests = requests
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> None:
        """Count one request.

        Raises:
            RefusedError: It is one too many, and does not count.
        """
        now = self._clock()
        while self._taken and now - self._taken[0] >= self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self._requests:
            raise errors.too_fast()
        self._taken.append(now)
