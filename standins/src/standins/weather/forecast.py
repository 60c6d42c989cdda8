"""Open-Meteo's ``/v1/forecast``: maps a request's query to the response object. No I/O.

Source: https://open-meteo.com/en/docs. Times are local with the current offset, as in the original, so every day has 24
hours. Features of the original that are missing here (models, past days, several places) are rejected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from standins.weather.cities import Cities
from standins.weather.sky import HourlyWeather, Spot
from standins.weather.variables import DAILY, HOURLY, Number, RequestUnits, WholeDay

_GRID = 0.05
"""Grid spacing of the simulated model in degrees: a response names the grid point, not the requested one."""

_MAX_DAYS = 16
_MISSING = (
    "past_days", "past_hours", "forecast_hours", "start_date", "end_date", "start_hour", "end_hour", "minutely_15",
    "models", "current_weather",
)  # fmt: skip
_UNITS = {
    "temperature_unit": ("celsius", "fahrenheit"),
    "wind_speed_unit": ("kmh", "ms", "mph", "kn"),
    "precipitation_unit": ("mm", "inch"),
    "timeformat": ("iso8601",),
}

type Query = Mapping[str, str]
type Answer = dict[str, object]


class BadQuery(Exception):
    """The query is not valid; the text becomes the response's reason."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid query."""

    spot: Spot
    zone_name: str
    zone: tzinfo
    days: int
    units: RequestUnits
    current: Sequence[str]
    hourly: Sequence[str]
    daily: Sequence[str]


def parse(query: Query, cities: Cities) -> Asked:
    """Parse a query.

    Raises:
        BadQuery: With Open-Meteo's own text, if it is known.
    """
    # Reject what is not simulated, rather than ignore it silently.
    for name in _MISSING:
        if name in query:
            message = f"This stand-in does not support the parameter '{name}'."
            raise BadQuery(message)
    spot = Spot(_coordinate(query, "latitude", 90), _coordinate(query, "longitude", 180))
    zone_name = query.get("timezone") or "GMT"
    if zone_name == "auto":
        # The nearest city decides, which is close enough to the real zone borders.
        zone_name = cities.nearest(spot.latitude, spot.longitude).timezone
    temperature, wind, precipitation, _ = (_choice(query, name, choices) for name, choices in _UNITS.items())
    asked = Asked(
        spot=spot,
        zone_name=zone_name,
        zone=_zone(zone_name),
        days=_days(query),
        units=RequestUnits(temperature, wind, precipitation),
        current=_variables(query, "current", HOURLY, "SurfacePressureAndHeightVariable"),
        hourly=_variables(query, "hourly", HOURLY, "SurfacePressureAndHeightVariable"),
        daily=_variables(query, "daily", DAILY, "ForecastVariableDaily"),
    )
    # Days begin at local midnight, so Open-Meteo requires a time zone for them.
    if asked.daily and "timezone" not in query:
        message = "Timezone is required"
        raise BadQuery(message)
    return asked


def answer(asked: Asked, now: datetime) -> Answer:
    """Return the invented weather from ``now`` (UTC) on."""
    offset = now.astimezone(asked.zone).utcoffset() or timedelta()
    # Naive local time: the API formats times without an offset.
    local = now.replace(tzinfo=None) + offset
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # One hour more than asked for: current values interpolate to the next hour, even at 23:45.
    moments = [asked.spot.at(_utc(midnight, offset) + timedelta(hours=hour)) for hour in range(24 * asked.days + 1)]
    found: Answer = {
        "latitude": asked.spot.latitude,
        "longitude": asked.spot.longitude,
        "generationtime_ms": 0.2,
        "utc_offset_seconds": round(offset.total_seconds()),
        "timezone": asked.zone_name,
        "timezone_abbreviation": _abbreviation(offset),
        "elevation": 38.0,
    }
    if asked.current:
        found |= _current(asked, local, moments[local.hour : local.hour + 2])
    if asked.hourly:
        found |= _hourly(asked, midnight, moments[:-1])
    if asked.daily:
        found |= _daily(asked, midnight, offset, moments[:-1])
    return found


def _current(asked: Asked, local: datetime, around: Sequence[HourlyWeather]) -> Answer:
    """Interpolate continuous values between the two hours, and take the others from the hour that has started."""
    quarter = local.replace(minute=local.minute // 15 * 15, second=0, microsecond=0)
    before, after = around
    values: dict[str, Number] = {}
    for name in asked.current:
        variable = HOURLY[name]
        value = variable.get(before)
        if variable.adds_up:
            # A quarter of an hour gets a quarter of the hour's amount.
            value /= 4
        elif variable.kind in ("temperature", "wind", "hPa"):
            # Other values change smoothly between two hours.
            value += (variable.get(after) - value) * quarter.minute / 60
        values[name] = asked.units.convert(variable.kind, value)
    units = {name: asked.units.symbol(HOURLY[name].kind) for name in asked.current}
    return {
        "current_units": {"time": "iso8601", "interval": "seconds", **units},
        "current": {"time": f"{quarter:%Y-%m-%dT%H:%M}", "interval": 900, **values},
    }


def _hourly(asked: Asked, midnight: datetime, moments: Sequence[HourlyWeather]) -> Answer:
    columns: dict[str, list[Number]] = {
        name: [asked.units.convert(HOURLY[name].kind, HOURLY[name].get(one)) for one in moments]
        for name in asked.hourly
    }
    times = [f"{midnight + timedelta(hours=hour):%Y-%m-%dT%H:%M}" for hour in range(len(moments))]
    units = {name: asked.units.symbol(HOURLY[name].kind) for name in asked.hourly}
    return {"hourly_units": {"time": "iso8601", **units}, "hourly": {"time": times, **columns}}


def _daily(asked: Asked, midnight: datetime, offset: timedelta, moments: Sequence[HourlyWeather]) -> Answer:
    days = []
    for day in range(asked.days):
        # Solar noon, not clock time: half-way between sunrise and sunset.
        noon = midnight + timedelta(days=day, hours=12 - asked.spot.longitude / 15) + offset
        days.append(WholeDay(moments[24 * day : 24 * day + 24], noon, asked.spot.daylight(noon.replace(tzinfo=UTC))))
    columns: dict[str, list[Number]] = {}
    for name in asked.daily:
        variable = DAILY[name]
        values = [variable.get(day) for day in days]
        columns[name] = [one if isinstance(one, str) else asked.units.convert(variable.kind, one) for one in values]
    times = [f"{midnight + timedelta(days=day):%Y-%m-%d}" for day in range(asked.days)]
    units = {name: asked.units.symbol(DAILY[name].kind) for name in asked.daily}
    return {"daily_units": {"time": "iso8601", **units}, "daily": {"time": times, **columns}}


def _coordinate(query: Query, name: str, bound: int) -> float:
    text = query.get(name, "")
    if not text:
        message = "Parameter 'latitude' and 'longitude' must not be empty"
        raise BadQuery(message)
    try:
        value = float(text)
    except ValueError:
        message = f"Data corrupted at path ''. Cannot initialize Float from invalid String value {text}."
        raise BadQuery(message) from None
    if not -bound <= value <= bound:
        message = f"{name.capitalize()} must be in range of -{bound} to {bound}°. Given: {value}."
        raise BadQuery(message)
    # Open-Meteo returns the centre of the model's grid cell, not the requested point.
    return round(round(value / _GRID) * _GRID, 2)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        message = "Invalid timezone"
        raise BadQuery(message) from None


def _days(query: Query) -> int:
    text = query.get("forecast_days", "7")
    days = int(text) if text.isdecimal() else -1
    if not 0 <= days <= _MAX_DAYS:
        message = f"Forecast days is invalid. Allowed range 0 to {_MAX_DAYS}. Given {text}."
        raise BadQuery(message)
    # 0 days still returns today.
    return max(days, 1)


def _choice(query: Query, name: str, choices: Sequence[str]) -> str:
    value = query.get(name, choices[0])
    if value not in choices:
        message = f"Data corrupted at path '{name}'. Cannot initialize unit from invalid String value {value}."
        raise BadQuery(message)
    return value


def _variables(query: Query, name: str, known: Mapping[str, object], kind: str) -> list[str]:
    wanted = [variable for variable in query.get(name, "").split(",") if variable]
    for variable in wanted:
        if variable not in known:
            message = f"Data corrupted at path ''. Cannot initialize {kind} from invalid String value {variable}."
            raise BadQuery(message)
    return wanted


def _utc(local: datetime, offset: timedelta) -> datetime:
    return (local - offset).replace(tzinfo=UTC)


def _abbreviation(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "GMT"
    hours, rest = divmod(abs(minutes), 60)
    return f"GMT{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
