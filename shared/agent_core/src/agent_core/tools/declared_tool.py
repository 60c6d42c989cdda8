"""A tool that an agent's file declares instead of a function in ``tools.py``: a request to another service."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from agent_core.announcements import Announcement
from agent_core.capture.kinds import Kind
from agent_core.errors import UpstreamError
from agent_core.tools import untrusted
from agent_core.tools.arguments import Arguments, checked
from agent_core.tools.circuit_breaker import CircuitOpen
from agent_core.tools.declared_schema import DeclaredArguments, declared, with_handles
from agent_core.tools.registry import MAX_TIMEOUT, Tool, ToolFailure, ToolSpec

UNREACHABLE: Final = (
    "Say in one short sentence that this service cannot be reached at the moment, and offer to try again in a minute."
)
"""After a failure of the service: true, short, and something that the caller can do."""
_MAX_DESCRIPTION: Final = 600


@dataclass(frozen=True, slots=True)
class Request:
    """One use of a declared tool.

    Attributes:
        values: Validated arguments, with captured values in the place of their handles; may be personal data.
        key: Idempotency key: the same for a request that is repeated.
        seconds: Until the deadline of the use.
    """

    values: Mapping[str, Any] = field(repr=False)
    key: str
    seconds: float


type Send = Callable[[Request], Awaitable[dict[str, Any]]]
"""Sends a request to the service; returns the result for the model."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a file or a server says about a tool.

    Attributes:
        name: What the model calls it.
        description: When to use it.
        schema: JSON schema of its arguments.
        deadline: Seconds of one use.
        failure: The error word for the model.
        acts: Whether a use changes something.
        filler: Whether the caller hears that something is looked up.
        shown: Whether a visitor's page may show arguments and result.
        captured: Kinds of the arguments for which the model sends a handle and the service receives the value.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    deadline: float
    failure: str = "tool_failed"
    acts: bool = False
    filler: bool = False
    shown: bool = False
    captured: Mapping[str, Kind] = field(default_factory=dict)


class DeclaredTool(Tool):
    """See the module.

    Args:
        declaration: What the model sees, and how it is run.
        send: Sends a request; may raise `UpstreamError`, which the caller hears as an honest failure.
        rationed: Whether the number of uses per conversation is limited.
        sources: Returns what a result is from, for the record of the call.

    Raises:
        ValueError: the schema or the deadline cannot be used.
    """

    def __init__(
        self,
        declaration: Declaration,
        send: Send,
        *,
        rationed: bool = True,
        sources: Callable[[dict[str, Any]], tuple[str, ...]] = lambda _: (),
    ) -> None:
        # Not the constructor of `Tool`, which reads all this from a function's signature.
        if not 0 < declaration.deadline <= MAX_TIMEOUT:
            raise ValueError(f"a tool may take at most {MAX_TIMEOUT:.0f} seconds")
        seen = with_handles(declaration.schema, declaration.captured, declaration.name)
        model, properties, required = declared(seen, declaration.name)
        self._model: type[DeclaredArguments] = model
        # What the service accepts: the model's own arguments have handles, to which its bounds do not apply.
        self._accepted = declared(declaration.schema, declaration.name)[0] if declaration.captured else model
        self._send = send
        self.timeout = declaration.deadline
        self.failure = declaration.failure
        self.shown = declaration.shown
        self.filler = Announcement.LOOK_UP if declaration.filler else None
        self.acts = declaration.acts
        # A use costs the service something, and the model can be talked into repeating one.
        self.rationed = rationed
        self.sources = sources
        self.captured = dict(declaration.captured)
        description = untrusted.clean(declaration.description, _MAX_DESCRIPTION)
        self.spec = ToolSpec(declaration.name, description, _clean(properties), required)

    def check(self, arguments: object) -> Arguments:
        """Validate the model's arguments.

        Raises:
            InvalidArguments: They do not fit the schema.
        """
        return checked(self._model, arguments)

    async def run(self, arguments: Arguments, conversation: object = None, key: str = "") -> dict[str, Any]:
        """Send the request within the deadline.

        Args:
            arguments: Validated.
            conversation: Has the captured values.
            key: Idempotency key of the request.

        Raises:
            InvalidArguments: A captured value does not fit the schema.
            ToolFailure: The service failed or refused, or a handle has no value that the caller has heard.
            TimeoutError: The deadline has passed.
        """
        if not isinstance(arguments, DeclaredArguments):
            raise TypeError("arguments of another tool")
        values = self._values(arguments, conversation)
        try:
            async with asyncio.timeout(self.timeout):
                return await self._send(Request(values, key, self.timeout))
        except CircuitOpen as error:
            raise ToolFailure(self.failure, UNREACHABLE) from error
        except UpstreamError as error:
            raise ToolFailure(self.failure, UNREACHABLE) from error

    def _values(self, arguments: DeclaredArguments, conversation: object) -> dict[str, Any]:
        if not self.captured:
            return arguments.values
        found = self.resolved(arguments, conversation)
        # JSON has no dates.
        texts = {name: one.isoformat() if isinstance(one, date) else one for name, one in found.items()}
        fitting = checked(self._accepted, arguments.values | texts)
        return fitting.values if isinstance(fitting, DeclaredArguments) else {}

    def _handles(self, arguments: Arguments) -> dict[str, Any]:
        # By their names in the schema, which need not be names of Python.
        given = arguments.values if isinstance(arguments, DeclaredArguments) else {}
        return {name: given[name] for name in self.captured if name in given}


def _clean(value: Any) -> Any:  # noqa: ANN401 - a JSON schema
    """Return a schema whose descriptions are bounded and clean: a server's descriptions are read like instructions."""
    if not isinstance(value, dict):
        return value
    return {
        key: untrusted.clean(each, _MAX_DESCRIPTION) if key == "description" and isinstance(each, str) else _clean(each)
        for key, each in value.items()
    }
