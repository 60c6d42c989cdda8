"""Provide the tool with which the agent captures a value, and resolve its handles for other tools."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field

from agent_core.capture.kinds import KINDS, Kind
from agent_core.capture.values import Captures, HandleRefused
from agent_core.tools.registry import Tool, ToolFailure

_MAX_HEARD = 600


def _short(value: object) -> object:
    return value[:_MAX_HEARD] if isinstance(value, str) else value


Heard = Annotated[
    str,
    BeforeValidator(_short),
    Field(description="The caller's words for it, word for word and letter by letter; empty if they only said no"),
]
Handle = Annotated[
    str, Field(description="Handle of the value that this corrects; leave it out otherwise", max_length=40)
]


class HoldsValues(Protocol):
    """A conversation in which values are captured."""

    @property
    def captures(self) -> Captures:
        """The values so far."""


def capture_tools(tools: Iterable[Tool], also: Iterable[Kind] = ()) -> list[Tool]:
    """Return the tool that captures values, if any tool has a parameter of a captured kind.

    Args:
        tools: The agent's own.
        also: Kinds of tools that a server has not listed yet.
    """
    used = {kind for tool in tools for kind in tool.captured.values()} | set(also)
    kinds = [kind for kind in KINDS if kind in used]

    async def capture(
        kind: Annotated[Literal["email"], Field(description="What the value is")],
        heard: Heard,
        conversation: HoldsValues,
        handle: Handle = "",
    ) -> dict[str, Any]:
        """Capture a value that the caller says, spells or types, at once when they give it.

        It checks the value and returns the handle that other tools take in its place.
        """
        try:
            return conversation.captures.take(kind, heard, handle)
        except HandleRefused as error:
            raise ToolFailure(error.code, error.advice) from None

    return [Tool(capture, choices={"kind": kinds})] if kinds else []
