"""Classifies a caller's sentence, spoken or typed, by keyword spotting. No I/O."""

import re
from dataclasses import dataclass
from enum import StrEnum

from standins.nova.gazetteer import place, plain
from standins.nova.times import When, when


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

# The first match wins. Questions about the weather come after these explicit wishes and before small talk.
_WISHES = (
    (
        Intent.HUMAN,
        (
            r"\b(human|operator|agent|representative|someone|somebody|support|real person"
            r"|put me through|transfer me|(talk|speak) to a person|to a person)\b"
        ),
    ),
    (
        Intent.GOODBYE,
        (
            r"\b(goodbye|good bye|bye|hang up|see you"
            r"|(that is|that's) all|end (the|this) call|good night|have a nice day)\b"
        ),
    ),
    (
        Intent.REPEAT,
        (
            r"\b(repeat|say (that )?again|once more|one more time|pardon|^sorry$|what did you say"
            r"|did ?n[o']t (understand|hear|catch)|did not (understand|hear|catch))\b"
        ),
    ),
)
_SMALL_TALK = (
    (Intent.STOP, r"\b(stop|quiet|shut up|enough|wait|hold on|never mind)\b"),
    (Intent.IDENTITY, r"\b(who are you|what are you|your name|who is this|who am i)\b"),
    (Intent.HELP, r"\b(help|what can (you|i)|how does this work)\b"),
    (Intent.THANKS, r"\b(thanks?|thank you|cheers)\b"),
    (
        Intent.GREETING,
        (
            r"\b(hello|hi|hey|good (morning|afternoon|evening)"
            r"|how are you|can you hear me|are you there|is anybody there|greetings)\b"
        ),
    ),
    (Intent.NO, r"\b(no|nope|nothing|not now)\b"),
    (Intent.YES, r"\b(yes|yeah|yep|sure|okay|ok|correct|right|please)\b"),
)
_QUESTION_ABOUT_ITSELF = re.compile(
    r"\b(are you|am i talking to|is this) (a |an )?(real|robot|computer|machine|person|bot|ai|human)\b"
)


def understand(text: str) -> UnderstoodRequest:
    """Classify one sentence. Anything else is `Intent.UNKNOWN`; never raises."""
    words = re.sub(r"[\u2018\u2019]", "'", text).split()
    keys = [plain(word) for word in words]
    sentence = " ".join(key for key in keys if key)
    # Before the wishes: "am I talking to a human?" is not a request for one.
    if _QUESTION_ABOUT_ITSELF.search(sentence):
        return UnderstoodRequest(Intent.IDENTITY)
    wish = _first(_WISHES, sentence)
    if wish is not None:
        return UnderstoodRequest(wish)
    aspect = next((aspect for aspect, pattern in _ASPECTS if re.search(pattern, sentence)), Aspect.GENERAL)
    about_weather = aspect is not Aspect.GENERAL or _WEATHER.search(sentence) is not None
    where, time, unit = place(words), _time(sentence), _unit(sentence)
    small_talk = _first(_SMALL_TALK, sentence)
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
    if small_talk in (Intent.STOP, Intent.IDENTITY, Intent.HELP):
        return UnderstoodRequest(small_talk)
    if where or time or unit:
        return UnderstoodRequest(Intent.DETAIL, where, time, unit)
    return UnderstoodRequest(small_talk or Intent.UNKNOWN)


def _first(table: tuple[tuple[Intent, str], ...], sentence: str) -> Intent | None:
    return next((intent for intent, pattern in table if re.search(pattern, sentence)), None)


def _time(sentence: str) -> When:
    """Return the time in a sentence, ignoring greetings such as "good morning"."""
    return when(re.sub(r"\bgood (morning|afternoon|evening)\b", "", sentence).split())


def _unit(sentence: str) -> str | None:
    if re.search(r"\b(fahrenheit|f)\b", sentence):
        return "fahrenheit"
    return "celsius" if re.search(r"\b(celsius|centigrade|celcius)\b", sentence) else None
