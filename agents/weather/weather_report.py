"""Define weather data: numbers and enumerations, never text from another service.

An unknown number is None.

Temperatures are in degrees Celsius, speeds in km/h, precipitation in millimetres, probabilities and humidity in per
cent. Every time is the local time at the place, without a time zone, as people there read their clocks.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol, Self

from agent_core.errors import AgentError, UpstreamError


class LocationNotFound(AgentError):
    """The place name is unknown; another spelling may help."""

    http_status = 404
    spoken = "I don't know that place."


@dataclass(frozen=True, slots=True)
class Place:
    """A place on Earth, in words that may be spoken and shown; unknown fields are empty.

    Attributes:
        name: Of the place itself.
        region: The largest part of the country that contains it, such as a state.
        country: In English.
        country_code: ISO 3166, two capital letters.
        spoken: The name, with the region or country if the name alone is ambiguous.
    """

    name: str
    region: str = ""
    country: str = ""
    country_code: str = ""
    spoken: str = ""


class SeveralPlaces(AgentError):
    """Several places of similar size share the name; the caller knows which one is meant.

    Args:
        name: As requested.
        places: At least two, the largest first; ``spoken`` distinguishes them.
    """

    http_status = 300
    spoken = "There are several places of that name."

    def __init__(self, name: str, places: tuple[Place, ...]) -> None:
        super().__init__("several places")
        self.name = name
        self.places = places


class TooManyRequests(UpstreamError):
    """The source has rejected requests because of their rate.

    Args:
        service: See `UpstreamError`.
        reason: See `UpstreamError`.
        retry_after: Seconds after which it accepts requests again at the latest.
    """

    spoken = "The weather service has been asked too often."
    retry_after: float

    def __init__(self, service: str, reason: str, *, retry_after: float) -> None:
        super().__init__(service, reason, retry_after=retry_after)
        self._why = reason

    def again(self) -> Self:
        """Return the same error for another request."""
        return type(self)(self.service, self._why, retry_after=self.retry_after)


class Conditions(StrEnum):
    """The state of the sky, in words that the model may say."""

    CLEAR = "clear"
    MOSTLY_CLEAR = "mostly_clear"
    PARTLY_CLOUDY = "partly_cloudy"
    OVERCAST = "overcast"
    FOG = "fog"
    DRIZZLE = "drizzle"
    FREEZING_DRIZZLE = "freezing_drizzle"
    RAIN = "rain"
    FREEZING_RAIN = "freezing_rain"
    SNOW = "snow"
    SNOW_GRAINS = "snow_grains"
    RAIN_SHOWERS = "rain_showers"
    SNOW_SHOWERS = "snow_showers"
    THUNDERSTORM = "thunderstorm"
    THUNDERSTORM_WITH_HAIL = "thunderstorm_with_hail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Now:
    """The weather at this moment."""

    conditions: Conditions
    temperature: float | None
    feels_like: float | None
    humidity: float | None
    wind: float | None
    precipitation: float | None
    is_day: bool | None

    @property
    def is_known(self) -> bool:
        """Whether there is anything worth saying."""
        return self.temperature is not None or self.conditions is not Conditions.UNKNOWN


@dataclass(frozen=True, slots=True)
class Hour:
    """The weather in the hour that starts at ``time``."""

    time: datetime
    conditions: Conditions
    temperature: float | None
    precipitation_probability: float | None
    precipitation: float | None
    wind: float | None

    @property
    def is_known(self) -> bool:
        """Whether there is anything worth saying."""
        return self.temperature is not None or self.conditions is not Conditions.UNKNOWN


@dataclass(frozen=True, slots=True)
class Day:
    """The weather of one calendar day at the place; ``wind`` is the day's maximum."""

    date: date
    conditions: Conditions
    high: float | None
    low: float | None
    precipitation_probability: float | None
    precipitation: float | None
    wind: float | None

    @property
    def is_known(self) -> bool:
        """Whether there is anything worth saying."""
        return not (self.high is None and self.low is None and self.conditions is Conditions.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known about one place; days and hours without data are left out."""

    utc_offset: timedelta
    now: Now
    hours: tuple[Hour, ...]
    days: tuple[Day, ...]
    place: Place | None = None
    """The place that was found, which may differ from the one that was meant."""


class WeatherSource(Protocol):
    """Provides the weather."""

    async def forecast(self, location: str) -> Forecast:
        """Return the forecast for a place name as a person says it, such as ``Paris, Texas``.

        Raises:
            InvalidArguments: The location is not a place name.
            LocationNotFound: The place is unknown.
            SeveralPlaces: Several places of similar size have that name.
            TooManyRequests: The source accepts no more requests for a while.
            UpstreamError: The source could not be reached, or returned an invalid response.
        """
        ...
