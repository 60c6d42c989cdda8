"""Transcribes what the agent says, with a language model of its own, so that a test judges audio and not intentions."""

import random
import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from standins.speech.city_names import SpokenCity, cities
from standins.speech.decoder import Recogniser
from standins.speech.endpointing import CallerFinished, TurnDetector
from standins.speech.numbers import in_words, with_digits
from standins.speech.pronunciation import known, with_the_voices
from standins.speech.sentences import WEEKDAYS, expanded

COLDEST, HOTTEST = -60, 130
HOTTEST_CELSIUS = 60
"""Without a unit, higher values are impossible: "eighty degrees" is Fahrenheit, or a misheard "eight degrees"."""

_DRY = ("clear", "mostly clear", "partly cloudy", "overcast", "foggy", "cloudy", "sunny")
_ONE = (
    "rain",
    "drizzle",
    "snow",
    "freezing rain",
    "freezing drizzle",
    "a thunderstorm",
    "a thunderstorm with hail",
)
_SEVERAL = ("rain showers", "snow showers", "snow grains")
_FALLING = (*(f"{name} is" for name in _ONE), *(f"{name} are" for name in _SEVERAL))
_THERE = (*(f"there is {name}" for name in _ONE), *(f"there are {name}" for name in _SEVERAL))
_SKIES = (*_DRY, *_THERE)
_UNITS = ("", "", "", "fahrenheit", "celsius")
_OTHER = (
    "hello i am a stand in for nova sonic",
    "ask me about the weather in a city",
    "i am a stand in for nova sonic that runs on this computer",
    "i know weather questions and three hundred cities by ear",
    "hello again what can i do for you",
    "ask me for example what is the weather in stockholm or will it rain in london tomorrow",
    "sorry i did not understand that",
    "i still did not understand i only know simple questions such as what is the weather in paris",
    "which city (and which day|)",
    "i can tell you about the coming days which day",
    "i can't reach the weather service right now please try again in a moment",
    "the weather service did not answer in time please try again in a moment",
    "i could not find that place please name another city",
    "i could not look that up please ask in another way",
    "i can't see that far ahead please ask about the coming days",
    "something went wrong when i looked that up please try again",
    "you are welcome",
    "all right (is there anything else|)",
    "are you still there",
    "sorry the line was bad please say it again",
    "one moment please",
    "thank you for waiting i am still here",
    "let me look that up",
    "i am sorry something is wrong on my side",
    "goodbye (you can hang up now|)",
    "i have to go now goodbye",
    "one moment i am connecting you",
    "i'm sorry i can't connect you to anybody from here",
    "i am sorry nobody is free right now what else can i do for you",
    "you can see on the page how to reach a person",
    "hello this is a person how can i help you",
    "(no it is not raining|no it is not snowing|yes it is snowing)",
    *(f"(yes|no) {sky}" for sky in _THERE),
    "(yes take an umbrella|no you don't need an umbrella right now)",
    "(yes take something warm|no it is warm enough without)",
)
_FREEDOM = 0.1
"""Lower than for callers: the agent's sentences follow their templates more closely."""
_WORDS = re.compile(r"-?\d+|[a-z]+(?:'[a-z]+)?(?:\.[a-z]\.)?")
_PAUSE_BETWEEN_SENTENCES = 0.35


def answer_sentences(seed: int = 11) -> list[str]:
    """Return about ten thousand sentences that an agent may say; every city and likely temperature equally often."""
    dice = random.Random(seed)
    said = _ours() * 5
    for number in range(COLDEST, HOTTEST + 1):
        likely = number <= HOTTEST_CELSIUS
        for city in dice.sample(cities(), 14 if likely else 2):
            degrees = f"{in_words(number)} degree{'' if abs(number) == 1 else 's'} {_unit(dice, number)}"
            said.append(" ".join(f"it is {degrees} and {dice.choice(_SKIES)} in {city.spoken}".split()))
            if dice.random() < 0.3:  # noqa: PLR2004  a share of answers without a sky
                said.append(" ".join(f"it is {degrees} in {city.spoken}".split()))
        for _ in range(8 if likely else 1):
            low, unit = in_words(max(number - dice.randint(1, 14), COLDEST)), _unit(dice, number)
            said.append(f"between {low} and {in_words(number)} degrees {unit}".strip())
            said.append(f"it will be {in_words(number)} degrees {unit}".strip())
            said.append(f"the wind blows at {in_words(abs(number))} kilometers per hour")
    for city in cities():
        said += [_outlook(dice, city.spoken) for _ in range(10)]
        said += [f"{dice.choice(_SKIES)} in {city.spoken}", f"i could not find {city.spoken} please name another city"]
    said += [sentence for city in cities() if city.areas for sentence in _which(dice, city)]
    said += [f"the wind blows at {in_words(number)} miles per hour" for number in range(100)]
    return said


def _ours() -> list[str]:
    """Return the sentences that every agent may say."""
    return [sentence for template in _OTHER for sentence in expanded(template)]


def _which(dice: random.Random, city: SpokenCity) -> list[str]:
    """Return questions which of several places is meant, and the weather of one of them."""
    areas = [area.lower() for area in city.areas]
    *most, last = [f"in {area}" for area in areas[:3]]
    said = [f"which {city.spoken} do you mean the one {' '.join(most)} or {last}"] * 5
    for area in areas:
        place = f"{city.spoken} {area.removeprefix('the ')}"
        for number in dice.sample(range(COLDEST, HOTTEST_CELSIUS + 1), 8):
            degrees = f"{in_words(number)} degree{'' if abs(number) == 1 else 's'} {_unit(dice, number)}".strip()
            said.append(f"it is {degrees} and {dice.choice(_SKIES)} in {place}")
        said += [_outlook(dice, place) for _ in range(4)]
    return said


def _unit(dice: random.Random, number: int) -> str:
    return dice.choice(_UNITS) if number <= HOTTEST_CELSIUS else "fahrenheit"


def transcribe_answer(pcm: bytes, sample_rate: int) -> str:
    """Transcribe a reply of the weather agent or of ours, see `ReplyReader.read`."""
    return _reader().read(pcm, sample_rate)


class ReplyReader:
    """Transcribes replies. Must not be used by two threads at once: a recogniser has one state.

    Args:
        recogniser: Knows what an agent may say.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser

    @classmethod
    def of(cls, sentences: Sequence[str]) -> "ReplyReader":
        """Return a reader of some sentences in any order of words; takes two seconds.

        Args:
            sentences: Lower-case sentences, each as often as it is likely; those with a word that has no pronunciation
                are left out.
        """
        more = with_the_voices(word for sentence in sentences for word in sentence.split())
        sayable = known().keys() | more.keys()
        heard = [sentence for sentence in sentences if sayable.issuperset(sentence.split())]
        return cls(Recogniser([*heard, *_ours()], more=more))

    def read(self, pcm: bytes, sample_rate: int) -> str:
        """Transcribe a reply of any length, 16-bit mono PCM at any rate; blocks for about a tenth of its duration.

        Returns:
            Lower-case words without punctuation; numbers as digits, negative ones with a sign: "it is -7 degrees in
            oslo".
        """
        words = [
            word
            for piece in _pieces(pcm, sample_rate)
            for word in self._recogniser.transcribe(piece, sample_rate).text.split()
        ]
        return " ".join(with_digits(words))


def contains(text: str, expected: str) -> bool:
    """Return whether `text` contains `expected`: "7" is in "it is seven degrees", but not in "seventy"."""
    said, wanted = normalised(text), normalised(expected)
    return any(said[start : start + len(wanted)] == wanted for start in range(len(said) - len(wanted) + 1))


def normalised(text: str) -> list[str]:
    """Normalise a text for comparison: lower case, no accents or punctuation, "minus seven" as "-7"."""
    letters = unicodedata.normalize("NFKD", text.lower().replace("\u2212", "-").replace("\u2019", "'"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return with_digits(_WORDS.findall(re.sub(r"(?<=[\w])-", " ", plain)))


def _outlook(dice: random.Random, city: str) -> str:
    day = dice.choice(["today", "tomorrow", *(f"on {weekday}" for weekday in WEEKDAYS)])
    hour = dice.choice(
        ["", "", "at noon", "at midnight", f"at {in_words(dice.randint(1, 12))} {dice.choice(['a.m.', 'p.m.'])}"]
    )
    number = dice.randint(0, 100)
    risk = f"{_article(number)} {in_words(number)} percent chance of rain"
    falling = f"{dice.choice(_FALLING)} {dice.choice(['likely', 'possible', 'unlikely'])} {in_words(number)} percent"
    dry = f"{dice.choice(_DRY)} with {risk}"
    umbrella = f"{dice.choice(['take an umbrella', 'you need no umbrella'])} there is {risk}"
    outlook = dice.choice([falling] * 4 + [dry] * 4 + [umbrella] * 2 + ["snow is not expected"])
    return " ".join(f"{day} {hour} in {city} {outlook}".split())


def _article(number: int) -> str:
    return "an" if in_words(number).startswith("e") else "a"


def _pieces(pcm: bytes, sample_rate: int) -> list[bytes]:
    """Split the audio at pauses: the recogniser is more accurate on single sentences."""
    if sample_rate not in (8_000, 16_000):
        # The second of silence lets the detector end the last sentence.
        return [pcm]
    turns = TurnDetector(sample_rate, _PAUSE_BETWEEN_SENTENCES)
    events = turns.feed(pcm + bytes(sample_rate * 2))
    return [event.pcm for event in events if isinstance(event, CallerFinished)]


@cache
def _reader() -> ReplyReader:
    return ReplyReader(Recogniser(answer_sentences(), freedom=_FREEDOM))
