# ruff: noqa: SIM905  a list of words reads best as words
"""Sentences that an agent's callers may say, from which the recogniser's language model for it is computed.

They are its rehearsed lines with other values and other ways to begin, the words of its documents, answers to what it
may ask for, and the small talk that every agent hears.
"""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from standins.agents.dates import Moment
from standins.agents.folder import AgentFolder
from standins.agents.language import Language, language
from standins.agents.rehearsed import choices_of, sentence_of
from standins.agents.spelled_values import SpelledValues
from standins.agents.times import Slot
from standins.agents.words import spelled
from standins.speech.numbers import in_words
from standins.speech.sentences import COMMON, OTHER, WEEKDAYS, expanded

_MOST_VARIANTS, _FEWEST_VARIANTS, _VARIANTS_OF_ALL = 50, 10, 1_500
"""Sentences per line, beside the line itself: fewer for each if there are many lines."""
_LITERAL = 30
"""How often the line itself counts: callers often say what the page and the rehearsals suggest."""
_MOST_SENTENCES = 20_000
"""Keeps the model of a very large folder small."""
_KNOWLEDGE = 400
_COMMON_NUMBERS = range(1, 13)

_OPENERS = ("", "", "", "", "hello", "hi", "yes", "okay", "so", "please", "good morning", "excuse me", "well")
_CLOSERS = ("", "", "", "", "please", "thank you", "thanks", "for me", "if possible")
# Ways to begin a wish; the first ones of these that a line begins with are replaced by others.
_WISHES = (
    "i would like to|i want to|i need to|i have to|i wish to|can i|could i|may i|can you|could you|please|let me"
    "|we would like to|we want to|we need to|can we|could we|is it possible to|would it be possible to|i am calling to"
).split("|")
_NEEDS = (
    "i would like|i need|i want|we need|we would like|can i get|can i have|could i get|could we have|give me"
    "|do you have|have you got|is there|are there|i am looking for|what about|how about|tell me about|i have"
).split("|")
_QUESTIONS = (
    "what is|what are|when is|when are|where is|where are|how much is|how much does|what does|which|do you|do you have"
    "|are you|is it|can i|how can i|when can i|where can i|how long|how late|until when|at what time"
).split("|")
_NAMES = (
    "anna maria john peter michael sarah david laura robert lisa thomas julia james emma daniel sophie mark paul linda "
    "susan karen george helen frank alice martin kate steven jane andrew lucy brian nancy kevin bob tom mary rossi "
    "smith miller johnson brown jones davis wilson taylor clark lewis walker hall young king wright hill scott green "
    "baker adams nelson carter mitchell cook morgan bell murphy cooper ward"
).split()
_MONTHS = "january february march april may june july august september october november december".split()
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_CENTURIES = {19: "nineteen hundred", 20: "two thousand"}
_LAST_DIGIT = 9
_PARTS = ("morning", "afternoon", "evening", "at noon", "for lunch", "for dinner")
# The other way round, for what `spelled` has made long: both are said.
_SHORT_FORMS = (
    ("i would", "i'd"),
    ("we would", "we'd"),
    ("i am", "i'm"),
    ("what is", "what's"),
    ("it is", "it's"),
    ("that is", "that's"),
    ("can not", "can't"),
    ("do not", "don't"),
    ("does not", "doesn't"),
    ("will not", "won't"),
    ("we are", "we're"),
    ("i have", "i've"),
)


def sentences(agent: AgentFolder, values: Iterable[str] = (), seed: int = 7) -> list[str]:
    """Return some thousand sentences, the same for the same folder.

    Args:
        agent: The folder.
        values: Further values that arguments may have, as the prompt's tools list them.
        seed: For the choice of variants.
    """
    made = _Variants(agent, tuple(values), random.Random(seed))
    spelled_values = SpelledValues(agent.captured, _NAMES, made.dice).sentences()
    said = [*made.of_documents(), *_fillers(), *made.of_answers(), *made.of_lines(), *spelled_values]
    return [short for sentence in filter(None, said[:_MOST_SENTENCES]) for short in _with_short_forms(sentence)]


def _with_short_forms(sentence: str) -> list[str]:
    short = f" {sentence} "
    for long, form in _SHORT_FORMS:
        short = short.replace(f" {long} ", f" {form} ")
    spoken = sentence.replace("can not", "cannot")
    return [spoken] if short.strip() == sentence else [spoken, short.strip()]


def _fillers() -> list[str]:
    talk = [sentence for template in OTHER for sentence in expanded(template)]
    # Units of temperature are the weather's.
    return [
        sentence for sentence in [*talk * 3, *COMMON * 20] if "fahrenheit" not in sentence and "celsius" not in sentence
    ]


@dataclass
class _Variants:
    agent: AgentFolder
    values: tuple[str, ...]
    dice: random.Random

    def __post_init__(self) -> None:
        self.language: Language = language("en")
        found = choices_of(self.agent.lines, self.language)
        self.choices = {
            **found,
            **{spelled(one): ("", one) for one in (*self.agent.choices, *self.values) if spelled(one)},
        }
        self.choices |= found

    def of_lines(self) -> Iterator[str]:
        """Yield each line, with other values, and with other beginnings and ends."""
        share = _VARIANTS_OF_ALL // max(len(self.agent.lines), 1)
        for line in self.agent.lines:
            words = spelled(line.says)
            slots = sentence_of(words, self.language, Moment(), self.choices).slots
            yield from [self._said(words, slots, vary=False)] * _LITERAL
            for _ in range(min(max(share, _FEWEST_VARIANTS), _MOST_VARIANTS)):
                yield self._joined(self._begun(self._said(words, slots, vary=True)))
            yield from self._pieces(words, slots)

    def of_answers(self) -> Iterator[str]:
        """Yield what callers say when the agent asks for a value."""
        for _ in range(300):
            day, clock, number = self._day(), self._clock(), self._number()
            first, last = self.dice.choice(_NAMES), self.dice.choice(_NAMES)
            name = self.dice.choice([first, f"{first} {last}", last])
            yield from (
                number,
                f"{number} people",
                f"for {number}",
                f"for {number} people",
                day,
                clock,
                f"{day} {clock}",
            )
            yield from (name, f"my name is {name}", f"the name is {name}", f"under the name {name}")
            yield from (f"no {day}", f"{day} {self.dice.choice(_PARTS)}", f"make it {number}", f"rather {day}")
        for phrase in self.choices:
            text = " ".join(phrase)
            yield from [text, f"a {text}", f"the {text}", f"{text} please", f"{self.dice.choice(_NEEDS)} {text}"] * 4

    def of_documents(self) -> Iterator[str]:
        """Yield the words of documents, titles, tools and synonyms: what free wording is made of."""
        for line in self.agent.lines:
            for title in (line.rehearsal, (line.tool or "").replace("_", " ")):
                if topic := " ".join(spelled(title)):
                    yield from [topic, f"the {topic}", f"your {topic}"]
                    yield from [f"{lead} {topic}" for lead in (*_NEEDS, *_QUESTIONS, "what are your", "what is your")]
            yield from [" ".join(spelled(line.answers))]
        for sentence in self.agent.knowledge[:_KNOWLEDGE]:
            yield _spoken(spelled(sentence))
        yield from [*dict.fromkeys(self.language.synonyms), *sorted(self.language.stop_words)] * 2
        yield from _common_words()

    def _said(self, words: Sequence[str], slots: Sequence[Slot], *, vary: bool) -> str:
        out, at = [], 0
        for slot in slots:
            own = words[slot.start : slot.stop]
            out += [*words[at : slot.start], *(self._other(slot, own) if vary and self.dice.random() < 0.8 else own)]  # noqa: PLR2004  a share
            at = slot.stop
        return _spoken([*out, *words[at:]])

    def _other(self, slot: Slot, own: Sequence[str]) -> Sequence[str]:
        if slot.kind == "day":
            return self._day().removeprefix("on ").split()
        if slot.kind == "time":
            return self._clock().split()
        if slot.kind == "part":
            return [self.dice.choice(_PARTS[:3])]
        if slot.kind == "number":
            # A row of digits stays one, such as the number of an order.
            digits = len(own) > 2 or int(slot.value) > 100  # noqa: PLR2004  "forty two" is no row
            return [in_words(self.dice.randrange(10)) for _ in str(slot.value)] if digits else self._number().split()
        alike = [phrase for phrase, (name, _) in self.choices.items() if name in ("", slot.parameter)]
        return self.dice.choice(alike or [tuple(own)])

    def _begun(self, text: str) -> str:
        """Replace the beginning of a wish by another one, or of a need."""
        for leads in (_WISHES, _NEEDS):
            lead = next((one for one in sorted(leads, key=len, reverse=True) if text.startswith(f"{one} ")), None)
            if lead is not None and self.dice.random() < 0.6:  # noqa: PLR2004  a share
                return f"{self.dice.choice(leads)} {text.removeprefix(lead).strip()}"
        return text

    def _joined(self, text: str) -> str:
        return " ".join(part for part in (self.dice.choice(_OPENERS), text, self.dice.choice(_CLOSERS)) if part)

    def _pieces(self, words: Sequence[str], slots: Sequence[Slot]) -> Iterator[str]:
        """Yield the ends of a line behind other beginnings: of "where can I park my car", "park my car"."""
        text = self._said(words, slots, vary=False).split()
        for start in range(1, max(len(text) - 1, 1)):
            rest = " ".join(text[start:])
            yield f"{self.dice.choice(_WISHES)} {rest}"
            yield f"{self.dice.choice(_NEEDS)} {rest}"
            yield f"{self.dice.choice(_QUESTIONS)} {rest}"

    def _day(self) -> str:
        weekday = self.dice.choice(WEEKDAYS)
        ordinal, month = self.dice.choice(_ORDINALS), self.dice.choice(_MONTHS)
        plain = [f"on {weekday}"] * 6 + [
            weekday,
            "today",
            "tomorrow",
            "tomorrow",
            "tonight",
            f"next {weekday}",
            f"this {weekday}",
        ]
        return self.dice.choice([*plain, f"on the {ordinal}", f"on the {ordinal} of {month}", f"on {month} {ordinal}"])

    def _clock(self) -> str:
        hour = in_words(self.dice.choice(_COMMON_NUMBERS))
        full = [f"at {hour}", f"at {hour} o'clock", f"at {hour} {self.dice.choice(['a.m.', 'p.m.'])}"]
        return self.dice.choice(
            [
                *full * 2,
                f"at half past {hour}",
                f"at {hour} thirty",
                f"at {hour} fifteen",
                f"at quarter past {hour}",
                "at noon",
            ]
        )

    def _number(self) -> str:
        return in_words(self.dice.choice([*_COMMON_NUMBERS] * 3 + [*range(13, 31)]))


@cache
def _common_words() -> tuple[str, ...]:
    """Return frequent English words, so that free wording is heard at all."""
    return tuple(files("standins.agents").joinpath("common_words.txt").read_text(encoding="utf-8").split())


def _spoken(words: Iterable[str]) -> str:
    """Return words as they are said: "19:30" is "nineteen thirty", "8 pm" is "eight p.m."."""
    said: list[str] = []
    for word in words:
        if found := re.fullmatch(r"(\d{1,2})[:.](\d{2})", word):
            said += [in_words(int(found[1])), *([in_words(int(found[2]))] if int(found[2]) else [])]
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
            said.append(_date(word))
        elif word.isdecimal():
            said += [in_words(int(word)) if len(word) <= 3 else " ".join(in_words(int(digit)) for digit in word)]  # noqa: PLR2004  a number, not a code
        elif not re.search(r"\d", word):
            said.append({"am": "a.m.", "pm": "p.m."}.get(word, word))
    return " ".join(said)


def _date(text: str) -> str:
    """Return an ISO date as it is said: "may third nineteen eighty"."""
    year, month, day = map(int, text.split("-"))
    ordinal = [*_ORDINALS, *(f"twenty {one}" for one in _ORDINALS[:9]), "thirtieth", "thirty first"][(day - 1) % 31]
    century, rest = divmod(year, 100)
    # "nineteen five" and "twenty five" would be numbers.
    said = in_words(century) if rest > _LAST_DIGIT else _CENTURIES.get(century, "")
    return f"{_MONTHS[(month - 1) % 12]} {ordinal} {said} {in_words(rest) if rest else ''}".strip()
