"""The weather tools: real numbers for the model to put into a sentence."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from math import floor
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from agent_core.errors import InvalidArguments, UpstreamError
from agent_core.phrases import Phrase
from agent_core.tools.registry import Tool, ToolFailure
from agent_core.weather import Conditions, Day, Forecast, Hour, LocationNotFound, TooManyRequests, WeatherSource

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIMESTAMP = "%Y%m%d_%H%M%S"
_UNAVAILABLE = "weather_unavailable"
_BUSY = "weather_busy"
_AGAIN = ((60.0, "in a minute"), (3600.0, "in an hour"))
_HOURS_AHEAD = 8

_ASK_PLACE = "Say that you found no such place, and ask for the city and the country."
_ASK_DAY = "Say that the forecast reaches two weeks ahead, and ask for a nearer day."
_TRY_LATER = "Say that the weather service is out of reach right now, and offer to try again."


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Location = Annotated[str, Field(description="City, then state or country, for example: San Francisco, California")]
Unit = Annotated[
    Literal["celsius", "fahrenheit"],
    BeforeValidator(_lower),
    Field(description="Temperature unit; infer it from the place if the caller does not say"),
]
DayName = Annotated[
    str,
    BeforeValidator(_lower),
    Field(description="today, tomorrow, a weekday such as monday, or a date as YYYY-MM-DD; at most 15 days ahead"),
]
HourOfDay = Annotated[
    int | None,
    Field(ge=0, le=23, description="Hour at the place, if one time of the day is asked for; else leave it out"),
]


def weather_tools(source: WeatherSource) -> list[Tool]:
    """Give the two weather tools, answering from ``source``."""

    async def get_current_weather(location: Location, format: Unit) -> dict[str, Any]:  # noqa: A002 - a public name
        """Get the weather at a place at this moment."""
        forecast = await _look_up(source, location)
        now = forecast.now
        if not now.is_known:
            raise ToolFailure(_UNAVAILABLE, _TRY_LATER)
        hours = _next_hours(forecast, format)
        return {
            "speak": f"Now: {_sentence(_sky(now.conditions), _warmth(_degrees(now.temperature, format), format))}",
            "conditions": now.conditions.value,
            "temperature": _degrees(now.temperature, format),
            "format": format,
            "timestamp": _local_time(forecast).strftime(_TIMESTAMP),
            "feels_like": _degrees(now.feels_like, format),
            "humidity_percent": _whole(now.humidity),
            "wind_kmh": _whole(now.wind),
            "precipitation_mm": _tenths(now.precipitation),
            "is_day": now.is_day,
            **({"next_hours": hours} if hours else {}),
        }

    async def get_weather_forecast(
        location: Location,
        day: DayName,
        format: Unit,  # noqa: A002 - a public name
        hour: HourOfDay = None,
    ) -> dict[str, Any]:
        """Get the weather forecast for a place, for a whole day or for one hour of it."""
        forecast = await _look_up(source, location)
        now = _local_time(forecast)
        wanted = date_of(day, today=now.date())
        numbers = _numbers(forecast, wanted, hour, format)
        return {
            "speak": f"{wanted:%A}: {_spoken(numbers, format)}",
            "day": wanted.isoformat(),
            "weekday": WEEKDAYS[wanted.weekday()],
            **numbers,
            "format": format,
            "timestamp": now.strftime(_TIMESTAMP),
        }

    return [
        Tool(function, failure=_UNAVAILABLE, shown=True, filler=Phrase.LOOK_UP, rationed=True)
        for function in (get_current_weather, get_weather_forecast)
    ]


def date_of(day: str, *, today: date) -> date:
    """Turn what a caller calls a day into a date; a weekday is the next one, today included.

    Raises:
        InvalidArguments: It names no day.
    """
    if day in ("today", "tomorrow"):
        return today + timedelta(days=int(day == "tomorrow"))
    if day in WEEKDAYS:
        return today + timedelta(days=(WEEKDAYS.index(day) - today.weekday()) % 7)
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        message = "day: must be today, tomorrow, a weekday or YYYY-MM-DD"
        raise InvalidArguments(message) from error


async def _look_up(source: WeatherSource, location: str) -> Forecast:
    try:
        return await source.forecast(location)
    except LocationNotFound as error:
        code = "location_not_found"
        raise ToolFailure(code, _ASK_PLACE) from error
    except TooManyRequests as error:
        when = next((words for seconds, words in _AGAIN if error.retry_after <= seconds), "tomorrow")
        detail = f"Say that the weather service has been asked too often, and that it knows more {when}."
        raise ToolFailure(_BUSY, detail) from error
    except UpstreamError as error:
        raise ToolFailure(_UNAVAILABLE, _TRY_LATER) from error


def _numbers(forecast: Forecast, wanted: date, hour: int | None, unit: str) -> dict[str, Any]:
    if hour is None:
        day = _first(day for day in forecast.days if day.date == wanted)
        return {
            **_common(day),
            "temperature_high": _degrees(day.high, unit),
            "temperature_low": _degrees(day.low, unit),
        }
    start = datetime.combine(wanted, time(hour))
    one = _first(one for one in forecast.hours if one.time == start)
    return {**_common(one), "hour": hour, "temperature": _degrees(one.temperature, unit)}


def _spoken(numbers: Mapping[str, Any], unit: str) -> str:
    """Put a forecast into words: no enumeration's value, units in full, and nothing of what is not known."""
    if "temperature" in numbers:
        warmth = _warmth(numbers["temperature"], unit)
    else:
        low, high = numbers["temperature_low"], numbers["temperature_high"]
        both = f"{low} to {high} degrees {unit}"
        warmth = both if None not in (low, high) else _warmth(low if high is None else high, unit)
    chance = numbers["precipitation_probability_percent"]
    rain = None if chance is None else f"{chance} percent chance of rain or snow"
    return _sentence(_sky(numbers["conditions"]), warmth, rain)


def _warmth(degrees: int | None, unit: str) -> str | None:
    return None if degrees is None else f"{degrees} {'degree' if abs(degrees) == 1 else 'degrees'} {unit}"


def _sky(conditions: str) -> str | None:
    return None if conditions == Conditions.UNKNOWN else conditions.replace("_", " ")


def _sentence(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part is not None) + "."


def _common(span: Day | Hour) -> dict[str, Any]:
    return {
        "conditions": span.conditions.value,
        "precipitation_probability_percent": _whole(span.precipitation_probability),
        "precipitation_mm": _tenths(span.precipitation),
        "wind_kmh": _whole(span.wind),
    }


def _next_hours(forecast: Forecast, unit: str) -> list[dict[str, Any]]:
    """Give the hours that come: for a page to draw, and for a caller who asks what comes later."""
    now = _local_time(forecast)
    coming = [hour for hour in forecast.hours if hour.time > now][:_HOURS_AHEAD]
    return [
        {
            "hour": hour.time.hour,
            "temperature": _degrees(hour.temperature, unit),
            "conditions": hour.conditions.value,
        }
        for hour in coming
    ]


def _first[Span: (Day, Hour)](spans: Iterable[Span]) -> Span:
    for span in spans:
        return span
    code = "day_out_of_range"
    raise ToolFailure(code, _ASK_DAY)


def _local_time(forecast: Forecast) -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + forecast.utc_offset


def _degrees(celsius: float | None, unit: str) -> int | None:
    return _whole(celsius * 9 / 5 + 32 if unit == "fahrenheit" and celsius is not None else celsius)


def _whole(number: float | None) -> int | None:
    """Round half up, as people do; Python's own ``round`` turns 2.5 into 2."""
    return None if number is None else floor(number + 0.5)


def _tenths(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
