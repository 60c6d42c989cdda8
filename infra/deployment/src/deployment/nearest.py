"""Suggests the known word that a misspelt or shortened one stands for."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_ALIKE: Final = 0.6


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most similar; empty if none is.

    A unique prefix wins: `prod` means `production`, although difflib rates half of its letters as missing.
    """
    words = sorted(known)
    lower = {one.lower(): one for one in words}
    begun = [one for one in words if word and one.lower().startswith(word.lower())]
    if len(begun) == 1:
        return begun[0]
    close = get_close_matches(word.lower(), lower, 1, _ALIKE)
    return lower[close[0]] if close else ""


def meant(word: str, known: Iterable[str]) -> str:
    """Return a suffix that suggests the most similar word; empty if there is none."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
