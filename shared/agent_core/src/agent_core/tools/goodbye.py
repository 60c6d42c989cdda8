"""Provide the tool with which the agent ends a conversation."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.tools.registry import Tool

END_CALL = "end_call"
"""The conversation watches for this tool: it ends when the goodbye has been heard."""

_GOODBYE = "If your goodbye is still to be heard, say it now in one short sentence."

Why = Annotated[
    Literal["caller_said_goodbye", "caller_asked", "nothing_left"],
    Field(description="Why the conversation is over"),
]


async def end_call(reason: Why) -> dict[str, Any]:
    """End the conversation when the caller says goodbye. First say goodbye in one short sentence, then call this.

    Some models call it without a word, so the result asks for what may be missing.
    """
    del reason  # stating a reason makes the model consider it
    return {"status": "ending", "next": _GOODBYE}


def goodbye_tools() -> list[Tool]:
    """Return the tool that ends a conversation."""
    return [Tool(end_call, acts=True)]
