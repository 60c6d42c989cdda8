"""The turns of a caller: speak, play a recording or press keys; and the differences between several callers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")


@dataclass(frozen=True)
class Spoken:
    """Text for the local voice."""

    text: str


@dataclass(frozen=True)
class Recorded:
    """A WAV file to play."""

    path: Path


@dataclass(frozen=True)
class Pressed:
    """Keys to press."""

    digits: str


type Turn = Spoken | Recorded | Pressed


def choose(text: str, caller: int) -> str:
    """Return the text of this caller: in each `{a|b|c}`, or a whole `a|b|c`, the callers take the parts in rotation."""
    if not _CHOICE.search(text) and "|" in text:
        text = "{" + text + "}"
    return _CHOICE.sub(lambda found: _pick(found[1].split("|"), caller), text)


def _pick(parts: Sequence[str], caller: int) -> str:
    return parts[caller % len(parts)].strip()


def choices(text: str) -> list[str]:
    """Return the parts of the first choice in a text; empty without a choice."""
    if not _CHOICE.search(text) and "|" in text:
        text = "{" + text + "}"
    found = _CHOICE.search(text)
    return [part.strip() for part in found[1].split("|")] if found else []
