"""What a caller does on a call: says something, plays a recording, presses keys; and how several callers differ."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")


@dataclass(frozen=True)
class Spoken:
    """Words for the local voice."""

    text: str


@dataclass(frozen=True)
class Recorded:
    """A WAV file."""

    path: Path


@dataclass(frozen=True)
class Pressed:
    """Keys."""

    digits: str


type Turn = Spoken | Recorded | Pressed


def choose(text: str, caller: int) -> str:
    """Return what this caller says: of each `{a|b|c}`, or of a whole `a|b|c`, the part whose turn it is."""
    if not _CHOICE.search(text) and "|" in text:
        text = "{" + text + "}"
    return _CHOICE.sub(lambda found: _pick(found[1].split("|"), caller), text)


def _pick(parts: Sequence[str], caller: int) -> str:
    return parts[caller % len(parts)].strip()


def choices(text: str) -> list[str]:
    """Return the parts of the first choice in a text, none if it has none."""
    if not _CHOICE.search(text) and "|" in text:
        text = "{" + text + "}"
    found = _CHOICE.search(text)
    return [part.strip() for part in found[1].split("|")] if found else []
