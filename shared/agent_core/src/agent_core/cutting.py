"""Cut texts of any script to a length, never inside what a reader sees as one character. No I/O.

A vowel sign of Devanagari, an accent of its own or half of a joined emoji means nothing without what precedes it.
"""

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
_SELECTORS: Final = range(0xFE00, 0xFE10)
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_JAMO: Final = range(0x1160, 0x1200)
"""Vowels and final consonants of Korean syllables that are written letter by letter."""
_VIRAMA: Final = 9
"""Combining class of the sign that joins two consonants, as in Hindi."""
_LONGEST_WORD: Final = 30
"""Characters up to which a cut is moved to the next space. Scripts without spaces have none, and must not lose all."""


def is_mark(one: str) -> bool:
    """Return whether a character belongs to the one before it."""
    number = ord(one)
    return (
        unicodedata.category(one).startswith("M")
        or one == _JOINER
        or any(number in block for block in (_SELECTORS, _SKIN_TONES, _JAMO))
    )


def _is_inside(text: str, at: int) -> bool:
    """Return whether a cut before ``at`` would divide one character."""
    if not 0 < at < len(text):
        return False
    before = text[at - 1]
    return is_mark(text[at]) or before == _JOINER or unicodedata.combining(before) == _VIRAMA


def first(text: str, most: int) -> str:
    """Return the first characters of a text, at most ``most`` code points, without a divided word if it has spaces."""
    if len(text) <= most:
        return text
    at = max(most, 0)
    while _is_inside(text, at):
        at -= 1
    kept = text[:at]
    # What precedes the last space is a sentence of whole words, unless the text hardly has spaces.
    whole, space, divided = kept.rpartition(" ")
    return whole if space and not text[at].isspace() and len(divided) <= _LONGEST_WORD else kept.rstrip()


def last(text: str, most: int) -> str:
    """Return the last characters of a text, likewise."""
    if len(text) <= most:
        return text
    at = len(text) - max(most, 0)
    while _is_inside(text, at):
        at += 1
    kept = text[at:]
    divided, space, whole = kept.partition(" ")
    return whole if space and not text[at - 1].isspace() and len(divided) <= _LONGEST_WORD else kept.lstrip()


def last_bytes(text: str, most: int) -> str:
    """Return the last characters of a text whose UTF-8 has at most ``most`` bytes, likewise."""
    if len(text.encode()) <= most:
        return text
    # What is left of a divided sequence of bytes is dropped; what remains is the end of the text.
    return last(text, len(text.encode()[-most:].decode(errors="ignore")) if most > 0 else 0)
