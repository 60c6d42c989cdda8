"""Recognises the application's instructions to the model ("Greet the caller")."""

import json
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class InstructionKind(Enum):
    """What the application asks for."""

    GREET = auto()
    LEAVE = auto()
    KEY = auto()
    VALUE = auto()
    """The caller has typed a value, and hears a sentence about it."""
    STILL_THERE = auto()
    SAY_AGAIN = auto()
    CONNECTING = auto()
    """The caller is being transferred."""
    NOBODY_FREE = auto()
    """The transfer failed: the caller is back."""
    LOOKING_UP = auto()
    """A tool takes a while."""
    NO_ANSWER = auto()
    """The caller's words must not be answered."""
    WAITED = auto()
    """The caller had to wait."""
    DISCLOSE = auto()
    """The caller has not heard yet that an AI speaks."""
    STAGE = auto()
    """Another part of the conversation begins, with a prompt of its own."""
    LOST = auto()
    """The stream broke during the conversation and has been replaced."""


@dataclass(frozen=True)
class Direction:
    """One instruction.

    `keys` are the DTMF digits, `words` what the caller said last, `exactly` a sentence to say, `result` that of a tool,
    `handle` is what the application calls a value that the caller typed.
    """

    kind: InstructionKind
    keys: str = ""
    words: str = ""
    exactly: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    handle: str = ""


_STAGE = re.compile(r"\bnext part of the conversation begins\b", re.IGNORECASE)
_STAGE_SAID = re.compile(r'\blast words were: ("(?:[^"\\]|\\.)*")')
_STAGE_RESULT = re.compile(r"\bresult, which is data: (\{.*\}) Say its speak first\b", re.DOTALL)
_STAGE_BEGIN = re.compile(r'\bsay in the caller\'s language: ("(?:[^"\\]|\\.)*")\s*$')
_KEY = re.compile(r"\b(?:pressed|typed)\b.*?\b(?:keys?|digits?|button)?\s*['\"]?([0-9*#A-D]*[0-9*#])", re.IGNORECASE)
_VALUE = re.compile(r"\btyped a value\b.*?\bhandle is (\w+)", re.IGNORECASE)
_LOST = re.compile(r"\blost (?:them|the caller|you) for a moment\b", re.IGNORECASE)
_WORDS = re.compile(r'\bwords were: "(.*)"')
_EXACTLY = re.compile(r'\bexactly this sentence: "([^"]+)"', re.IGNORECASE)
_DISCLOSE = re.compile(r"\btell the caller now that you are an AI\b", re.IGNORECASE)
_WAITED = re.compile(r"\bsorry for the wait\b", re.IGNORECASE)
_CONNECTING = re.compile(r"\babout to be connected\b", re.IGNORECASE)
_NOBODY_FREE = re.compile(r"\bnobody was free\b|\bconnecting the caller to .+ did not work\b", re.IGNORECASE)
_LEAVE = re.compile(
    r"\b(conversation|call) (has to|must|will) end\b|\bsay goodbye\b|\bhave to go, and goodbye\b", re.IGNORECASE
)
_LOOKING_UP = re.compile(r"\btell the caller\b.*\blooking it up\b", re.IGNORECASE)
_NO_ANSWER = re.compile(r"\bhave no answer to that\b", re.IGNORECASE)
_STILL_THERE = re.compile(r"\bask\b.*\b(still there|on the line)\b", re.IGNORECASE)
_SAY_AGAIN = re.compile(r"\bask\b.*\bto say it again\b", re.IGNORECASE)
_GREET = re.compile(
    r"\b(greet|introduce yourself|say hello|welcome the|start the conversation|begin the conversation)\b", re.IGNORECASE
)


# The first match wins: an instruction to say sorry for the wait may also mention a greeting.
_SIGNS = (
    (_STAGE, InstructionKind.STAGE),
    (_LOST, InstructionKind.LOST),
    (_DISCLOSE, InstructionKind.DISCLOSE),
    (_WAITED, InstructionKind.WAITED),
    (_CONNECTING, InstructionKind.CONNECTING),
    (_NOBODY_FREE, InstructionKind.NOBODY_FREE),
    (_VALUE, InstructionKind.VALUE),  # before the keys: its handle has a digit too
    (_KEY, InstructionKind.KEY),
    (_LEAVE, InstructionKind.LEAVE),
    (_LOOKING_UP, InstructionKind.LOOKING_UP),
    (_NO_ANSWER, InstructionKind.NO_ANSWER),
    (_STILL_THERE, InstructionKind.STILL_THERE),
    (_SAY_AGAIN, InstructionKind.SAY_AGAIN),
    (_GREET, InstructionKind.GREET),
)


def read(text: str) -> Direction | None:
    """Parse an instruction; return None if the text is a caller's."""
    for sign, kind in _SIGNS:
        if found := sign.search(text):
            if kind is InstructionKind.STAGE:
                return _stage(text)
            words = _WORDS.search(text) if kind is InstructionKind.LOST else None
            exactly = _EXACTLY.search(text)
            return Direction(
                kind,
                found[1] if kind is InstructionKind.KEY else "",
                words[1] if words else "",
                exactly[1] if exactly else "",
                handle=found[1] if kind is InstructionKind.VALUE else "",
            )
    return None


def _stage(text: str) -> Direction:
    said, result, begin = (sign.search(text) for sign in (_STAGE_SAID, _STAGE_RESULT, _STAGE_BEGIN))
    return Direction(
        InstructionKind.STAGE,
        words=json.loads(said[1]) if said else "",
        exactly=json.loads(begin[1]) if begin else "",
        result=json.loads(result[1]) if result else {},
    )


def is_direction(text: str) -> bool:
    """Return whether the application speaks, not a caller."""
    return read(text) is not None
