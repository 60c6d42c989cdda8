"""Estimate how long a voice takes to read a text, and how many of its first words fit into a time.

A count of characters says little: "1234567890" has ten and takes six seconds. The figures are upper bounds from the
local voice, the slowest one measured; Twilio's ``<Say>`` reads about 160 words a minute.
"""

import re
import unicodedata
from typing import Final

from agent_core.cutting import first, is_mark

SILENCE: Final = 0.75
"""Seconds of silence between the words of two ``<Say>``."""
_WORD: Final = 0.05
_LETTER: Final = 0.056
_OTHER_LETTER: Final = 0.08
"""A letter of a non-Latin alphabet."""
_SPELT: Final = 0.36
"""A letter of a word that is read letter by letter, such as UFO, or one without a vowel."""
_CONSONANT: Final = 0.2
"""Added for each consonant after two in a row."""
_DIGIT: Final = 0.62
"""12345 is read as a number."""
_PAUSE: Final = 0.3
_PAUSES: Final = frozenset(".,;:!?…\u3001\u3002\uff01\uff1f\u0964")
_SYMBOL: Final = 0.6
_UNHEARD: Final = frozenset("'\u2019")
_SYLLABLE: Final = 0.3
"""A character of a script with one character per syllable or word."""
_SYLLABLES: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
_VOWELS: Final = frozenset("aeiouy")
_RUN: Final = re.compile("[b-df-hj-np-tv-xz]{3,}")
_SMALL_WORDS: Final = (
    "a an and at about as but by for from has have i in into is my of on or our so that the their to was were which "
    "who will with your"
)
_LOOSE_ENDS: Final = frozenset(_SMALL_WORDS.split())
"""Words on which a cut sentence must not end."""


def seconds(text: str) -> float:
    """Return the longest time that the words of a text may take, without the silence around them."""
    return sum(_word(word) for word in text.split())


def fit(text: str, longest: float) -> str:
    """Return as many of a text's first words as can be spoken in the given seconds."""
    words = text.split()
    kept: list[str] = []
    left = longest
    for word in words:
        left -= _word(word)
        if left < 0:
            break
        kept.append(word)
    if len(kept) == len(words):
        return " ".join(kept)
    # A cut before a small word sounds finished; a cut after it does not.
    while kept and kept[-1].lower().strip(",;:") in _LOOSE_ENDS:
        kept.pop()
    # Such a script has no spaces, so its first "word" may be the whole text.
    if not kept and words and _is_unspaced(words[0]):
        return first(words[0], _fitting(words[0], longest))
    return " ".join(kept).rstrip(" .,;:!?")


def _fitting(text: str, longest: float) -> int:
    """Return how many of a text's first characters can be spoken in the given seconds: digits take longer than most."""
    return next((count for count in range(len(text)) if _word(text[: count + 1]) > longest), len(text))


def _is_unspaced(text: str) -> bool:
    return any(unicodedata.name(one, "").startswith(_SYLLABLES) for one in text)


def _word(word: str) -> float:
    # Accents are removed first, so that a word counts the same with and without them.
    plain = "".join(one for one in unicodedata.normalize("NFKD", word) if one.isalpha())
    lower = plain.lower()
    is_spelt = (len(plain) > 1 and plain.isupper()) or (lower.isascii() and not _VOWELS & set(lower))
    extra = sum(len(run) - 2 for run in _RUN.findall(lower)) * _CONSONANT
    return _WORD + extra + sum(_character(one, is_spelt=is_spelt) for one in word)


def _character(one: str, *, is_spelt: bool) -> float:
    if one.isalpha():
        name = unicodedata.name(one, "")
        if name.startswith(_SYLLABLES):
            return _SYLLABLE
        if is_spelt:
            return _SPELT
        return _LETTER if name.startswith("LATIN") else _OTHER_LETTER
    if one.isnumeric():
        return _DIGIT
    if one in _PAUSES:
        return _PAUSE
    # A vowel sign of Devanagari sounds with its consonant.
    return 0.0 if one in _UNHEARD or is_mark(one) else _SYMBOL
