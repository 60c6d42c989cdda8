"""Prepares rehearsed lines for comparison: which of their words are values, and of which argument. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from standins.agents.dates import Moment
from standins.agents.language import Language
from standins.agents.rehearsals import Line
from standins.agents.times import Kind, Slot, slots_of
from standins.agents.words import spelled

type Choices = Mapping[tuple[str, ...], tuple[str, str]]
"""Known values of text arguments: (argument, value) by the value's words."""

_MORNING_AND_EVENING = range(7, 12)


@dataclass(frozen=True)
class Sentence:
    """The words of a sentence, and the values in it."""

    words: tuple[str, ...]
    slots: tuple[Slot, ...]
    original: str = ""
    """The text as it came, with its capitals."""

    def tokens(self) -> list[str]:
        """Return the words, with each value replaced by its kind: "for <number> on <day>"."""
        out, at = [], 0
        for slot in self.slots:
            out += [*self.words[at : slot.start], f"<{slot.parameter or slot.kind}>"]
            # The words of a text value stay beside it: "oil change" and "winter tires" are different wishes.
            at = slot.start if slot.kind == "text" else slot.stop
        return [*out, *self.words[at:]]

    def of_kind(self, kind: Kind) -> list[Slot]:
        """Return the values of a kind, from left to right."""
        return [slot for slot in self.slots if slot.kind == kind]


@dataclass(frozen=True)
class RehearsedLine:
    """A line with its values found."""

    line: Line
    sentence: Sentence
    bindings: Mapping[str, tuple[Kind, int]] = field(default_factory=dict)
    """Kind and position among its kind of each argument's value: {"people": ("number", 0)}."""
    constants: Mapping[str, object] = field(default_factory=dict)
    """Arguments that no word of the line stands for."""


def sentence_of(words: Sequence[str], language: Language, moment: Moment, choices: Choices) -> Sentence:
    """Find the values of a sentence; known values of text arguments come first, because they may contain numbers."""
    fixed = _chosen(words, choices)
    taken = {at for slot in fixed for at in range(slot.start, slot.stop)}
    # A placeholder in the place of a taken word, so that positions stay and no value reaches across it.
    free = ["" if at in taken else word for at, word in enumerate(words)]
    return Sentence(
        tuple(words), tuple(sorted([*fixed, *slots_of(free, language, moment)], key=lambda slot: slot.start))
    )


def _chosen(words: Sequence[str], choices: Choices) -> list[Slot]:
    found, at = [], 0
    longest = max(map(len, choices), default=0)
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            named = choices.get(tuple(words[at : at + length]))
            if named is not None:
                found.append(Slot("text", named[1], at, at + length, named[0]))
                at += length - 1
                break
        at += 1
    return found


def choices_of(lines: Iterable[Line], language: Language) -> dict[tuple[str, ...], tuple[str, str]]:
    """Return the values of text arguments that the lines contain as words."""
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for line in lines:
        words = spelled(line.says)
        for name, value in line.arguments.items():
            # Numbers, days and times are found by their form, so only other texts are listed.
            phrase = spelled(value) if isinstance(value, str) else ()
            is_other = not phrase or slots_of(phrase, language, Moment())
            if not is_other and any(words[at : at + len(phrase)] == phrase for at in range(len(words))):
                found[phrase] = (name, str(value))
    return found


def speaks_of_evenings(lines: Iterable[Line], language: Language) -> bool:
    """Return whether a bare "at eight" means the evening: most of the rehearsed times say so."""
    late = early = 0
    for line in lines:
        plain = {slot.value for slot in slots_of(spelled(line.says), language, Moment()) if slot.kind == "time"}
        for value in map(str, line.arguments.values()):
            hour = int(value[:2]) if len(value) == len("19:30") and value[:2].isdecimal() and value[2] == ":" else -1
            late += hour - 12 in _MORNING_AND_EVENING and f"{hour - 12:02}{value[2:]}" in plain
            early += hour in _MORNING_AND_EVENING and value in plain
    return late > early


def prepared(line: Line, language: Language, moment: Moment, choices: Choices) -> RehearsedLine:
    """Find out which word of a line stands for which argument."""
    sentence = sentence_of(spelled(line.says), language, moment, choices)
    bindings: dict[str, tuple[Kind, int]] = {}
    constants: dict[str, object] = {}
    for name, value in line.arguments.items():
        bound = _bound(sentence, name, value)
        if bound is None:
            constants[name] = value
        else:
            bindings[name] = bound
    return RehearsedLine(line, _named(sentence, bindings), bindings, constants)


def _bound(sentence: Sentence, name: str, value: object) -> tuple[Kind, int] | None:
    for slot in sentence.slots:
        mine = slot.parameter in ("", name)
        if mine and str(slot.value).casefold() == str(value).casefold():
            return slot.kind, sentence.of_kind(slot.kind).index(slot)
    return None


def _named(sentence: Sentence, bindings: Mapping[str, tuple[Kind, int]]) -> Sentence:
    """Return a sentence whose text values have the name of their argument; two arguments may have the same value."""
    named = {("text", at): name for name, (kind, at) in bindings.items() if kind == "text"}
    texts = iter(range(len(sentence.slots)))
    slots = [
        replace(slot, parameter=named.get(("text", next(texts)), slot.parameter)) if slot.kind == "text" else slot
        for slot in sentence.slots
    ]
    return Sentence(sentence.words, tuple(slots))
