"""Classifies a caller's sentence, spoken or typed, by keyword spotting. No I/O."""

import re
from dataclasses import dataclass
from enum import StrEnum

from standins.nova import small_talk
from standins.nova.small_talk import SmallTalk
from standins.nova.weather_dialogue.gazetteer import place
from standins.nova.weather_dialogue.times import When, when
from standins.nova.words import plain


class Intent(StrEnum):
    """What a caller may want."""

    WEATHER = "weather"
    DETAIL = "detail"
    """Only a place, a time or a unit: an answer to our question, or a follow-up such as "and tomorrow"."""
    GREETING = "greeting"
    THANKS = "thanks"
    IDENTITY = "identity"
    HELP = "help"
    REPEAT = "repeat"
    GOODBYE = "goodbye"
    HUMAN = "human"
    STOP = "stop"
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Aspect(StrEnum):
    """Which aspect of the weather the question is about."""

    GENERAL = "general"
    RAIN = "rain"
    SNOW = "snow"
    UMBRELLA = "umbrella"
    CLOTHES = "clothes"
    TEMPERATURE = "temperature"
    WIND = "wind"
    SKY = "sky"


@dataclass(frozen=True)
class UnderstoodRequest:
    """One understood sentence."""

    intent: Intent
    place: str | None = None
    when: When = When()
    unit: str | None = None
    """"celsius" or "fahrenheit" if the caller named one."""
    aspect: Aspect = Aspect.GENERAL


_ASPECTS = (
    (Aspect.UMBRELLA, r"\bumbrella\b"),
    (Aspect.CLOTHES, r"\b(jacket|coat|sweater|wear)\b"),
    (Aspect.SNOW, r"\bsnow(ing|y)?\b"),
    (Aspect.RAIN, r"\b(rain(ing|y)?|wet|showers?)\b"),
    (Aspect.WIND, r"\b(wind|windy|humid|humidity)\b"),
    (Aspect.SKY, r"\b(sunny|sun|cloudy|clear|foggy)\b"),
    (Aspect.TEMPERATURE, r"\b(temperature|warm|cold|hot|degrees|freezing|chilly|cool)\b"),
)
_WEATHER = re.compile(r"\b(weather|forecast|outside|how does it look|how is it looking|how is it in)\b")


def understand(text: str) -> UnderstoodRequest:
    """Classify one sentence. Anything else is `Intent.UNKNOWN`; never raises."""
    words = re.sub(r"[\u2018\u2019]", "'", text).split()
    keys = [plain(word) for word in words]
    sentence = " ".join(key for key in keys if key)
    # Explicit wishes come first: "goodbye" ends a call whatever else the sentence says.
    wish = small_talk.wish(sentence)
    if wish is not None:
        return UnderstoodRequest(Intent(wish))
    aspect = next((aspect for aspect, pattern in _ASPECTS if re.search(pattern, sentence)), Aspect.GENERAL)
    about_weather = aspect is not Aspect.GENERAL or _WEATHER.search(sentence) is not None
    where, time, unit = place(words), _time(sentence), _unit(sentence)
    remark = small_talk.remark(sentence)
    # "In Fahrenheit?" changes only the unit of the last question.
    if about_weather:
        unit_only = (
            aspect is Aspect.TEMPERATURE
            and unit is not None
            and "temperature" not in sentence
            and where is None
            and not time
        )
        return UnderstoodRequest(Intent.DETAIL if unit_only else Intent.WEATHER, where, time, unit, aspect)
    if remark in (SmallTalk.STOP, SmallTalk.IDENTITY, SmallTalk.HELP):
        return UnderstoodRequest(Intent(remark))
    if where or time or unit:
        return UnderstoodRequest(Intent.DETAIL, where, time, unit)
    return UnderstoodRequest(Intent(remark) if remark else Intent.UNKNOWN)


def _time(sentence: str) -> When:
    """Return the time in a sentence, ignoring greetings such as "good morning"."""
    return when(re.sub(r"\bgood (morning|afternoon|evening)\b", "", sentence).split())


def _unit(sentence: str) -> str | None:
    if re.search(r"\b(fahrenheit|f)\b", sentence):
        return "fahrenheit"
    return "celsius" if re.search(r"\b(celsius|centigrade|celcius)\b", sentence) else None
