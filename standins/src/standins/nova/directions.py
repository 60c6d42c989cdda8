"""Tell what an application asks of the model ("Greet the caller") from what a caller says; read its system prompt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from standins.nova.places import place


class Kind(Enum):
    """What the application wants."""

    GREET = auto()
    LEAVE = auto()
    KEY = auto()
    STILL_THERE = auto()
    SAY_AGAIN = auto()
    CONNECTING = auto()
    """Somebody is being called for the caller."""
    NOBODY_FREE = auto()
    """Nobody answered, or nobody could be called: the caller is back."""


@dataclass(frozen=True)
class Direction:
    """One stage direction; `key` is the telephone key that was pressed."""

    kind: Kind
    key: str = ""


_KEY = re.compile(r"\bpressed\b.*?\b(?:key|digit|button)?\s*['\"]?([0-9*#])(?![0-9])", re.IGNORECASE)
_CONNECTING = re.compile(r"\babout to be connected\b", re.IGNORECASE)
_NOBODY_FREE = re.compile(r"\bnobody was free\b|\bconnecting the caller to .+ did not work\b", re.IGNORECASE)
_LEAVE = re.compile(
    r"\b(conversation|call) (has to|must|will) end\b|\bsay goodbye\b|\bhave to go, and goodbye\b", re.IGNORECASE
)
_STILL_THERE = re.compile(r"\bask\b.*\b(still there|on the line)\b", re.IGNORECASE)
_SAY_AGAIN = re.compile(r"\bask\b.*\bto say it again\b", re.IGNORECASE)
_GREET = re.compile(
    r"\b(greet|introduce yourself|say hello|welcome the|start the conversation|begin the conversation)\b", re.IGNORECASE
)
_CALLER_PLACE = re.compile(
    r"\b[Tt]he (?:caller|user|guest|person)(?:'s (?:city|place|location))? (?:is|calls|lives)\b[a-z, ]*? "
    r"(?P<place>[A-Z][\w'-]*(?:[ ,]+[A-Z][\w'-]*)*)"
)


_BEFORE_A_KEY = {Kind.CONNECTING: _CONNECTING, Kind.NOBODY_FREE: _NOBODY_FREE}
_BEHIND_A_KEY = {
    Kind.LEAVE: _LEAVE,
    Kind.STILL_THERE: _STILL_THERE,
    Kind.SAY_AGAIN: _SAY_AGAIN,
    Kind.GREET: _GREET,
}


def read(text: str) -> Direction | None:
    """Read a stage direction; None when a caller is speaking."""
    if (kind := _kind(_BEFORE_A_KEY, text)) is not None:
        return Direction(kind)
    if key := _KEY.search(text):
        return Direction(Kind.KEY, key[1])
    kind = _kind(_BEHIND_A_KEY, text)
    return None if kind is None else Direction(kind)


def _kind(patterns: Mapping[Kind, re.Pattern[str]], text: str) -> Kind | None:
    return next((kind for kind, pattern in patterns.items() if pattern.search(text)), None)


def is_direction(text: str) -> bool:
    """Tell whether the application speaks, not a caller."""
    return read(text) is not None


def place_of_caller(system: str) -> str | None:
    """Find where the caller is, in a sentence such as "The caller is in Stockholm."."""
    found = _CALLER_PLACE.search(system)
    return place(["in", *found["place"].split()]) if found else None
