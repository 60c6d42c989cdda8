"""What a dialogue knows of tools, and what it decides: sentences and tool calls."""

from dataclasses import dataclass
from typing import Any, Protocol


class ToolDeclaration(Protocol):
    """A tool that the prompt declares, with the JSON Schema of its arguments."""

    @property
    def name(self) -> str:
        """Name of the tool."""

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its arguments."""


@dataclass(frozen=True)
class Say:
    """One or more sentences to say."""

    text: str


@dataclass(frozen=True)
class UseTool:
    """A tool to call; its result arrives in the dialogue's `tool_result`."""

    name: str
    arguments: dict[str, Any]


type Step = Say | UseTool
