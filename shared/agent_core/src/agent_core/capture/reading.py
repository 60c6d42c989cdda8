"""Read a value of any kind from a transcript, from keys, or from a correction. No I/O, no clock."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from agent_core.capture import dates, digits, email, names
from agent_core.capture.errors import NotUnderstood
from agent_core.capture.kinds import BY_KEYPAD, Kind
from agent_core.capture.transcript import found_phrase
from agent_core.capture.vocabulary import Vocabulary, alphabet, vocabulary

_COUNTRIES: Final = {"en": "US", "de": "DE", "fr": "FR", "it": "IT", "es": "ES", "pt": "PT", "hi": "IN"}
_FIRST: Final[tuple[tuple[Kind, str], ...]] = (("name", "a"), ("phone", "0"), ("email", "a@b"))
"""Words of no value that make each library load its tables."""
_SIMILAR: Final = 0.4
"""Share of equal characters from which a piece is what a correction is about."""


def country_of(language: str) -> str:
    """Return the country of a language tag, ISO 3166: ``GB`` of ``en-GB``."""
    base, _, region = language.partition("-")
    return region or _COUNTRIES.get(base, "US")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values for one agent.

    Attributes:
        language: Its language tag.
        country: Whose phone numbers and postcodes need no prefix, ISO 3166.
    """

    language: str
    country: str

    @property
    def words(self) -> Vocabulary:
        """The words of the language."""
        return vocabulary(self.language)

    def load(self) -> None:
        """Load what the first reading would load, which takes a tenth of a second: no call should wait for it."""
        alphabet()
        for kind, words in _FIRST:
            with suppress(NotUnderstood):
                self.read(kind, words, date.min)

    def read(self, kind: Kind, heard: str, today: date) -> str:
        """Return the value in its normal form; a day as ``YYYY-MM-DD``.

        Raises:
            NotUnderstood: the words contain no valid value.
        """
        words = self.words
        match kind:
            case "email":
                return email.read_email(heard, words)
            case "phone":
                return digits.read_phone(heard, words, self.country)
            case "date":
                return dates.read_date(heard, words, today)
            case "number":
                return digits.read_number(heard, words)
            case "name":
                return names.read_name(heard, words)
            case "postcode":
                return digits.read_postcode(heard, words, self.country)

    def has_keys(self, kind: Kind) -> bool:
        """Return whether a telephone's keypad can type such a value: a postcode only where it has no letters."""
        return kind in BY_KEYPAD and not (kind == "postcode" and digits.has_letters(self.country))

    def typed(self, kind: Kind, keys: str, today: date) -> str:
        """Return the value of the digits of a keypad.

        Raises:
            NotUnderstood: they are not a valid value.
        """
        match kind:
            case "date":
                return dates.typed_date(keys, self.words, today)
            case "phone":
                return digits.typed_phone(keys, self.country)
        return self.read(kind, keys, today)

    def correct(self, kind: Kind, before: str, heard: str, today: date) -> str:
        """Return a value changed by a correction, which may be a whole value or a piece of one.

        Raises:
            NotUnderstood: it is neither.
        """
        if kind == "name":
            return names.corrected_name(before, heard, self.words)
        if kind == "date":
            return dates.read_date(heard, self.words, today, before)
        try:
            whole = self.read(kind, heard, today)
        except NotUnderstood:
            whole = ""
        # A number of two digits is valid, and still only the end of the account that was said.
        if whole and not (kind == "number" and len(whole) < len(before)):
            return whole
        return self._patched(kind, before, heard, today)

    def _patched(self, kind: Kind, before: str, heard: str, today: date) -> str:
        if kind == "email":
            piece = email.fragment(heard, self.words)
            return email.checked("".join(_replaced(email.segments(before), piece)))
        piece = digits.piece(heard, self.words, letters=kind == "postcode")
        old = before.replace(" ", "")
        if not piece or len(piece) >= len(old):
            raise NotUnderstood("no_piece")
        at_end = kind in ("phone", "number") or found_phrase(self.words.last, heard)
        at = len(old) - len(piece) if at_end else _nearest(old, piece)
        return self.read(kind, old[:at] + piece + old[at + len(piece) :], today)


def _replaced(pieces: list[str], piece: str) -> list[str]:
    if not piece:
        raise NotUnderstood("no_piece")
    # Not the last label of the domain: a piece of two letters would turn .com into something else.
    texts = [at for at, one in enumerate(pieces[:-1]) if one not in "@._+-"]
    # "walker23" corrected by "22" keeps its letters.
    numbered = [at for at in texts if pieces[at][-1].isdecimal()]
    if piece.isdecimal() and numbered:
        return [*pieces[: numbered[-1]], pieces[numbered[-1]].rstrip("0123456789") + piece, *pieces[numbered[-1] + 1 :]]
    best = max(texts, key=lambda at: names.alike(pieces[at], piece), default=None)
    if best is None or names.alike(pieces[best], piece) < _SIMILAR:
        raise NotUnderstood("no_piece")
    return [*pieces[:best], piece, *pieces[best + 1 :]]


def _nearest(old: str, piece: str) -> int:
    """Return where a piece differs least; the last such place, because people correct ends."""

    def score(at: int) -> tuple[int, int]:
        return sum(a == b for a, b in zip(old[at:], piece, strict=False)), at

    return max(range(len(old) - len(piece) + 1), key=score)
