"""Reads what a tool's result asks for: an argument, another tool, a person. No I/O."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from standins.agents.rehearsals import BUILT_IN
from standins.nova.agent_dialogue.arguments import Parameter, parameters

type Tools = Mapping[str, Mapping[str, Any]]


def proposed_by(tools: Tools, tool: str, result: object) -> str | None:
    """Return the other tool that a result's `next` names: "After a yes, call book_appointment."."""
    if not isinstance(result, Mapping):
        return None
    found = re.findall(r"\bcall (\w+)", str(result.get("next") or ""))
    return next((name for name in found if name in tools and name not in (*BUILT_IN, tool)), None)


def asked_by(tools: Tools, tool: str, result: object) -> Sequence[Parameter]:
    """Return the arguments that a result asks the caller for, in its question or in its `next`."""
    if not isinstance(result, Mapping) or tool not in tools:
        return ()
    # Only the last sentence asks: "A table is free. What name shall I book it under?"
    spoken = str(result.get("speak") or "")
    question = spoken.rsplit(". ", 1)[-1] if spoken.endswith("?") else ""
    asked = f"{question} {result.get('next') or ''}".lower().replace("full name", "name")
    if "?" not in asked and "ask" not in asked:
        return ()
    return [one for one in parameters(tools[tool]) if _is_named(one, asked)]


def _is_named(parameter: Parameter, asked: str) -> bool:
    # With an article or a preposition before it, because "name" and "time" are also parts of other words.
    name = re.escape(parameter.name.replace("_", " "))
    return re.search(rf"\b(the|what|which|for|and|'s) {name}\b", asked) is not None


def transfer_outcome(result: object) -> str:
    """Return the name of the sentence that follows a transfer."""
    if not isinstance(result, Mapping):
        return "connecting"
    return "no_person" if "error" in result else "on_the_page" if result.get("status") == "shown" else "connecting"
