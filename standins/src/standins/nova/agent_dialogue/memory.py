"""What a conversation has said so far: the open request, values, results. No I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from standins.nova.agent_dialogue.arguments import Parameter


@dataclass(frozen=True)
class Request:
    """A tool call, made or still incomplete."""

    tool: str
    arguments: dict[str, Any]
    answers: str = ""
    """The rehearsed reply to its success."""
    redirected: bool = False
    """Whether another tool's result led to it."""


@dataclass
class Memory:
    """The state of a conversation."""

    rehearsal: str = ""
    """The rehearsal that the last line belongs to."""
    request: Request | None = None
    """The last tool call, or the one that waits for an argument."""
    missing: Sequence[Parameter] = ()
    """Arguments that the caller has been asked for."""
    values: dict[str, Any] = field(default_factory=dict)
    """The last value of each argument, and of each field of a result."""
    proposed: str | None = None
    """The tool that the last result proposed to call next."""
    tools: set[str] = field(default_factory=set)
    """Tools that have been called."""

    def open(self, request: Request, missing: Sequence[Parameter]) -> None:
        """Make a request the current one."""
        self.request, self.missing, self.proposed = request, missing, None
        self.values |= request.arguments

    def called(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Record a call."""
        self.tools.add(tool)
        self.values |= arguments

    def result_of(self, tool: str, arguments: Mapping[str, Any], result: object) -> Request:
        """Record a result, and return the request that it belongs to."""
        if isinstance(result, Mapping):
            plain = {name: value for name, value in result.items() if isinstance(value, str | int | float)}
            # What the caller said counts more than a tool's own form of it.
            self.values = {**plain, **self.values}
        # A fault can make the model call a tool without a request.
        if self.request is None or self.request.tool != tool:
            return Request(tool, dict(arguments))
        return self.request

    def ask_for(self, asked: Sequence[Parameter]) -> None:
        """Wait for what a result has asked the caller for."""
        self.missing = [one for one in asked if self.request is None or one.name not in self.request.arguments]

    def follow_ups(self, opened_by: Mapping[str, Collection[str]]) -> set[str]:
        """Return the rehearsals whose follow-ups may come now.

        Args:
            opened_by: The tools that open each rehearsal.
        """
        # Any rehearsal that began with the same tool: "make it three" fits every kind of booking.
        last = self.request.tool if self.request is not None else ""
        return {name for name, tools in opened_by.items() if last in tools} | {self.rehearsal}

    def known_for(self, tool: str, wanted: Sequence[Parameter], *, opens: bool) -> dict[str, Any]:
        """Return what an earlier part of the conversation said about a tool's arguments.

        A follow-up of the same tool completes its last call. Another tool takes over only what it requires: "make it
        three" changes the number of people and not the day.
        """
        if self.request is not None and self.request.tool == tool and not opens:
            return dict(self.request.arguments)
        # A second wish for the same tool is a new one: another table is not for the same day.
        if opens and tool in self.tools:
            return {}
        return {one.name: self.values[one.name] for one in wanted if one.required and one.name in self.values}
