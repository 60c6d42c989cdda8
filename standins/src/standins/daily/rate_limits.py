"""Rate limits of the API. No I/O.

Source: https://docs.daily.co/docs/rest-api/authentication: about 20 requests a second, or 100 in 5 s; for deleting and
listing rooms about 2 a second, or 50 in 30 s. Whether these two share a limit is not documented, so here they do.
"""

from collections import deque
from collections.abc import Callable

from standins.daily import errors


class RateLimit:
    """Accepts a number of requests within a sliding window.

    Args:
        requests: The number of requests.
        seconds: Length of the window.
        clock: Returns seconds.
    """

    def __init__(self, requests: int, seconds: float, clock: Callable[[], float]) -> None:
        self._requests = requests
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> None:
        """Count one request.

        Raises:
            RefusedError: The limit is exceeded; the request is not counted.
        """
        now = self._clock()
        # A request leaves the window exactly `seconds` after it came.
        while self._taken and now - self._taken[0] >= self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self._requests:
            raise errors.too_fast()
        self._taken.append(now)
