"""Recognize that a text says that an AI is speaking, in each language that the model speaks. No I/O."""

import re
from typing import Final

_LETTERS: Final = {"en": "AI", "fr": "IA", "de": "KI", "it": "IA", "es": "IA", "pt": "IA", "hi": "एआई"}
"""How each language abbreviates it, in capitals only: *ai* is a word in French and Italian."""
_WORDS: Final = {
    "en": r"artificial intelligence|a\.? ?i\.?",
    "fr": r"intelligence artificielle",
    "de": r"künstliche[rn]? intelligenz",
    "it": r"intelligenza artificiale",
    "es": r"inteligencia artificial",
    "pt": r"inteligência artificial",
    "hi": r"कृत्रिम बुद्धि\w*|आर्टिफ़िशियल इंटेलिजेंस|आर्टिफिशियल इंटेलिजेंस",
}
"""The model rewords what it was asked to say, so the words in full count too, in any case."""


def _spelled(letters: str) -> str:
    # A transcript writes the letters with full stops and spaces, or without.
    first, rest = (letters[0], letters[1:])
    return rf"{first}\.? ?{rest}\.?"


def _pattern(language: str) -> re.Pattern[str]:
    # "AI" is used in every one of these languages. `\b` does not fit Devanagari: its vowel signs are no letters to it.
    letters = "|".join({_spelled(_LETTERS[language]), _spelled(_LETTERS["en"])})
    return re.compile(rf"(?<![^\W_])(?:{letters}|(?i:{_WORDS[language]}))(?![^\W_])")


_PATTERNS: Final = {language: _pattern(language) for language in _LETTERS}


def names_an_ai(text: str, language: str) -> bool:
    """Return whether a text says that an AI is speaking.

    Args:
        text: What is said, or shall be.
        language: A BCP 47 tag or its first part, such as ``de-DE`` or ``de``.
    """
    return _PATTERNS[language.partition("-")[0]].search(text) is not None
