"""Encodes tool uses: once and correctly, or as a fault requires."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from standins.nova.backend import ToolStep
from standins.nova.faults import ModelFault

AGAIN_SECONDS = 0.3
"""From a result to the next tool use of a loop, unless the fault sets it: 266 to 309 ms were measured on Nova 2.5."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool and its arguments."""

    name: str
    arguments: dict[str, Any]


def identifiers(fault: ModelFault | None) -> list[str]:
    """Return the toolUseId of each toolUse event to write."""
    first = str(uuid.uuid4())
    match fault.action if fault else None:
        case "two_uses":
            return [first, str(uuid.uuid4())]
        case "repeated_use":
            return [first, first]
        case _:
            return [first]


def content(arguments: dict[str, Any], fault: ModelFault | None) -> object:
    """Return the `content` of a toolUse event."""
    text = json.dumps(arguments)
    match fault.action if fault else None:
        case "double_encoded":
            return json.dumps(text)
        case "object_arguments":
            return arguments
        case "empty_arguments":
            return ""
        case "malformed_arguments":
            return text[:-1]
        case _:
            return text


def next_call(fault: ModelFault | None, step: ToolStep, asked: int) -> Call | None:
    """Return the call that a looping model makes after its `asked`th use in a turn; None if there is no such fault."""
    if fault is None or fault.action != "ask_again":
        return None
    if not fault.calls:
        return Call(step.name, step.arguments)
    call = fault.calls[(asked - 1) % len(fault.calls)]
    return Call(call.name, call.arguments)
