"""Provide the tools with which the model takes the conversation to another stage."""

from typing import Any

from agent_core.tools.registry import Tool

PREFIX = "go_to_"


def stage_tool(stage: str, when: str) -> Tool:
    """Return the tool that leads to a stage.

    Args:
        stage: Name of the stage.
        when: When the model should call it, in words.
    """

    async def go_to() -> dict[str, Any]:
        return {"status": "changing"}

    # What the model sees are the function's name and docstring.
    go_to.__name__ = f"{PREFIX}{stage}"
    go_to.__doc__ = when
    # The model repeats itself, and a stage that was left may be wanted again a moment later.
    return Tool(go_to, acts=True)
