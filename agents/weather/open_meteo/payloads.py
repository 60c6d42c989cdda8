"""Parse Open-Meteo's responses, and check each value before it is used. No I/O.

Only requested fields are read, and of those only numbers, times and names of places; `namesakes.spoken_place` passes a
name on to the model and the page only if it looks like one. A value that is null, missing, out of bounds or in an
unknown unit is unknown, and does not affect the others. Times are local to the place and have no zone
(``2026-11-23T14:15``), as ``timezone=auto`` makes them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..weather_report import Conditions, Day, Forecast, Hour, Now

CONDITIONS: Final[Mapping[float, Conditions]] = {
    0: Conditions.CLEAR,
    1: Conditions.MOSTLY_CLEAR,
    2: Conditions.PARTLY_CLOUDY,
    3: Conditions.OVERCAST,
    **dict.fromkeys((45, 48), Conditions.FOG),
    **dict.fromkeys((51, 53, 55), Conditions.DRIZZLE),
    **dict.fromkeys((56, 57), Conditions.FREEZING_DRIZZLE),
    **dict.fromkeys((61, 63, 65), Conditions.RAIN),
    **dict.fromkeys((66, 67), Conditions.FREEZING_RAIN),
    **dict.fromkeys((71, 73, 75), Conditions.SNOW),
    77: Conditions.SNOW_GRAINS,
    **dict.fromkeys((80, 81, 82), Conditions.RAIN_SHOWERS),
    **dict.fromkeys((85, 86), Conditions.SNOW_SHOWERS),
    95: Conditions.THUNDERSTORM,
    **dict.fromkeys((96, 99), Conditions.THUNDERSTORM_WITH_HAIL),
}
"""WMO weather interpretation codes (table 4677, the part that Open-Meteo documents)."""

type _Object = Mapping[str, Any]
type _Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A number's accepted units, and its bounds in the first of them, which is ours.

    One without units is only a number, whatever unit the response states.
    """

    low: float
    high: float
    units: Mapping[str, Callable[[float], float]]

    def read(self, value: object, unit: object) -> float | None:
        """Return a value in our unit, if it is plausible; without a stated unit it has the requested one."""
        # In Python, a bool is an int.
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        convert = self.units.get(unit) if self.units and isinstance(unit, str) else _as_it_is
        if convert is None or not abs(value) < _BELIEVABLE:
            return None
        converted = convert(value)
        return converted if self.low <= converted <= self.high else None


def _as_it_is(value: float) -> float:
    return value


_BELIEVABLE: Final = 1e6
# Bounds a little beyond every record on Earth: a number outside them is an error, not weather.
_TEMPERATURE: Final = _Quantity(-120, 80, {"°C": _as_it_is, "°F": lambda value: (value - 32) / 1.8})
_SHARE: Final = _Quantity(0, 100, {"%": _as_it_is})
_SPEED: Final = _Quantity(
    0,
    600,
    {
        "km/h": _as_it_is,
        "m/s": lambda value: value * 3.6,
        "mp/h": lambda value: value * 1.609344,
        "kn": lambda value: value * 1.852,
    },
)
_DEPTH: Final = _Quantity(0, 5000, {"mm": _as_it_is, "inch": lambda value: value * 25.4})
_CODE: Final = _Quantity(0, 99, {})
_FLAG: Final = _Quantity(0, 1, {})

CURRENT: Final = {
    "temperature_2m": _TEMPERATURE,
    "apparent_temperature": _TEMPERATURE,
    "relative_humidity_2m": _SHARE,
    "precipitation": _DEPTH,
    "weather_code": _CODE,
    "wind_speed_10m": _SPEED,
    "is_day": _FLAG,
}
HOURLY: Final = {
    "temperature_2m": _TEMPERATURE,
    "precipitation_probability": _SHARE,
    "precipitation": _DEPTH,
    "weather_code": _CODE,
    "wind_speed_10m": _SPEED,
}
DAILY: Final = {
    "weather_code": _CODE,
    "temperature_2m_max": _TEMPERATURE,
    "temperature_2m_min": _TEMPERATURE,
    "precipitation_sum": _DEPTH,
    "precipitation_probability_max": _SHARE,
    "wind_speed_10m_max": _SPEED,
}
"""The variables to request: exactly those that are read."""


_OFFSETS: Final = range(-43_200, 50_401)
"""Seconds from UTC, from Baker Island to Kiritimati."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


_LONGEST_NAME: Final = 200


def _name(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _LONGEST_NAME else ""


def _people(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


type _Name = Annotated[str, BeforeValidator(_name)]


class GeocodingHit(_Answer):
    """One result of the geocoder; large regions and capes lack most of the optional fields."""

    name: str = Field(max_length=_LONGEST_NAME)
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    population: Annotated[int, BeforeValidator(_people)] = 0
    country: _Name = ""
    country_code: _Name = ""
    admin1: _Name = ""
    admin2: _Name = ""
    feature_code: _Name = ""


def read_places(body: bytes) -> tuple[GeocodingHit, ...]:
    """Parse the geocoder's response; ``results`` is missing when nothing was found.

    Raises:
        ValueError: It is not such a response, or none of its results has a name and a position.
    """
    hits = _object(orjson.loads(body)).get("results")
    if hits is None:
        return ()
    if not isinstance(hits, list):
        message = "results are no list"
        raise ValueError(message)  # noqa: TRY004 - wrong input, not a wrong call
    # One broken result must not hide the others.
    places = tuple(place for place in map(_place, hits) if place is not None)
    if hits and not places:
        message = "no hit is a place"
        raise ValueError(message)
    return places


def _place(hit: object) -> GeocodingHit | None:
    try:
        return GeocodingHit.model_validate(hit)
    except ValidationError:
        return None


def read_forecast(body: bytes) -> Forecast:
    """Parse the forecast service's response, as far as its values are known.

    Raises:
        ValueError: It is not such a response, lacks the offset from UTC, or contains no known value.
    """
    answer = _object(orjson.loads(body))
    forecast = Forecast(
        utc_offset=_offset(answer),
        now=_now(_read(answer, "current", CURRENT)),
        hours=tuple(_hours(answer)),
        days=tuple(_days(answer)),
    )
    # A response without any value must count as a failure, or the agent would say that it knows nothing.
    if not (forecast.hours or forecast.days or forecast.now.is_known):
        message = "nothing is known"
        raise ValueError(message)
    return forecast


def _object(value: object) -> _Object:
    if isinstance(value, dict):
        return value
    message = "no object"
    raise ValueError(message)


def _part(answer: _Object, name: str) -> _Object:
    part = answer.get(name)
    return part if isinstance(part, dict) else {}


def _offset(answer: _Object) -> timedelta:
    seconds = answer.get("utc_offset_seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds not in _OFFSETS:
        message = "no offset from UTC"
        raise ValueError(message)
    return timedelta(seconds=seconds)


def _read(answer: _Object, part: str, quantities: Mapping[str, _Quantity]) -> _Values:
    values, units = _part(answer, part), _part(answer, f"{part}_units")
    return {name: quantity.read(values.get(name), units.get(name)) for name, quantity in quantities.items()}


def _rows(answer: _Object, part: str, quantities: Mapping[str, _Quantity]) -> Iterator[tuple[datetime, _Values]]:
    """Yield each row of a table with its time; a column that is missing or too short has no values there."""
    table, units = _part(answer, part), _part(answer, f"{part}_units")
    times = table.get("time")
    columns = {name: column for name in quantities if isinstance(column := table.get(name), list)}
    for row, text in enumerate(times if isinstance(times, list) else ()):
        cells = {name: column[row] for name, column in columns.items() if row < len(column)}
        time = _time(text)
        if time is not None:
            yield time, {name: one.read(cells.get(name), units.get(name)) for name, one in quantities.items()}


def _now(values: _Values) -> Now:
    is_day = values["is_day"]
    return Now(
        conditions=_conditions(values["weather_code"]),
        temperature=values["temperature_2m"],
        feels_like=values["apparent_temperature"],
        humidity=values["relative_humidity_2m"],
        wind=values["wind_speed_10m"],
        precipitation=values["precipitation"],
        is_day=None if is_day is None else is_day > 0,
    )


def _hours(answer: _Object) -> Iterator[Hour]:
    for time, values in _rows(answer, "hourly", HOURLY):
        hour = Hour(
            time=time,
            conditions=_conditions(values["weather_code"]),
            temperature=values["temperature_2m"],
            precipitation_probability=values["precipitation_probability"],
            precipitation=values["precipitation"],
            wind=values["wind_speed_10m"],
        )
        # An hour without data would be read out as a gap, so it is left out.
        if hour.is_known:
            yield hour


def _days(answer: _Object) -> Iterator[Day]:
    for time, values in _rows(answer, "daily", DAILY):
        day = Day(
            date=time.date(),
            conditions=_conditions(values["weather_code"]),
            high=values["temperature_2m_max"],
            low=values["temperature_2m_min"],
            precipitation_probability=values["precipitation_probability_max"],
            precipitation=values["precipitation_sum"],
            wind=values["wind_speed_10m_max"],
        )
        if day.is_known:
            yield day


def _conditions(code: float | None) -> Conditions:
    """Return the meaning of a code; an unknown one may be new, and the other values are still valid."""
    return CONDITIONS.get(code, Conditions.UNKNOWN) if code is not None else Conditions.UNKNOWN


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None) if isinstance(text, str) else None
    except ValueError:
        return None
