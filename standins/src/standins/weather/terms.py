"""Who may ask Open-Meteo, and how often: keys of customers, limits of the free service. No I/O.

Source: https://github.com/open-meteo/open-meteo, Sources/App/Helper/Vapor (RateLimiter and ApiKeyManager), for texts,
statuses, windows and weights; https://open-meteo.com/en/terms for the figures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

_REFERENCE_VARIABLES = 10
_REFERENCE_DAYS = 14

type Query = Mapping[str, str]


class NotAllowed(Exception):
    """The request is refused; the text goes into the answer as its reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_key(query: Query, key: str) -> None:
    """Take a customer's request only with the key.

    Raises:
        NotAllowed: it has none, or another.
    """
    if "apikey" not in query:
        raise NotAllowed(401, "API key required. Please add &apikey= to the URL.")
    if query["apikey"] != key:
        raise NotAllowed(400, "The supplied API key is invalid.")


def weight(query: Query) -> float:
    """Tell how many requests this one counts as: ten variables and two weeks are one."""
    variables = sum(len([one for one in query.get(name, "").split(",") if one]) for name in _LISTS)
    days = query.get("forecast_days", "7")
    parts = variables / _REFERENCE_VARIABLES
    return max(1.0, parts, parts * int(days) / _REFERENCE_DAYS if days.isdecimal() else 0.0)


_LISTS = ("current", "hourly", "daily")


@dataclass(slots=True)
class FreeTierLimits:
    """What the free service takes from one address; this stand-in takes all requests to be from one.

    Args:
        clock: The time (UTC). Windows begin with the clock's minute, hour and day.
        minutely: Requests in a minute; 0 is no limit. So the next two.
        hourly: In an hour.
        daily: In a day.
        at_once: Requests under way.
    """

    clock: Callable[[], datetime]
    minutely: float = 600
    hourly: float = 5_000
    daily: float = 10_000
    at_once: int = 5
    under_way: int = 0
    _counted: dict[str, tuple[int, float]] = field(default_factory=dict)

    def check(self) -> None:
        """Take one more.

        Raises:
            NotAllowed: it is one too many.
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
        window, used = self._counted.get(name, (-1, 0.0))
        return used if window == self._window(seconds) else 0.0

    def _window(self, seconds: int) -> int:
        return int(self.clock().timestamp()) // seconds
