"""Open-Meteo's terms: customers' keys, and limits of the free plan. No I/O.

Source: https://github.com/open-meteo/open-meteo, Sources/App/Helper/Vapor (RateLimiter and ApiKeyManager), for texts,
statuses, windows and weights; https://open-meteo.com/en/terms for the numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

_REFERENCE_VARIABLES = 10
_REFERENCE_DAYS = 14

type Query = Mapping[str, str]


class NotAllowed(Exception):
    """The request is rejected; the text becomes the response's reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_key(query: Query, key: str) -> None:
    """Check that a request has the customer's key.

    Raises:
        NotAllowed: It has none, or another.
    """
    if "apikey" not in query:
        raise NotAllowed(401, "API key required. Please add &apikey= to the URL.")
    if query["apikey"] != key:
        raise NotAllowed(400, "The supplied API key is invalid.")


def weight(query: Query) -> float:
    """Return how many requests this one counts as: ten variables for two weeks are one."""
    variables = sum(len([one for one in query.get(name, "").split(",") if one]) for name in _LISTS)
    days = query.get("forecast_days", "7")
    parts = variables / _REFERENCE_VARIABLES
    # Open-Meteo counts a large request as several: more than ten variables, or more than two weeks.
    return max(1.0, parts, parts * int(days) / _REFERENCE_DAYS if days.isdecimal() else 0.0)


_LISTS = ("current", "hourly", "daily")


@dataclass(slots=True)
class FreeTierLimits:
    """Limits of the free plan per address; this stand-in counts all requests together.

    Args:
        clock: Returns the time (UTC). Windows start with the clock's minute, hour and day.
        minutely: Requests per minute; 0 for no limit, as in the next two.
        hourly: Requests per hour.
        daily: Requests per day.
        at_once: Concurrent requests.
    """

    clock: Callable[[], datetime]
    minutely: float = 600
    hourly: float = 5_000
    daily: float = 10_000
    at_once: int = 5
    under_way: int = 0
    _counted: dict[str, tuple[int, float]] = field(default_factory=dict)

    def check(self) -> None:
        """Check that one more request is allowed.

        Raises:
            NotAllowed: A limit is exceeded.
        """
        if self.under_way >= self.at_once:
            raise NotAllowed(429, "Too many concurrent requests")
        for name, _, limit, again in self._windows():
            if limit and self._used(name) >= limit:
                raise NotAllowed(429, f"{name} API request limit exceeded. Please try again {again}.")

    def count(self, weight: float) -> None:
        """Count a request that was answered."""
        for name, seconds, _, _ in self._windows():
            self._counted[name] = (self._window(seconds), self._used(name) + weight)

    def _windows(self) -> tuple[tuple[str, int, float, str], ...]:
        return (
            ("Minutely", 60, self.minutely, "in one minute"),
            ("Hourly", 3_600, self.hourly, "in the next hour"),
            ("Daily", 86_400, self.daily, "tomorrow"),
        )

    def _used(self, name: str) -> float:
        seconds = next(seconds for one, seconds, _, _ in self._windows() if one == name)
        # A new window starts at zero.
        window, used = self._counted.get(name, (-1, 0.0))
        return used if window == self._window(seconds) else 0.0

    def _window(self, seconds: int) -> int:
        return int(self.clock().timestamp()) // seconds
