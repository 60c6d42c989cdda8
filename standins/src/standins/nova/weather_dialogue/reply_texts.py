"""Turns a tool's result into short sentences that are easy to speak and to understand on a phone.

Numbers stay digits here ("-7 degrees"); the voice reads them out. Every value of a result may be missing or odd:
unreadable values are left out, and the rest of the sentence is still true.
"""

import datetime as dt
import textwrap
from collections.abc import Mapping
from typing import Any

from standins.nova.weather_dialogue.nlu import Aspect

_SKIES = {
    "clear": "clear",
    "mostly_clear": "mostly clear",
    "partly_cloudy": "partly cloudy",
    "overcast": "overcast",
    "fog": "foggy",
}
_FALLING = {
    "drizzle": "drizzle",
    "freezing_drizzle": "freezing drizzle",
    "rain": "rain",
    "freezing_rain": "freezing rain",
    "snow": "snow",
    "snow_grains": "snow grains",
    "rain_showers": "rain showers",
    "snow_showers": "snow showers",
    "thunderstorm": "a thunderstorm",
    "thunderstorm_with_hail": "a thunderstorm with hail",
}
_SEVERAL = ("snow_grains", "rain_showers", "snow_showers")
"""Conditions whose name is a plural."""
_SNOW = ("snow", "snow_grains", "snow_showers")
_COLD = {"celsius": 10, "fahrenheit": 50}
_LIKELY, _POSSIBLE = 50, 20
_ABSURD = 10_000
"""Values beyond this cannot be weather."""
_BREATH = 200
"""Maximum number of characters to read out of a tool's own text."""

FAILURES = {
    "location_not_found": "I could not find {place}. Please name another city.",
    "weather_unavailable": "I can't reach the weather service right now. Please try again in a moment.",
    "invalid_arguments": "I could not look that up. Please ask in another way.",
    "day_out_of_range": "I can't see that far ahead. Please ask about the coming days.",
    "timeout": "The weather service did not answer in time. Please try again in a moment.",
}
UNKNOWN_FAILURE = "Something went wrong when I looked that up. Please try again."
UNKNOWN_RESULT = "I got an answer that I can't read. Please ask me something else."


def current(place: str, aspect: Aspect, result: Mapping[str, Any]) -> str:
    """Return the current weather as a sentence."""
    degrees = _degrees(result.get("temperature"))
    if degrees is None:
        return UNKNOWN_RESULT
    sky = _sky(result.get("conditions"))
    unit = " fahrenheit" if result.get("format") == "fahrenheit" else ""
    now = f"It is {degrees}{unit}{f' and {sky}' if sky else ''} in {place}."
    more = _of_the_moment(aspect, result)
    return f"{more} {now}" if more else now


def forecast(place: str, arguments: Mapping[str, Any], aspect: Aspect, result: Mapping[str, Any]) -> str:
    """Return the weather of a day or an hour as a sentence."""
    day = _day_name(arguments.get("day"), result)
    unit = " fahrenheit" if result.get("format") == "fahrenheit" else ""
    opening = f"{day} in {place}"
    hour = _number(result.get("hour"))
    if hour is not None and (degrees := _degrees(result.get("temperature"))) is not None:
        warmth = f"It will be {degrees}{unit}."
        opening = f"{day} at {_clock(hour)} in {place}"
    elif (high := _number(result.get("temperature_high"))) is not None:
        low = _number(result.get("temperature_low"))
        warmth = f"Between {low} and {high} degrees{unit}." if low is not None else f"Up to {high} degrees{unit}."
    else:
        return UNKNOWN_RESULT
    return f"{opening}: {_outlook(aspect, result)} {warmth}".replace("  ", " ")


def prose(text: str) -> str:
    """Return a tool's own text, shortened to one breath."""
    short = textwrap.shorten(text, _BREATH, placeholder=" and so on.")
    return short if short.endswith((".", "!", "?")) else f"{short}."


def failure(error: object, place: str) -> str:
    """Return an honest sentence about an error."""
    return FAILURES.get(str(error), UNKNOWN_FAILURE).format(place=place or "that place")


def _of_the_moment(aspect: Aspect, result: Mapping[str, Any]) -> str:
    condition = str(result.get("conditions"))
    falling = _FALLING.get(condition)
    if aspect is Aspect.UMBRELLA:
        return "Yes, take an umbrella." if falling else "No, you don't need an umbrella right now."
    if aspect is Aspect.RAIN:
        return f"{'No' if condition in _SNOW else 'Yes'}, {_sky(condition)}." if falling else "No, it is not raining."
    if aspect is Aspect.SNOW:
        return "Yes, it is snowing." if condition in _SNOW else "No, it is not snowing."
    if aspect is Aspect.CLOTHES:
        return "Yes, take something warm." if _is_cold(result) else "No, it is warm enough without."
    return _wind(result) if aspect is Aspect.WIND else ""


def _wind(result: Mapping[str, Any]) -> str:
    for name, unit in (("wind_kmh", "kilometers"), ("wind_mph", "miles")):
        if (speed := _number(result.get(name))) is not None:
            return f"The wind blows at {speed} {unit} per hour."
    return ""


def _outlook(aspect: Aspect, result: Mapping[str, Any]) -> str:
    chance = _number(result.get("precipitation_probability_percent"))
    condition = str(result.get("conditions"))
    falling, sky = _FALLING.get(condition), _sky(result.get("conditions"))
    kind = falling or "rain"
    risk = f"{_article(chance)} {chance} percent chance"
    if aspect is Aspect.SNOW and condition not in _SNOW:
        return "snow is not expected."
    if aspect is Aspect.UMBRELLA and chance is not None:
        advice = "take an umbrella" if chance >= _POSSIBLE else "you need no umbrella"
        return f"{advice}, there is {risk} of rain."
    if chance is None:
        return f"{falling or sky}." if sky else ""
    if falling or aspect is Aspect.RAIN:
        word = "likely" if chance >= _LIKELY else "possible" if chance >= _POSSIBLE else "unlikely"
        return f"{kind} {_is(condition)} {word}, {chance} percent."
    return f"{sky}, with {risk} of rain." if sky else f"{risk} of rain."


def _is_cold(result: Mapping[str, Any]) -> bool:
    degrees = _number(result.get("temperature"))
    return degrees is not None and degrees < _COLD.get(str(result.get("format")), 10)


def _sky(condition: object) -> str | None:
    falling = _FALLING.get(str(condition))
    return f"there {_is(condition)} {falling}" if falling else _SKIES.get(str(condition))


def _is(condition: object) -> str:
    return "are" if condition in _SEVERAL else "is"


def _article(number: int | None) -> str:
    """Return "an" before eight, eleven, eighteen and the eighties."""
    return "an" if number is not None and (number in (8, 11, 18) or 80 <= number < 90) else "a"  # noqa: PLR2004


def _degrees(value: object) -> str | None:
    number = _number(value)
    return None if number is None else f"{number} degree{'' if abs(number) == 1 else 's'}"


def _number(value: object) -> int | None:
    return (
        round(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _ABSURD
        else None
    )


def _day_name(asked: object, result: Mapping[str, Any]) -> str:
    if asked in ("today", "tomorrow"):
        return str(asked).capitalize()
    weekday = result.get("weekday")
    if isinstance(weekday, str) and weekday.isalpha():
        return f"On {weekday.capitalize()}"
    try:
        return f"On {dt.date.fromisoformat(str(asked)):%A}"
    except ValueError:
        return f"On {str(asked).capitalize()}" if isinstance(asked, str) and asked.isalpha() else "Then"


def _clock(hour: int) -> str:
    if hour in (0, 12):
        return "midnight" if hour == 0 else "noon"
    return f"{hour % 12} {'a.m.' if hour < 12 else 'p.m.'}"  # noqa: PLR2004
