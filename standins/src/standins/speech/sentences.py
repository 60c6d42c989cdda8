"""Sentences that callers may say, from which the recogniser's language model is computed."""

import itertools
import random
import re
from collections.abc import Iterator, Sequence

from standins.speech.city_names import cities

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

_ALTERNATIVES = re.compile(r"\(([^()]*)\)")

_WHAT_IS = "(what is|what's|how is|how's)"
_ASK = (
    "(can you tell me|could you tell me|tell me|please tell me"
    "|give me|i would like to know|i'd like to know|i want to know)"
)

# Each line is a kind of question; `(a|b|)` is a choice. A place and a time are appended.
QUESTIONS = (
    f"{_WHAT_IS} the weather",
    f"{_WHAT_IS} the weather like",
    f"{_WHAT_IS} the weather going to be (like|)",
    "(what|how) will the weather be (like|)",
    f"{_ASK} the weather",
    f"{_ASK} (the temperature|the forecast|the weather forecast|what the weather is like|how warm it is)",
    "(what is|what's) the temperature",
    "what temperature is it",
    "how (warm|cold|hot|windy|humid) (is it|will it be|is it going to be)",
    "(will|does) it (rain|snow)",
    "(is it|is it going to be|will it be) (warm|cold|hot|sunny|cloudy|windy|rainy|raining|snowing|freezing)",
    "is it going to (rain|snow)",
    "is there (rain|snow|any rain)",
    "(do i need|should i take|should i bring|will i need) (an umbrella|a jacket|a coat|my umbrella)",
    "(the|) (weather|weather forecast|weather report|temperature)",
)
OF_A_PLACE = (
    "(what is|what's|give me|tell me|) the (forecast|weather forecast|weather) for",
    "how (does it look|is it looking) in",
    "how is it in",
)
WITH_A_PLACE_ONLY = (
    "",
    "",
    "in",
    "in",
    "and in",
    "and in",
    "and",
    "what about",
    "what about in",
    "how about",
    "how about in",
    "and for",
)
WITH_A_TIME_ONLY = (
    "",
    "and",
    "and",
    "what about",
    "what about",
    "how about",
    "and how about",
    "will it rain",
    "what is the weather",
)
OPENERS = ("", "", "", "", "", "hello", "hi", "okay", "please", "so", "and", "thanks")
CLOSERS = ("", "", "", "", "", "please", "in fahrenheit", "in celsius", "in degrees fahrenheit")
TIMES = (
    "today",
    "tomorrow",
    "tonight",
    "now",
    "right now",
    "at the moment",
    "this morning",
    "this afternoon",
    "this evening",
    "this weekend",
    "on the weekend",
    "at the weekend",
    "tomorrow morning",
    "tomorrow afternoon",
    "tomorrow evening",
    "tomorrow night",
    "the day after tomorrow",
    "next week",
    "at noon",
    "at midnight",
    "later today",
)
# Said far more often than the others.
COMMON = (
    *("no", "yes", "stop", "help", "hello", "goodbye"),
    *("who are you", "are you a robot", "thank you", "repeat that", "i want to talk to a human"),
)
OTHER = (
    "(hello|hi|hey|hello there|hi there|good morning|good afternoon|good evening)",
    "(hello|hi) (how are you|who are you|can you hear me)",
    "(how are you|can you hear me|are you there|is anybody there)",
    "(thank you|thanks|thank you very much|thanks a lot|great thank you|okay thank you|perfect thank you)",
    "(who are you|what are you|what is your name|what's your name|who is this|who am i talking to)",
    "(are you|am i talking to|is this) (a robot|a computer|a machine|a person|a human|real|a real person)",
    "(help|help me|help please|i need help|what can you do|what can i ask|what can i say|can you help me)",
    "(repeat that|say that again|please repeat|please repeat that|can you repeat that)",
    "(repeat|once more|one more time|pardon|sorry)",
    "(what did you say|i did not understand|i didn't understand|say again|could you repeat that please)",
    "(goodbye|bye|bye bye|goodbye then|thank you goodbye|thanks goodbye)",
    "(thanks bye|see you|that is all|that's all|hang up|that's all thank you)",
    "(okay goodbye|no thank you goodbye|no that's all|thank you bye)",
    "(end the call|please end the call|have a nice day|good night)",
    (
        "(i want to|i would like to|i'd like to|can i|could i|may i|let me|i need to) "
        "(talk|speak) to (a human|a person|a real person|someone|somebody|an agent|an operator|a human being|support)"
    ),
    "(transfer me|connect me|put me through) to (a human|a person|an agent|someone|support|an operator)",
    "(a human please|human|operator|agent please|operator please|transfer me please)",
    "(stop|stop it|stop please|please stop|be quiet|quiet|shut up|enough|stop talking|wait|hold on|wait a moment)",
    "(yes|yes please|yeah|no|no thanks|no thank you|okay|sure|correct|that's right|right|never mind|nothing)",
    "(in|) (fahrenheit|celsius) (please|)",
    "(and in|what is that in|what's that in|in degrees) (fahrenheit|celsius)",
)


def expanded(template: str) -> Iterator[str]:
    """Yield every sentence that a template with `(a|b|)` choices stands for."""
    pieces = [piece.split("|") for piece in _ALTERNATIVES.split(template)]
    # Fixed parts and choices alternate.
    fixed = [[piece[0]] if index % 2 == 0 else piece for index, piece in enumerate(pieces)]
    for choice in itertools.product(*fixed):
        yield " ".join("".join(choice).split())


def times() -> list[str]:
    """Return the times that a caller may ask for, from "now" to "on friday at three p.m."."""
    clock = [f"at {hour} {half}" for hour in HOURS for half in ("a.m.", "p.m.", "o'clock")]
    days = [f"{lead} {day}".strip() for day in WEEKDAYS for lead in ("", "on", "next", "this")]
    both = [f"{day} {hour}" for day, hour in itertools.product(("tomorrow", "today"), clock)]
    return [*TIMES, *clock, *days, *both]


def sentences(seed: int = 7) -> list[str]:
    """Return about ten thousand sentences, the same for the same seed.

    Every city and every time appears equally often, so that the recogniser does not prefer popular places.
    """
    dice = random.Random(seed)
    said = [sentence for template in OTHER for sentence in expanded(template)] * 10 + list(COMMON) * 100
    asked = [sentence for template in QUESTIONS for sentence in expanded(template)]
    of_place = [sentence for template in OF_A_PLACE for sentence in expanded(template)]
    said += _about_places(dice, asked, of_place)
    said += _about_times(dice, asked)
    # Last, because these sentences were added later and must not change the random choices of the others.
    said += [sentence for city in cities() for area in city.areas for sentence in _which(city.spoken, area.lower())]
    return said


def _which(city: str, area: str) -> list[str]:
    """Return answers which of several places is meant, and questions that name it from the start."""
    bare = area.removeprefix("the ")
    return [
        *[f"the one in {area}", f"in {area}", bare] * 3,
        *[f"the one in {area} please", f"i mean the one in {area}", f"{city} {bare}", f"{city} in {area}"],
        f"what is the weather in {city} {bare}",
        f"what is the weather in {city} in {area}",
    ]


def _about_places(dice: random.Random, asked: Sequence[str], of_place: Sequence[str]) -> list[str]:
    moments = times()
    said = []
    for city in cities():
        said += [_asked_at_random(dice, question, city.spoken) for question in dice.sample(asked, 14)]
        said += [_joined(question, dice.choice(moments), "in", city.spoken) for question in dice.sample(asked, 3)]
        said += [_joined(question, city.spoken, dice.choice(["", *moments])) for question in dice.sample(of_place, 2)]
        behind = [dice.choice(["", "", "", "please", dice.choice(moments)]) for _ in WITH_A_PLACE_ONLY]
        said += [_joined(lead, city.spoken, end) for lead, end in zip(WITH_A_PLACE_ONLY, behind, strict=True)]
    return said


def _asked_at_random(dice: random.Random, question: str, city: str) -> str:
    time = dice.choice(["", "", "", "tomorrow", "today", *dice.sample(times(), 3)])
    return _joined(dice.choice(OPENERS), question, "in", city, time, dice.choice(CLOSERS))


def _about_times(dice: random.Random, asked: Sequence[str]) -> list[str]:
    # "now" alone is rarer than "no", which sounds the same on a phone.
    said = [_joined(lead, time) for time in times() for lead in WITH_A_TIME_ONLY if lead or time != "now"]
    said += [_joined(question, dice.choice(["", *dice.sample(times(), 3)])) for question in asked for _ in range(4)]
    return said


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
