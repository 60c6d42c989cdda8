"""What a misspelt or shortened word was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_ALIKE: Final = 0.6


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like this one; empty if none is.

    The beginning of a word stands for it: nothing is as like `prod` as `production`, though half of the letters lack.
    """
    words = sorted(known)
    lower = {one.lower(): one for one in words}
    begun = [one for one in words if word and one.lower().startswith(word.lower())]
    if len(begun) == 1:
        return begun[0]
    close = get_close_matches(word.lower(), lower, 1, _ALIKE)
    return lower[close[0]] if close else ""


def meant(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that asks for the nearest word; empty if none is near."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
