"""Normalises words for comparison. No I/O."""

import unicodedata


def plain(word: str) -> str:
    """Normalise a word for comparison: lower case, without accents and surrounding punctuation."""
    # Splits letters from their accents, which are then removed.
    letters = unicodedata.normalize("NFKD", word.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).strip('.,!?;:"()')
