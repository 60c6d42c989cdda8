"""Read what consists of digits: phone numbers, numbers of orders or accounts, and postcodes. No I/O."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Final

import phonenumbers

from agent_core.capture.errors import NotUnderstood
from agent_core.capture.transcript import Atom, atoms, phrases
from agent_core.capture.vocabulary import Vocabulary

MAX_DIGITS: Final = 32
_FEWEST: Final = 2
"""Digits of a number. Shorter ones are counts, which need no capture."""
_READINGS: Final = 16
"""Most readings that are tried: "ninety two" is 92 or 90 and 2."""
_ZEROS: Final = frozenset({"o", "oh"})
_PHONE_SIGNS: Final = re.compile(r"\(0\)|[\s().\-/\u2010-\u2015]")
_WRITTEN_PHONE: Final = re.compile(r"\+?[\d][\d\s().\-/\u2010-\u2015]{5,30}")
_POSTCODES: Final = {
    "US": r"\d{5}(\d{4})?",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}",
    "CA": r"[A-Z]\d[A-Z]\d[A-Z]\d",
    "AU": r"\d{4}",
    "AT": r"\d{4}",
    "CH": r"\d{4}",
    "BE": r"\d{4}",
    "NL": r"\d{4}[A-Z]{2}",
    "BR": r"\d{8}",
    "IN": r"\d{6}",
    "IE": r"[A-Z]\d[\dW][A-Z\d]{4}",
    **dict.fromkeys(("DE", "FR", "IT", "ES", "MX", "FI"), r"\d{5}"),
    **dict.fromkeys(("SE", "CZ", "GR"), r"\d{5}"),
}
"""The forms of some countries (Universal Postal Union, addressing systems); any other has 3 to 10 characters."""
_ANY_POSTCODE: Final = r"[A-Z0-9]{3,10}"
_SPACED: Final = {"GB": -3, "CA": 3, "NL": 4, "IE": 3, "SE": 3, "CZ": 3, "GR": 3}


def read_phone(text: str, words: Vocabulary, country: str) -> str:
    """Return a phone number as E.164.

    Raises:
        NotUnderstood: the words contain no number that is valid in its country.
    """
    written = _WRITTEN_PHONE.search(text)
    if written:
        return _phone(_PHONE_SIGNS.sub("", written[0]), country)
    spoken = _digits_of(atoms(text, words), plus=True)
    try:
        return _first(_readings(spoken), lambda one: _phone(one, country, strict=True))
    except NotUnderstood:
        return _first(_readings(spoken), lambda one: _phone(one, country))


def read_number(text: str, words: Vocabulary) -> str:
    """Return the digits of a number.

    Raises:
        NotUnderstood: the words contain none.
    """
    digits = next(_readings(_digits_of(atoms(text, words))), "")
    if not _FEWEST <= len(digits) <= MAX_DIGITS:
        raise NotUnderstood("no_digits")
    return digits


def read_postcode(text: str, words: Vocabulary, country: str) -> str:
    """Return a postcode as its country writes it.

    Raises:
        NotUnderstood: the words contain none.
    """
    return _first(_readings(_code_of(atoms(text, words, alphabets=True))), lambda one: _postcode(one, country))


def piece(text: str, words: Vocabulary, *, letters: bool) -> str:
    """Return the digits of a correction, such as ``99`` of "it ends with nine nine"; letters too for a postcode."""
    spoken = atoms(_without_count(text, words), words, alphabets=letters)
    return next(_readings(_code_of(spoken) if letters else _digits_of(spoken)), "").upper()


def _without_count(text: str, words: Vocabulary) -> str:
    """Drop the count in "the last two are five six"."""
    said = phrases(text)
    for at in range(len(said) - 1):
        if (said[at],) in words.last and (said[at + 1],) in words.numbers and len(said) > at + 2:
            return " ".join([*said[:at], *said[at + 2 :]])
    return text


def has_letters(country: str) -> bool:
    """Return whether a country's postcodes have letters; not if their form is unknown here."""
    return "[A-Z" in _POSTCODES.get(country, "")


def typed_phone(keys: str, country: str) -> str:
    """Return a phone number from the digits of a keypad.

    Raises:
        NotUnderstood: it is not valid.
    """
    return _phone(keys, country)


def _phone(digits: str, country: str, *, strict: bool = False) -> str:
    # What people dial abroad; a country's own prefix, such as 011, is known to the library.
    international = f"+{digits[2:]}" if digits.startswith("00") else digits
    try:
        found = phonenumbers.parse(international, country)
    except phonenumbers.NumberParseException:
        raise NotUnderstood("invalid_number") from None
    # Numbers of ranges that are newer than the library are valid too, so their length decides in the end.
    possible = phonenumbers.is_possible_number_with_reason(found) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not (phonenumbers.is_valid_number(found) if strict else possible):
        raise NotUnderstood("invalid_number")
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def _postcode(code: str, country: str) -> str:
    code = _as_letters_and_digits(re.sub(r"[^A-Z0-9]", "", code.upper()), country)
    if not re.fullmatch(_POSTCODES.get(country, _ANY_POSTCODE), code):
        raise NotUnderstood("invalid_postcode")
    at = _SPACED.get(country)
    return code if at is None else f"{code[:at]} {code[at:]}"


def _as_letters_and_digits(code: str, country: str) -> str:
    """Exchange O and 0 where the country's form leaves no doubt."""
    if country == "CA":
        return "".join(_digit(one) if at % 2 else _letter(one) for at, one in enumerate(code))
    if country == "GB" and len(code) > 4:  # noqa: PLR2004 - the inward code has three
        return code[:-3] + _digit(code[-3]) + "".join(map(_letter, code[-2:]))
    return code if re.search(r"[A-NP-Z]", code) else code.replace("O", "0")


def _digit(one: str) -> str:
    return {"O": "0", "I": "1"}.get(one, one)


def _letter(one: str) -> str:
    return {"0": "O", "1": "I"}.get(one, one)


def _digits_of(spoken: Sequence[Atom], *, plus: bool = False) -> list[Atom]:
    kept = [
        Atom("digits", "0" * len(one.text)) if one.text.casefold().strip("o") == "" and one.kind == "letter" else one
        for one in spoken
    ]
    if plus and (signs := [at for at, one in enumerate(kept) if one.text == "+"]):
        # What stands before the plus is about the number and not of it.
        kept = kept[signs[-1] :]
    return [one for one in kept if one.kind in ("digits", "number") or (plus and one.text == "+")] + [
        # "0491570156," and the like: a word that is only digits and signs.
        Atom("digits", re.sub(r"\D", "", one.text))
        for one in kept
        if one.kind == "word" and re.search(r"\d", one.text)
    ]


def _code_of(spoken: Sequence[Atom]) -> list[Atom]:
    # A word with a digit, such as SW1A, is a piece of a code; any other word is not.
    return [one for one in spoken if one.is_spelled or (one.kind == "word" and re.search(r"\d", one.text))]


def _readings(spoken: Sequence[Atom]) -> Iterator[str]:
    """Yield what the digits may mean, the likeliest first."""
    choices = [(one.text, "".join(one.parts)) if one.parts else (one.text,) for one in spoken]
    return islice(("".join(chosen) for chosen in product(*choices)), _READINGS)


def _first(readings: Iterator[str], read: Callable[[str], str]) -> str:
    reason = "no_digits"
    for one in readings:
        try:
            return read(one)
        except NotUnderstood as error:
            reason = str(error)
    raise NotUnderstood(reason)
