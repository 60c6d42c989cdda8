"""How the agent ends a conversation."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent_core.tools.registry import Tool

END_CALL = "end_call"
"""Whoever holds the conversation watches for this tool: it ends when the goodbye has been heard."""

Why = Annotated[
    Literal["caller_said_goodbye", "caller_asked", "nothing_left"],
    Field(description="Why the conversation is over"),
]


async def end_call(reason: Why) -> dict[str, Any]:
    """End the conversation. Call it when the caller says goodbye, then say goodbye in one short sentence."""
    return {"status": "ending", "reason": reason}


def goodbye_tools() -> list[Tool]:
    """Give the tool that ends a conversation."""
    return [Tool(end_call, acts=True)]
