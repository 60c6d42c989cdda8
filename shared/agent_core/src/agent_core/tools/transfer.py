"""Provide the tool with which the agent connects a person."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator, Field

from agent_core.tools.registry import Tool

TRANSFER = "transfer_to_human"

_MAX_REASON = 200


def _short(value: object) -> object:
    return value[:_MAX_REASON] if isinstance(value, str) else value


Destination = Annotated[str, Field(description="Who is wanted")]
Reason = Annotated[
    str,
    BeforeValidator(_short),
    Field(description="What the caller wants, in one short sentence for the person who answers"),
]


class HandsOver(Protocol):
    """A conversation to which a person can be connected."""

    async def hand_over(self, destination: str, reason: str) -> dict[str, Any]:
        """Transfer to a configured person; return what the model receives as the result.

        Raises:
            ToolFailure: no person can be reached this way, or not again.
        """


def transfer_tools(names: Sequence[str]) -> list[Tool]:
    """Return the tool that connects a person, if any person is configured.

    Args:
        names: The configured people. The model sees only these: no number and no address.
    """

    async def transfer_to_human(destination: Destination, reason: Reason, conversation: HandsOver) -> dict[str, Any]:
        """Connect the caller to a person, when they ask for a human or need what is beyond you."""
        return await conversation.hand_over(destination, reason)

    return [Tool(transfer_to_human, choices={"destination": names}, acts=True)] if names else []
