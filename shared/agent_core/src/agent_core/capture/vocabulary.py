"""Load the words of a language for spelling, counting and naming days. No I/O but reading the files once."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

type Phrase = tuple[str, ...]

_LATIN: Final = 0x250
_LONGEST_PHRASE: Final = 5


def key(word: str) -> str:
    """Return the form by which words are compared: lower case, and Latin letters without accents."""
    folded = unicodedata.normalize("NFC", word.casefold().replace("\u2019", "'"))
    # Vowel signs of other scripts are marks too, and without them the words would be others.
    return "".join(unicodedata.normalize("NFD", letter)[0] if ord(letter) < _LATIN else letter for letter in folded)


def phrase(text: str) -> Phrase:
    """Return the words of a listed phrase."""
    return tuple(key(text).replace("-", " ").split())


@dataclass(frozen=True)
class Vocabulary:
    """The words of one language, and of English, which callers mix in; the language's own meaning comes first."""

    language: str
    symbols: Mapping[Phrase, str]
    letters: Mapping[Phrase, str]
    doubles: Mapping[Phrase, int]
    numbers: Mapping[Phrase, int]
    hundred: frozenset[Phrase]
    thousand: frozenset[Phrase]
    joiner: frozenset[Phrase]
    ordinals: Mapping[Phrase, int]
    as_in: frozenset[Phrase]
    last: frozenset[Phrase]
    joins: frozenset[Phrase]
    fillers: frozenset[Phrase]
    name_leads: tuple[Phrase, ...]
    name_fillers: frozenset[Phrase]
    relative_days: Mapping[Phrase, int]
    next_words: frozenset[Phrase]
    week_later: frozenset[Phrase]
    weeks: frozenset[Phrase]
    weekdays: Mapping[Phrase, int]
    months: Mapping[Phrase, int]
    spoken: Mapping[str, Any]
    """The file of the language itself, for sentences."""

    def said(self, symbol: str) -> str:
        """Return how a symbol is said in the language."""
        return next((words[0] for each, words in self.spoken["symbols"].items() if each == symbol and words), symbol)


@cache
def vocabulary(tag: str) -> Vocabulary:
    """Return the words of a language tag such as ``de-DE``."""
    own = _file(tag.partition("-")[0])
    both = [own] if own["months"] == _file("en")["months"] else [_file("en"), own]

    def merged(make: Any) -> dict[Phrase, Any]:  # noqa: ANN401 - one of the functions below
        return {one: value for each in both for one, value in make(each).items()}

    def listed(name: str) -> frozenset[Phrase]:
        return frozenset(phrase(one) for each in both for one in each[name])

    return Vocabulary(
        language=tag,
        symbols=merged(lambda each: _inverted(each["symbols"])),
        letters=merged(lambda each: _inverted(each["letters"])),
        doubles=merged(lambda each: {one: int(times) for one, times in _inverted(each["doubles"]).items()}),
        numbers=merged(_numbers),
        hundred=listed("hundred"),
        thousand=listed("thousand"),
        joiner=listed("and"),
        ordinals=merged(_ordinals),
        as_in=listed("as_in"),
        last=listed("last"),
        joins=listed("joins"),
        # An English filler may be a word of the language, but hardly one of an address.
        fillers=listed("fillers"),
        name_leads=tuple(sorted(listed("name_leads"), key=len, reverse=True)),
        name_fillers=frozenset(map(phrase, own["name_fillers"])),
        relative_days=merged(_relative_days),
        next_words=listed("next"),
        week_later=listed("next_after"),
        weeks=listed("weeks"),
        weekdays=merged(lambda each: {phrase(day): at for at, day in enumerate(each["weekdays"])}),
        months=merged(lambda each: {phrase(month): at for at, month in enumerate(each["months"], 1)}),
        spoken=own,
    )


@cache
def alphabet() -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of spelling alphabets: those that are always letters, and those that are names too."""
    read = _read("alphabets")
    return frozenset(map(key, read["plain"])), frozenset(map(key, read["names"]))


def longest[V](table: Mapping[Phrase, V], words: Sequence[str], at: int) -> tuple[V | None, int]:
    """Return the value of the longest phrase that starts here, and its number of words."""
    for length in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
        value = table.get(tuple(words[at : at + length]))
        if value is not None:
            return value, length
    return None, 0


def starts(phrases: frozenset[Phrase] | tuple[Phrase, ...], words: Sequence[str], at: int) -> int:
    """Return the length of the longest phrase of a set that starts here; 0 for none."""
    for length in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
        if tuple(words[at : at + length]) in phrases:
            return length
    return 0


def _file(language: str) -> Mapping[str, Any]:
    return _read(language)


@cache
def _read(name: str) -> Mapping[str, Any]:
    text = files(__package__).joinpath("words", f"{name}.yaml").read_text(encoding="utf-8")
    # Texts only: "no" and "y" are words here. A subclass of the safe loader that resolves no types.
    read: Mapping[str, Any] = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    return read


def _inverted(listed: Mapping[Any, Sequence[str]]) -> dict[Phrase, Any]:
    return {phrase(word): value for value, words in listed.items() for word in words}


def _relative_days(read: Mapping[str, Any]) -> dict[Phrase, int]:
    names = (("today", 0), ("tomorrow", 1), ("after_tomorrow", 2))
    return {phrase(word): days for name, days in names for word in read[name]}


def _numbers(read: Mapping[str, Any]) -> dict[Phrase, int]:
    units, tens = (line.split() for line in read["cardinals"])
    found = dict(_of_hundred(units, tens, read["weekdays"][0]))
    found |= {phrase(word): (at + 2) * 100 for at, word in enumerate(read.get("hundreds", "").split())}
    found |= {phrase(word): int(value) for value, words in read["digits"].items() for word in words}
    return found


def _of_hundred(units: Sequence[str], tens: Sequence[str], monday: str) -> Iterator[tuple[Phrase, int]]:
    """Yield the numbers below 100 as each language builds them; unused combinations do no harm."""
    for value, word in enumerate(units):
        yield phrase(word), value
    for index, ten in enumerate(tens):
        base = (index + 2) * 10
        yield phrase(ten), base
        if ten == "quatre-vingt":
            yield phrase("quatre-vingts"), base
        for unit in range(1, 20 if monday == "lundi" else 10):
            for form in _joined(ten, units[unit], monday):
                yield phrase(form), base + unit


def _joined(ten: str, unit: str, monday: str) -> Iterator[str]:
    match monday:
        case "monday":
            yield f"{ten} {unit}"
        case "montag":
            yield f"{'ein' if unit == 'eins' else unit}und{ten}"
        case "lundi":
            yield from (f"{ten} {unit}", f"{ten} et {unit}")
        case "lunes":
            # From 21 to 29 in one word.
            yield from (f"{ten} y {unit}", f"veinti{unit}" if ten == "veinte" else f"{ten} y {unit}")
        case "lunedì":
            yield f"{ten[:-1] if unit in ('uno', 'otto') else ten}{unit}"
        case "segunda":
            yield f"{ten} e {unit}"


def _ordinals(read: Mapping[str, Any]) -> dict[Phrase, int]:
    firsts, tens = (line.split() for line in read["ordinals"])
    found = {phrase(word): value for value, word in enumerate(firsts, 1)}
    found |= {phrase(word): (at + 2) * 10 for at, word in enumerate(tens)}
    if read["months"][0] == "january":
        cardinal_tens = read["cardinals"][1].split()
        found |= {phrase(f"{ten} {word}"): (at + 2) * 10 + value for at, ten in enumerate(cardinal_tens[:2])
                  for value, word in enumerate(firsts[:9], 1)}  # fmt: skip
    if read["months"][0] == "januar":
        found |= {phrase(f"{number[0]}ste"): value for number, value in _numbers(read).items() if 20 < value < 32}  # noqa: PLR2004 - days of a month
        # Endings of the cases: der erste, am ersten, ein erster.
        found |= {(f"{word}{end}",): value for (word,), value in list(found.items()) for end in ("n", "r", "s")}
    return found
