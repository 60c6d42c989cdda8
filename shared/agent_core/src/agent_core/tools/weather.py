"""The weather tools: real numbers for the model to put into a sentence."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from math import floor
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from agent_core.errors import InvalidArguments, UpstreamError
from agent_core.phrases import Phrase
from agent_core.tools.registry import Tool, ToolFailure
from agent_core.weather import Day, Forecast, Hour, LocationNotFound, TooManyRequests, WeatherSource

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
        hours = _next_hours(forecast, format)
        return {
            "speak": f"Now: {_sky(now.conditions)}, {_degrees(now.temperature, format)} degrees {format}.",
            "conditions": now.conditions.value,
            "temperature": _degrees(now.temperature, format),
            "format": format,
            "timestamp": _local_time(forecast).strftime(_TIMESTAMP),
            "feels_like": _degrees(now.feels_like, format),
            "humidity_percent": _whole(now.humidity),
            "wind_kmh": _whole(now.wind),
            "precipitation_mm": round(now.precipitation, 1),
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
    """Put a forecast into words: no enumeration's value, units in full."""
    sky, chance = _sky(numbers["conditions"]), numbers["precipitation_probability_percent"]
    if "temperature" in numbers:
        warmth = f"{numbers['temperature']} degrees {unit}"
    else:
        warmth = f"{numbers['temperature_low']} to {numbers['temperature_high']} degrees {unit}"
    return f"{sky}, {warmth}" + ("." if chance is None else f", {chance} percent chance of rain or snow.")


def _sky(conditions: str) -> str:
    return conditions.replace("_", " ")


def _common(span: Day | Hour) -> dict[str, Any]:
    probability = span.precipitation_probability
    return {
        "conditions": span.conditions.value,
        "precipitation_probability_percent": None if probability is None else _whole(probability),
        "precipitation_mm": round(span.precipitation, 1),
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


def _degrees(celsius: float, unit: str) -> int:
    return _whole(celsius * 9 / 5 + 32 if unit == "fahrenheit" else celsius)


def _whole(number: float) -> int:
    """Round half up, as people do; Python's own ``round`` turns 2.5 into 2."""
    return floor(number + 0.5)
