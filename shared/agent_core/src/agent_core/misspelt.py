"""Finds names that were probably meant to be settings: a misspelt one would be ignored without a word. No I/O."""

from collections.abc import Collection, Iterable
from typing import Final

_SHORTEST: Final = 6
"""Letters of a name from which on two wrong ones are still the same name."""
_EDITS: Final = 2
_FOREIGN: Final = ("AWS_", "OTEL_", "ECS_", "PYTHON", "UV_", "DOCKER_", "COMPOSE_")
"""Beginnings of names that belong to others, who have many that are much alike."""


def find(given: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """Return each name that looks like a setting and is none, with the setting that it looks like.

    Args:
        given: Names of variables.
        known: Names of settings, in capitals.
    """
    found = {}
    for name in given:
        capitals = name.upper()
        if capitals in known or capitals.startswith(_FOREIGN):
            continue
        if (near := nearest(capitals, known)) is not None:
            found[name] = near
    return found


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the setting that a name is meant to be: up to two letters are wrong, or one word is left out."""
    closest: tuple[int, str] | None = None
    for one in sorted(known):
        distance = 1 if _leaves_out_a_word(name, one) else edits(name, one)
        if min(len(name), len(one)) >= _SHORTEST and distance <= _EDITS and (closest is None or distance < closest[0]):
            closest = distance, one
    return closest[1] if closest is not None else None


def _leaves_out_a_word(name: str, whole: str) -> bool:
    given, words = name.split("_"), whole.split("_")
    shorter = [words[:place] + words[place + 1 :] for place in range(1, len(words))]
    return len(given) > 1 and given in shorter


def edits(one: str, other: str) -> int:
    """Count the letters to add, drop, replace or swap with their neighbour; more than two count as three."""
    if abs(len(one) - len(other)) > _EDITS:
        return _EDITS + 1
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return min(rows[-1][-1], _EDITS + 1)
