"""Tell what an application asks of the model ("Greet the caller") from what a caller says; read its system prompt."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from standins.nova.places import place


class Kind(Enum):
    """What the application wants."""

    GREET = auto()
    LEAVE = auto()
    KEY = auto()
    STILL_THERE = auto()
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
_GREET = re.compile(
    r"\b(greet|introduce yourself|say hello|welcome the|start the conversation|begin the conversation)\b", re.IGNORECASE
)
_CALLER_PLACE = re.compile(
    r"\b[Tt]he (?:caller|user|guest|person)(?:'s (?:city|place|location))? (?:is|calls|lives)\b[a-z, ]*? "
    r"(?P<place>[A-Z][\w'-]*(?:[ ,]+[A-Z][\w'-]*)*)"
)


def read(text: str) -> Direction | None:
    """Read a stage direction; None when a caller is speaking."""
    if _CONNECTING.search(text):
        return Direction(Kind.CONNECTING)
    if _NOBODY_FREE.search(text):
        return Direction(Kind.NOBODY_FREE)
    if key := _KEY.search(text):
        return Direction(Kind.KEY, key[1])
    if _LEAVE.search(text):
        return Direction(Kind.LEAVE)
    if _STILL_THERE.search(text):
        return Direction(Kind.STILL_THERE)
    return Direction(Kind.GREET) if _GREET.search(text) else None


def is_direction(text: str) -> bool:
    """Tell whether the application speaks, not a caller."""
    return read(text) is not None


def place_of_caller(system: str) -> str | None:
    """Find where the caller is, in a sentence such as "The caller is in Stockholm."."""
    found = _CALLER_PLACE.search(system)
    return place(["in", *found["place"].split()]) if found else None
