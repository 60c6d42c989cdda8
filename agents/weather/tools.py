"""Provide the weather tools: real numbers for the model to put into a sentence."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from math import floor
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from agent_core.agents import Call, ToolFailure, tool
from agent_core.errors import InvalidArguments, UpstreamError

from .open_meteo import OpenMeteo
from .units import MeasurementUnits, units
from .weather_report import (
    Conditions,
    Day,
    Forecast,
    Hour,
    LocationNotFound,
    Place,
    SeveralPlaces,
    TooManyRequests,
    WeatherSource,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIMESTAMP = "%Y%m%d_%H%M%S"
_UNAVAILABLE = "weather_unavailable"
_BUSY = "weather_busy"
_AGAIN = ((60.0, "in a minute"), (3600.0, "in an hour"))
# A caller remembers about so many; the page draws them.
_HOURS_AHEAD = 8

_ASK_PLACE = "Say that you found no such place, and ask for the city and the country."
_ASK_WHICH = "Ask the caller which of these places is meant. Then call again with its name and region."
_MOST_ASKED = 3
"""Most places that a question names: people do not remember more."""
_ASK_DAY = "Say that the forecast reaches two weeks ahead, and ask for a nearer day."
_TRY_LATER = "Say that the weather service is out of reach right now, and offer to try again."


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Location = Annotated[
    str,
    Field(
        description="City as the caller named it, with the state or country where the caller has said it, "
        "for example: Stockholm, or: Springfield, Illinois"
    ),
]
Unit = Annotated[
    Literal["celsius", "fahrenheit"] | None,
    BeforeValidator(_lower),
    Field(description="Temperature unit, if the caller asks for one; else leave it out"),
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


@asynccontextmanager
async def resources(settings: Mapping[str, str]) -> AsyncIterator[WeatherSource]:
    """Yield the weather service: one for all conversations, which share its connections and its cache."""
    # An empty key means the free service.
    key = settings["OPEN_METEO_API_KEY"]
    source = OpenMeteo(
        forecast_url=settings["OPEN_METEO_FORECAST_URL"],
        geocoding_url=settings["OPEN_METEO_GEOCODING_URL"],
        api_key=SecretStr(key) if key else None,
    )
    async with source:
        yield source


@tool(failure=_UNAVAILABLE, shown=True, filler=True, rationed=True)
async def get_current_weather(
    location: Location,
    call: Call,
    format: Unit = None,
) -> dict[str, Any]:
    """Get the weather at a place at this moment."""
    return await _answer(call, location, lambda found: _at_present(found, _units(format, call, found.place)))


@tool(failure=_UNAVAILABLE, shown=True, filler=True, rationed=True)
async def get_weather_forecast(
    location: Location,
    day: DayName,
    call: Call,
    format: Unit = None,
    hour: HourOfDay = None,
) -> dict[str, Any]:
    """Get the weather forecast for a place, for a whole day or for one hour of it."""
    return await _answer(
        call, location, lambda found: _at_another_time(found, day, hour, _units(format, call, found.place))
    )


async def _answer(call: Call, location: str, result_of: Callable[[Forecast], dict[str, Any]]) -> dict[str, Any]:
    # One source for all conversations, so that they share its cache and its quota.
    source: WeatherSource = call.resources
    try:
        return result_of(await _look_up(source, location))
    except SeveralPlaces as several:
        return _which(several)


def _at_present(forecast: Forecast, chosen: MeasurementUnits) -> dict[str, Any]:
    now = forecast.now
    # The source has forecasts for places without a current measurement.
    if not now.is_known:
        raise ToolFailure(_UNAVAILABLE, _TRY_LATER)
    hours = _next_hours(forecast, chosen)
    # The sentence is ready to be spoken: a model that rounds and converts numbers makes mistakes.
    warmth = _warmth(_degrees(now.temperature, chosen), chosen)
    return {
        "speak": f"Now{_where(forecast.place)}: {_sentence(_sky(now.conditions), warmth)}",
        **_shown_place(forecast.place),
        "conditions": now.conditions.value,
        "temperature": _degrees(now.temperature, chosen),
        "format": chosen.scale,
        "timestamp": _local_time(forecast).strftime(_TIMESTAMP),
        "feels_like": _degrees(now.feels_like, chosen),
        "humidity_percent": _whole(now.humidity),
        **_measures(now.wind, now.precipitation, chosen),
        "is_day": now.is_day,
        **({"next_hours": hours} if hours else {}),
    }


def _at_another_time(forecast: Forecast, day: str, hour: int | None, chosen: MeasurementUnits) -> dict[str, Any]:
    now = _local_time(forecast)
    wanted = date_of(day, today=now.date())
    numbers = _numbers(forecast, wanted, hour, chosen)
    return {
        "speak": f"{wanted:%A}{_where(forecast.place)}: {_spoken(numbers, chosen)}",
        **_shown_place(forecast.place),
        "day": wanted.isoformat(),
        "weekday": WEEKDAYS[wanted.weekday()],
        **numbers,
        "format": chosen.scale,
        "timestamp": now.strftime(_TIMESTAMP),
    }


def date_of(day: str, *, today: date) -> date:
    """Return the date that a caller's word for a day means; a weekday is the next one, including today.

    Raises:
        InvalidArguments: It is not a day.
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
        # A vague time, because the limit is shared with tasks that this one does not see.
        when = next((words for seconds, words in _AGAIN if error.retry_after <= seconds), "tomorrow")
        detail = f"Say that the weather service has been asked too often, and that it knows more {when}."
        raise ToolFailure(_BUSY, detail) from error
    except UpstreamError as error:
        raise ToolFailure(_UNAVAILABLE, _TRY_LATER) from error


def _units(asked: Literal["celsius", "fahrenheit"] | None, call: Call, place: Place | None) -> MeasurementUnits:
    return units(asked=asked, region=call.region, country="" if place is None else place.country_code)


def _which(several: SeveralPlaces) -> dict[str, Any]:
    """Return a question to the caller: "Which Springfield: the one in Missouri, in Massachusetts or in Illinois?"."""
    # The region alone tells them apart, and is quicker to say than the full names.
    areas = [place.spoken.partition(", ")[2] or place.name for place in several.places[:_MOST_ASKED]]
    *most, last = [f"in {area}" for area in areas]
    return {
        "speak": f"Which {several.name} do you mean, the one {', '.join(most)} or {last}?",
        "places": [_described(place) for place in several.places],
        "next": _ASK_WHICH,
    }


def _described(place: Place) -> dict[str, str]:
    return {"name": place.name, "region": place.region, "country": place.country, "spoken": place.spoken}


def _shown_place(place: Place | None) -> dict[str, Any]:
    return {} if place is None else {"place": _described(place)}


def _where(place: Place | None) -> str:
    return "" if place is None else f" in {place.spoken}"


def _measures(wind: float | None, precipitation: float | None, chosen: MeasurementUnits) -> dict[str, float | None]:
    (speed_name, speed), (depth_name, depth) = chosen.wind(wind), chosen.precipitation(precipitation)
    return {depth_name: depth, speed_name: _whole(speed)}


def _numbers(forecast: Forecast, wanted: date, hour: int | None, chosen: MeasurementUnits) -> dict[str, Any]:
    if hour is None:
        # A day beyond the forecast is missing from it, and becomes a spoken failure.
        day = _first(day for day in forecast.days if day.date == wanted)
        return {
            **_common(day, chosen),
            "temperature_high": _degrees(day.high, chosen),
            "temperature_low": _degrees(day.low, chosen),
        }
    start = datetime.combine(wanted, time(hour))
    one = _first(one for one in forecast.hours if one.time == start)
    return {**_common(one, chosen), "hour": hour, "temperature": _degrees(one.temperature, chosen)}


def _spoken(numbers: Mapping[str, Any], chosen: MeasurementUnits) -> str:
    """Return a forecast in words: no internal enumeration values, full unit names, and nothing unknown."""
    if "temperature" in numbers:
        warmth = _warmth(numbers["temperature"], chosen)
    else:
        # A day has a range; if only one end is known, that one is said.
        low, high = numbers["temperature_low"], numbers["temperature_high"]
        both = f"{low} to {high} degrees {chosen.scale}"
        warmth = both if None not in (low, high) else _warmth(low if high is None else high, chosen)
    chance = numbers["precipitation_probability_percent"]
    rain = None if chance is None else f"{chance} percent chance of rain or snow"
    return _sentence(_sky(numbers["conditions"]), warmth, rain)


def _warmth(degrees: int | None, chosen: MeasurementUnits) -> str | None:
    return None if degrees is None else f"{degrees} {'degree' if abs(degrees) == 1 else 'degrees'} {chosen.scale}"


def _sky(conditions: str) -> str | None:
    return None if conditions == Conditions.UNKNOWN else conditions.replace("_", " ")


def _sentence(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part is not None) + "."


def _common(span: Day | Hour, chosen: MeasurementUnits) -> dict[str, Any]:
    return {
        "conditions": span.conditions.value,
        "precipitation_probability_percent": _whole(span.precipitation_probability),
        **_measures(span.wind, span.precipitation, chosen),
    }


def _next_hours(forecast: Forecast, chosen: MeasurementUnits) -> list[dict[str, Any]]:
    """Return the coming hours: for a page to draw, and for a caller who asks about later."""
    now = _local_time(forecast)
    # Only future hours: the present one is in the current weather.
    coming = [hour for hour in forecast.hours if hour.time > now][:_HOURS_AHEAD]
    return [
        {
            "hour": hour.time.hour,
            "temperature": _degrees(hour.temperature, chosen),
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
    # The place's local time, because days and hours of the forecast are local too.
    return datetime.now(UTC).replace(tzinfo=None) + forecast.utc_offset


def _degrees(celsius: float | None, chosen: MeasurementUnits) -> int | None:
    return None if celsius is None else _whole(chosen.degrees(celsius))


def _whole(number: float | None) -> int | None:
    """Round half up, as people do; Python's own ``round`` turns 2.5 into 2."""
    return None if number is None else floor(number + 0.5)
