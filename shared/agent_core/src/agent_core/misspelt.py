"""Find environment variables that are probably misspelled settings, which would be ignored silently. No I/O."""

from collections.abc import Collection, Iterable
from typing import Final

_SHORTEST: Final = 6
"""Shortest name for which two wrong letters still indicate the same setting."""
_EDITS: Final = 2
_FOREIGN: Final = ("AWS_", "OTEL_", "ECS_", "PYTHON", "UV_", "DOCKER_", "COMPOSE_")
"""Prefixes of other software's variables, which often resemble each other."""


def find(given: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """Return each name that resembles a setting without being one, with that setting.

    Args:
        given: Names of variables.
        known: Names of settings, in upper case.
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
    """Return the setting that a name probably means: up to two letters differ, or one word is missing."""
    closest: tuple[int, str] | None = None
    for one in sorted(known):
        # A missing word is as likely as one wrong letter.
        distance = 1 if _leaves_out_a_word(name, one) else edits(name, one)
        if min(len(name), len(one)) >= _SHORTEST and distance <= _EDITS and (closest is None or distance < closest[0]):
            closest = distance, one
    return closest[1] if closest is not None else None


def _leaves_out_a_word(name: str, whole: str) -> bool:
    given, words = name.split("_"), whole.split("_")
    shorter = [words[:place] + words[place + 1 :] for place in range(1, len(words))]
    return len(given) > 1 and given in shorter


def edits(one: str, other: str) -> int:
    """Return the edit distance (add, drop, replace, swap neighbours); anything above two counts as three."""
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
