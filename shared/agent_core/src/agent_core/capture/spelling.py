"""Spell a captured value, so that a caller can check it by ear. No I/O."""

import re
from collections.abc import Iterator
from datetime import date
from string import Template
from typing import Final

import phonenumbers

from agent_core.capture.kinds import Kind
from agent_core.capture.vocabulary import Vocabulary

_PIECE: Final = re.compile(r"[^\W_]+|[^\w]|_")
_GROUP: Final = 3
"""Digits of a group: what people keep in mind."""


def spelled(kind: Kind, value: str, words: Vocabulary, *, fully: bool = False) -> str:
    """Return a value for a sentence.

    Args:
        kind: What it is.
        value: In its normal form.
        words: Of the agent's language.
        fully: Whether to spell also what is usually understood as a word, such as the domain of an address.
    """
    match kind:
        case "email":
            local, _, domain = value.partition("@")
            ending = _address(domain, words) if fully else _words(domain, words)
            return f"{_address(local, words)}, {words.said('@')} {ending}"
        case "phone":
            return _phone(value, words)
        case "date":
            return _date(value, words)
        case "name":
            return f"{value}, {', '.join(_letters(part, words) for part in value.split(' '))}"
        case "postcode":
            return ", ".join(" ".join(part) for part in value.split(" "))
        case "number":
            return ", ".join(" ".join(group) for group in _groups(value))


def _address(text: str, words: Vocabulary) -> str:
    return " ".join(_said(piece, words, apart=True) for piece in _PIECE.findall(text))


def _words(text: str, words: Vocabulary) -> str:
    return " ".join(_said(piece, words, apart=False) for piece in _PIECE.findall(text))


def _said(piece: str, words: Vocabulary, *, apart: bool) -> str:
    if piece[:1].isalnum():
        return " ".join(piece) if apart else piece
    return words.said(piece)


def _letters(text: str, words: Vocabulary) -> str:
    return " ".join(letter.lower() if letter.isalnum() else words.said(letter) for letter in text)


def _phone(value: str, words: Vocabulary) -> str:
    number = phonenumbers.parse(value)
    # In the groups that the number's country uses, which is how its people remember it.
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL).removeprefix("+")
    groups = [" ".join(group) for group in re.split(r"\D+", written) if group]
    return f"{words.said('+')} {', '.join(groups)}"


def _groups(digits: str) -> Iterator[str]:
    for at in range(0, len(digits), _GROUP):
        yield digits[at : at + _GROUP]


def _date(value: str, words: Vocabulary) -> str:
    day, read = date.fromisoformat(value), words.spoken
    weekday, month = read["weekdays"][day.weekday()], read["months"][day.month - 1]
    # The page shows what is said, and these two languages write the names with capitals.
    if words.language.partition("-")[0] in ("en", "de"):
        weekday, month = weekday.title(), month.title()
    return Template(read["date"]).substitute(weekday=weekday, day=day.day, month=month, year=day.year)
