"""Every weather in every form of sentence, as an English speaker would say it."""

import pytest

from standins.nova.weather_dialogue import reply_texts
from standins.nova.weather_dialogue.nlu import Aspect

# Condition; the sky of a sentence "It is 5 degrees and …"; its part in "… likely".
_CONDITIONS = [
    ("clear", "clear", ""),
    ("mostly_clear", "mostly clear", ""),
    ("partly_cloudy", "partly cloudy", ""),
    ("overcast", "overcast", ""),
    ("fog", "foggy", ""),
    ("drizzle", "there is drizzle", "drizzle is"),
    ("freezing_drizzle", "there is freezing drizzle", "freezing drizzle is"),
    ("rain", "there is rain", "rain is"),
    ("freezing_rain", "there is freezing rain", "freezing rain is"),
    ("snow", "there is snow", "snow is"),
    ("snow_grains", "there are snow grains", "snow grains are"),
    ("rain_showers", "there are rain showers", "rain showers are"),
    ("snow_showers", "there are snow showers", "snow showers are"),
    ("thunderstorm", "there is a thunderstorm", "a thunderstorm is"),
    ("thunderstorm_with_hail", "there is a thunderstorm with hail", "a thunderstorm with hail is"),
]
_SNOWING = {"snow", "snow_grains", "snow_showers"}


def _now(condition: str, aspect: Aspect) -> str:
    return reply_texts.current("Oslo", aspect, {"conditions": condition, "temperature": 5, "format": "celsius"})


def _tomorrow(condition: str, aspect: Aspect, chance: int | None) -> str:
    result = {"conditions": condition, "temperature_high": 7, "temperature_low": 1, "format": "celsius"}
    known = result | ({} if chance is None else {"precipitation_probability_percent": chance})
    return reply_texts.forecast("Oslo", {"day": "tomorrow"}, aspect, known)


@pytest.mark.parametrize(("condition", "sky", "falling"), _CONDITIONS)
def test_the_weather_now(condition: str, sky: str, falling: str) -> None:
    """The current weather is a valid sentence, alone and after the answer about rain or snow."""
    sentence = f"It is 5 degrees and {sky} in Oslo."
    assert _now(condition, Aspect.GENERAL) == sentence
    rain = f"{'No' if condition in _SNOWING else 'Yes'}, {sky}." if falling else "No, it is not raining."
    assert _now(condition, Aspect.RAIN) == f"{rain} {sentence}"
    snow = "Yes, it is snowing." if condition in _SNOWING else "No, it is not snowing."
    assert _now(condition, Aspect.SNOW) == f"{snow} {sentence}"


@pytest.mark.parametrize(
    ("chance", "word", "risk"),
    [
        (0, "unlikely", "a 0"),
        (8, "unlikely", "an 8"),
        (11, "unlikely", "an 11"),
        (20, "possible", "a 20"),
        (50, "likely", "a 50"),
        (80, "likely", "an 80"),
        (100, "likely", "a 100"),
    ],
)
@pytest.mark.parametrize(("condition", "sky", "falling"), _CONDITIONS)
def test_the_weather_of_a_day(  # noqa: PLR0913, PLR0917 - a row of each table
    condition: str, sky: str, falling: str, chance: int, word: str, risk: str
) -> None:
    """A day's weather names likely rain or snow and otherwise the chance of rain, with the right article."""
    degrees = "Between 1 and 7 degrees."
    general = f"{falling} {word}, {chance} percent." if falling else f"{sky}, with {risk} percent chance of rain."
    assert _tomorrow(condition, Aspect.GENERAL, chance) == f"Tomorrow in Oslo: {general} {degrees}"
    rain = f"{falling or 'rain is'} {word}, {chance} percent."
    assert _tomorrow(condition, Aspect.RAIN, chance) == f"Tomorrow in Oslo: {rain} {degrees}"
    umbrella = _tomorrow(condition, Aspect.UMBRELLA, chance)
    assert umbrella.endswith(f"there is {risk} percent chance of rain. {degrees}")


@pytest.mark.parametrize(("condition", "sky", "falling"), _CONDITIONS)
def test_a_day_whose_chance_of_rain_is_not_known(condition: str, sky: str, falling: str) -> None:
    """A day without a known chance of rain gets the condition alone, without a verb in the present."""
    sky_words = falling.removesuffix(" is").removesuffix(" are") or sky
    assert _tomorrow(condition, Aspect.GENERAL, None) == f"Tomorrow in Oslo: {sky_words}. Between 1 and 7 degrees."
