"""Open-Meteo's weather variables: their names, units, and values."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from standins.weather.sky import HourlyWeather

type Number = float | int | str


@dataclass(frozen=True, slots=True)
class RequestUnits:
    """Units of one request."""

    temperature: str = "celsius"
    wind: str = "kmh"
    precipitation: str = "mm"

    def symbol(self, kind: str) -> str:
        """Return the unit as the response writes it."""
        symbols = {"celsius": "°C", "fahrenheit": "°F", "kmh": "km/h", "ms": "m/s", "mph": "mp/h", "kn": "kn"}
        chosen = {"temperature": self.temperature, "wind": self.wind, "precipitation": self.precipitation}
        unit = chosen.get(kind, kind)
        return symbols.get(unit, unit)

    def convert(self, kind: str, value: float) -> Number:
        """Convert our units to the request's, rounded like Open-Meteo's values."""
        if kind == "temperature":
            # Round as the API does: one decimal for temperatures and wind.
            return round(value * 9 / 5 + 32 if self.temperature == "fahrenheit" else value, 1)
        if kind == "wind":
            return round(value * {"kmh": 1.0, "ms": 1 / 3.6, "mph": 0.621371, "kn": 0.539957}[self.wind], 1)
        if kind == "precipitation":
            return round(value / 25.4, 3) if self.precipitation == "inch" else round(value, 2)
        return round(value, 1) if kind in ("hPa", "cm", "h", "s", "m") else round(value)


@dataclass(frozen=True, slots=True)
class Hourly:
    """A variable of ``current`` and ``hourly``."""

    kind: str
    get: Callable[[HourlyWeather], float]
    adds_up: bool = False
    """Whether the value is a sum over the preceding hour: a quarter of an hour has a quarter of it."""


@dataclass(frozen=True, slots=True)
class WholeDay:
    """One day at a place, for the variables of ``daily``."""

    moments: Sequence[HourlyWeather]
    noon: datetime
    daylight: timedelta


@dataclass(frozen=True, slots=True)
class Daily:
    """A variable of ``daily``."""

    kind: str
    get: Callable[[WholeDay], float | str]


HOURLY = {
    "temperature_2m": Hourly("temperature", lambda one: one.temperature),
    "relative_humidity_2m": Hourly("%", lambda one: one.humidity),
    "dew_point_2m": Hourly("temperature", lambda one: one.dew_point),
    "apparent_temperature": Hourly("temperature", lambda one: one.apparent),
    "precipitation_probability": Hourly("%", lambda one: one.probability),
    "precipitation": Hourly("precipitation", lambda one: one.precipitation, adds_up=True),
    "rain": Hourly("precipitation", lambda one: one.rain, adds_up=True),
    "showers": Hourly("precipitation", lambda one: one.showers, adds_up=True),
    "snowfall": Hourly("cm", lambda one: 0.7 * one.snow, adds_up=True),
    "weather_code": Hourly("wmo code", lambda one: one.code),
    "cloud_cover": Hourly("%", lambda one: one.cloud),
    "pressure_msl": Hourly("hPa", lambda one: one.pressure),
    # Four hectopascals less, for an elevation of 38 m.
    "surface_pressure": Hourly("hPa", lambda one: one.pressure - 4),
    "visibility": Hourly("m", lambda one: one.visibility),
    "wind_speed_10m": Hourly("wind", lambda one: one.wind),
    "wind_direction_10m": Hourly("°", lambda one: one.direction),
    "wind_gusts_10m": Hourly("wind", lambda one: one.gusts),
    "is_day": Hourly("", lambda one: one.is_day),
}


def _max(name: str) -> Daily:
    variable = HOURLY[name]
    return Daily(variable.kind, lambda day: max(variable.get(one) for one in day.moments))


def _min(name: str) -> Daily:
    variable = HOURLY[name]
    return Daily(variable.kind, lambda day: min(variable.get(one) for one in day.moments))


def _sum(name: str) -> Daily:
    variable = HOURLY[name]
    return Daily(variable.kind, lambda day: sum(variable.get(one) for one in day.moments))


def _sun(side: int) -> Daily:
    return Daily("iso8601", lambda day: f"{day.noon + side * day.daylight / 2:%Y-%m-%dT%H:%M}")


DAILY = {
    "weather_code": _max("weather_code"),  # documented as the most severe code; the codes are in that order
    "temperature_2m_max": _max("temperature_2m"),
    "temperature_2m_min": _min("temperature_2m"),
    "apparent_temperature_max": _max("apparent_temperature"),
    "apparent_temperature_min": _min("apparent_temperature"),
    "sunrise": _sun(-1),
    "sunset": _sun(1),
    "daylight_duration": Daily("s", lambda day: day.daylight.total_seconds()),
    "precipitation_sum": _sum("precipitation"),
    "rain_sum": _sum("rain"),
    "showers_sum": _sum("showers"),
    "snowfall_sum": _sum("snowfall"),
    "precipitation_hours": Daily("h", lambda day: sum(one.precipitation > 0 for one in day.moments)),
    "precipitation_probability_max": _max("precipitation_probability"),
    "wind_speed_10m_max": _max("wind_speed_10m"),
    "wind_gusts_10m_max": _max("wind_gusts_10m"),
    "wind_direction_10m_dominant": Daily(
        "°", lambda day: Counter(round(one.direction) for one in day.moments).most_common(1)[0][0]
    ),
}
