"""Hold the tools of one conversation: what the model sees of them, and the only way to call one.

A call never raises into the pipeline: every failure becomes a result that the model can talk about.
"""

import asyncio
import copy
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, get_origin, get_type_hints, is_typeddict

import orjson
import structlog

from agent_core.announcements import Announcement
from agent_core.capture.values import Captures, HandleRefused
from agent_core.errors import AgentError, InvalidArguments
from agent_core.token_bucket import TokenBucket
from agent_core.tools.acts import IdempotencyKeys
from agent_core.tools.arguments import (
    CONVERSATION,
    Arguments,
    arguments_of,
    call_parameter,
    captured_parameters,
    checked,
    schema_of,
)
from agent_core.tools.call import ToolSurroundings
from agent_core.tools.repeats import Repeats
from agent_core.tools.stalls import watched

log = structlog.get_logger()

Outcome = Literal["ok", "error", "timeout", "unknown", "cancelled"]

DEFAULT_TIMEOUT = 5.0
"""Seconds. A caller takes a longer silence for a dead call, even after a spoken "one moment"."""

MAX_TIMEOUT: Final = 50.0
"""Seconds. The model ends a stream after 55 s without input, and waits for a tool all that time."""

_THREADS: Final = ThreadPoolExecutor(8, "tool")
"""For tools that are not async. A pool of their own: one that hangs must not keep the loop's threads from others."""

GRACE_SECONDS: Final = 1.0
"""Time for a tool to end after its timeout; one that does not is abandoned."""


_APOLOGISE = "Say in one short sentence that this did not work, and offer to try again."
_CORRECT = "Call it again with these arguments corrected, or ask the caller for what is missing."
_LATER = "Say in one short sentence that you can look up more in a minute."
_OTHERWISE = "Say in one short sentence what you can help with."
RATIONED_AT_ONCE = 8
"""Most calls of rationed tools by one conversation at once: a caller who compares some places is not delayed."""
RATIONED_PER_MINUTE = 10
"""Additional calls per minute. People need one or two."""


class ToolFailure(AgentError):
    """A tool could not do what was requested, reported in one word that the model knows.

    Args:
        code: The ``error`` of the result.
        detail: How the model should continue, the ``next`` of the result; never text from a third party.
        data: What a third party said about it, reduced by `agent_core.tools.untrusted`; the ``data`` of the result.
    """

    def __init__(self, code: str, detail: str | None = None, *, data: object = None) -> None:
        super().__init__(code if detail is None else f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.data = data


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What the model sees: JSON schemas of the arguments by name, and which of them are required."""

    name: str
    description: str
    properties: dict[str, Any]
    required: list[str]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model receives (``value``, JSON-able) and the outcome of the call."""

    name: str
    outcome: Outcome
    value: dict[str, Any]
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """One call for logs and metrics: neither arguments nor result, because both reveal what a caller said.

    ``error`` is the word that the model received, ``cause`` the exception behind it, if any, ``call_id`` the model's
    own name of the call, and ``sources`` the names of the documents that the result is from.
    """

    tool: str
    outcome: Outcome
    elapsed_ms: float
    error: str | None = None
    cause: BaseException | None = None
    call_id: str = ""
    sources: tuple[str, ...] = ()


class Tool:
    """A typed function that the model may call. It runs in a thread unless it is async.

    Args:
        function: Its name, signature and docstring (up to the first blank line) are what the model sees. A parameter
            annotated `Call` is hidden: it receives what the tool may know about the conversation. So is one named
            ``conversation``, which receives the conversation itself, for the tools of the runtime.
        timeout: Longest time of one call in seconds, at most ``MAX_TIMEOUT``.
        failure: The error word for the model when the function fails or takes too long.
        shown: Whether a visitor's page may show its arguments and result.
        choices: Arguments restricted to these words, for values known only at start.
        filler: Announcement for the caller if it takes longer than they would wait in silence.
        acts: Whether a call changes something, so that its result must not be reused for an identical request.
        rationed: Whether a call costs a third party something, so that the number per conversation is limited.
        surroundings: What it shares with the agent's other tools; required if it has a parameter annotated `Call`.

    Raises:
        ValueError: The timeout is out of bounds, or an argument has a type that cannot be expressed for the model.
        TypeError: The function is annotated to return something other than a JSON object.
    """

    def __init__(  # noqa: PLR0913 - all of them are optional
        self,
        function: Callable[..., Awaitable[dict[str, Any]] | dict[str, Any]],
        *,
        timeout: float = DEFAULT_TIMEOUT,
        failure: str = "tool_failed",
        shown: bool = False,
        choices: Mapping[str, Sequence[str]] | None = None,
        filler: Announcement | None = None,
        acts: bool = False,
        rationed: bool = False,
        surroundings: ToolSurroundings | None = None,
    ) -> None:
        if not 0 < timeout <= MAX_TIMEOUT:
            message = f"{function.__name__}: a tool may take at most {MAX_TIMEOUT:.0f} seconds"
            raise ValueError(message)
        # Checked at start: a wrong tool must fail the deployment, not a call.
        _check_returns_object(function)
        self._function = function
        self._is_async = inspect.iscoroutinefunction(function)
        self._wants_conversation = CONVERSATION in inspect.signature(function).parameters
        self._call_parameter = call_parameter(function)
        self._surroundings = surroundings
        if self._call_parameter is not None and surroundings is None:
            message = f"{function.__name__}: a tool with a Call needs the surroundings of its agent"
            raise ValueError(message)
        self._arguments: type[Arguments] = arguments_of(function, choices or {})
        self.captured = captured_parameters(function)
        """Kinds of the parameters for which the model sends a handle."""
        self.sources: Callable[[dict[str, Any]], tuple[str, ...]] = lambda _: ()
        """Returns what a result is from, for the record of the call."""
        self.timeout = timeout
        self.failure = failure
        self.shown = shown
        self.filler = filler
        self.acts = acts
        self.rationed = rationed
        properties, required = schema_of(self._arguments)
        description = (inspect.getdoc(function) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")
        self.spec = ToolSpec(function.__name__, description, properties, required)

    def check(self, arguments: object) -> Arguments:
        """Validate the model's arguments.

        Raises:
            InvalidArguments: They do not fit the signature.
        """
        return checked(self._arguments, arguments)

    def resolved(self, arguments: Arguments, conversation: object) -> dict[str, Any]:
        """Return the captured values that the arguments name by their handles.

        Raises:
            ToolFailure: a handle has no value yet that the caller has heard.
        """
        named = self._handles(arguments)
        captures = getattr(conversation, "captures", None)
        if not isinstance(captures, Captures):
            return {}
        try:
            # An optional value may be missing.
            return {name: captures.value(self.captured[name], one) for name, one in named.items() if one is not None}
        except HandleRefused as error:
            raise ToolFailure(error.code, error.advice) from None

    def _handles(self, arguments: Arguments) -> dict[str, Any]:
        """Return the handles that the model sent, by parameter."""
        return {name: getattr(arguments, name) for name in self.captured}

    async def run(self, arguments: Arguments, conversation: object = None, key: str = "") -> dict[str, Any]:
        """Run the function within its timeout.

        Args:
            arguments: Validated.
            conversation: For a function with a parameter of this name, and for what a `Call` says about it.
            key: Idempotency key of the request.

        Raises:
            ToolFailure: The function reported a failure.
            TimeoutError: The timeout has passed.
            TypeError, ValueError: Its result is not a JSON object.
        """
        values = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        values |= self.resolved(arguments, conversation)
        if self._wants_conversation:
            values[CONVERSATION] = conversation
        if self._call_parameter is not None and self._surroundings is not None:
            whole, region = getattr(conversation, "conversation_id", ""), getattr(conversation, "region", "")
            facts = getattr(conversation, "facts", {})
            values[self._call_parameter] = self._surroundings.call(whole, key, region, facts)
        # The limit of the tool alone; `_run` adds the grace for its clean-up.
        async with asyncio.timeout(self.timeout):
            return _as_object(await self._answer(values))

    async def _answer(self, values: dict[str, Any]) -> object:
        if not self._is_async:
            return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(self._function, **values))
        running: Any = self._function(**values)
        return await watched(running, self._note_stall)

    def _note_stall(self, seconds: float) -> None:
        log.warning("tool_blocks", tool=self.spec.name, blocked_ms=round(seconds * 1000))


class ToolRegistry:
    """The tools of one conversation by name.

    An identical request gets an identical result, and runs once: while the first is in progress, and after it within
    the same caller turn, unless the tool acts.

    Args:
        tools: Their names must differ.
        conversation: Passed to the tools that require it.
        on_call: Receives one record per call, when it is over.
        clock: Monotonic seconds.
        keys: Makes the idempotency keys of the conversation.
        allows: Returns whether a tool may be called now; one that may not is unknown to the model.
    """

    def __init__(  # noqa: PLR0913 - all but the tools are optional
        self,
        tools: Sequence[Tool],
        *,
        conversation: object = None,
        on_call: Callable[[ToolRecord], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        keys: IdempotencyKeys | None = None,
        allows: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._allows = allows
        self._conversation = conversation
        self._keys = keys or IdempotencyKeys("")
        self._credit = TokenBucket(clock, RATIONED_AT_ONCE, RATIONED_PER_MINUTE / 60)
        self._tools = {tool.spec.name: tool for tool in tools}
        # With equal names, one tool would silently replace the other.
        if len(self._tools) != len(tools):
            message = "two tools have the same name"
            raise ValueError(message)
        self._on_call = on_call
        self._repeats: Repeats[_Ending] = Repeats()

    @property
    def specs(self) -> list[ToolSpec]:
        """What the model sees, in the order in which the tools were given."""
        return [tool.spec for tool in self._tools.values()]

    def filler(self, name: str) -> Announcement | None:
        """Return the announcement that covers the wait for a tool, if any."""
        tool = self._tools.get(name)
        return None if tool is None else tool.filler

    async def call(self, name: str, arguments: object, call_id: str = "") -> ToolResult:
        """Run a tool at the model's request; every failure is a result.

        Args:
            name: Of the tool.
            arguments: The model's arguments.
            call_id: The model's own name of the call, for its record.

        Raises:
            asyncio.CancelledError: The caller of this method was cancelled, so there is no receiver for a result.
        """
        started = time.monotonic()
        try:
            ending = await self._run(self._offered(name), arguments)
        except asyncio.CancelledError as cancelled:
            self._close(name, _Ending("cancelled", _error("cancelled"), cancelled), started, call_id)
            raise
        return self._close(name, ending, started, call_id)

    def new_turn(self) -> None:
        """Drop cached results: the caller has spoken."""
        self._repeats.new_turn()

    def _offered(self, name: str) -> Tool | None:
        # A model may call what only another stage offers it.
        return self._tools.get(name) if self._allows(name) else None

    async def _run(self, tool: Tool | None, arguments: object) -> "_Ending":
        if tool is None:
            return _Ending("unknown", _error("unknown_tool", _OTHERWISE))
        try:
            fitting = tool.check(arguments)
        except InvalidArguments as error:
            return _Ending("error", _error("invalid_arguments", _CORRECT) | {"detail": _sendable(error.reason)}, error)
        try:
            values = tool.resolved(fitting, self._conversation)
        except ToolFailure as error:
            return _Ending("error", _error(error.code, error.detail), error)
        # The validated arguments, so that different spellings of the same request count as one. With the values of
        # handles: a corrected value makes another request.
        key = f"{tool.spec.name} {fitting!r}{f' {values!r}' if values else ''}"
        try:
            return await self._repeats.answer(
                key,
                lambda: self._attempt(tool, fitting, key),
                seconds=tool.timeout + GRACE_SECONDS,
                keep=not tool.acts,
            )
        except TimeoutError as error:
            return _Ending("timeout", _error(tool.failure), error)

    async def _attempt(self, tool: Tool, arguments: Arguments, request: str) -> "_Ending":
        # Again: the result of a call just before this one may have led to another stage.
        if self._offered(tool.spec.name) is None:
            return _Ending("unknown", _error("unknown_tool", _OTHERWISE))
        # Spent here and not in `_run`, so that repeated requests are free.
        if tool.rationed and not self._credit.spend():
            return _Ending("error", _error("too_many_requests", _LATER))
        ending = await _attempt(tool, arguments, self._conversation, self._keys.key(request))
        if tool.acts and ending.outcome == "ok":
            self._keys.done(request)
        return ending

    def _close(self, name: str, ending: "_Ending", started: float, call_id: str) -> ToolResult:
        elapsed_ms = (time.monotonic() - started) * 1000
        if self._on_call is not None:
            # An unknown name is text that the model made up: it stays out of logs and metric labels.
            tool = self._tools.get(name)
            known = "unknown" if tool is None else name
            error = None if ending.outcome == "ok" else ending.value["error"]
            sources = tool.sources(ending.value) if tool is not None and error is None else ()
            self._on_call(ToolRecord(known, ending.outcome, elapsed_ms, error, ending.cause, call_id, sources))
        # A copy, because a kept result may be returned to several calls.
        return ToolResult(name, ending.outcome, copy.deepcopy(ending.value), elapsed_ms)


@dataclass(frozen=True, slots=True)
class _Ending:
    outcome: Outcome
    value: dict[str, Any]
    cause: BaseException | None = None


async def _attempt(tool: Tool, arguments: Arguments, conversation: object, key: str) -> _Ending:
    try:
        return _Ending("ok", await tool.run(arguments, conversation, key))
    except InvalidArguments as error:
        return _Ending("error", _error("invalid_arguments", _CORRECT) | {"detail": _sendable(error.reason)}, error)
    except ToolFailure as error:
        data = {} if error.data is None else {"data": error.data}
        return _Ending("error", _error(error.code, error.detail) | data, error.__cause__ or error)
    except TimeoutError as error:
        return _Ending("timeout", _error(tool.failure), error)
    except asyncio.CancelledError as cancelled:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return _Ending("cancelled", _error("cancelled"), cancelled)  # something inside was cancelled, not this call
    except Exception as error:  # noqa: BLE001 - a bug in one tool must not end the call; the record carries it
        return _Ending("error", _error(tool.failure), error)


def _error(code: str, go_on: str | None = None) -> dict[str, Any]:
    return {"error": code, "next": _sendable(go_on or _APOLOGISE)}


def _sendable(text: str) -> str:
    """Replace lone surrogates, which cannot be sent."""
    return text.encode(errors="replace").decode()


def _check_returns_object(function: Callable[..., object]) -> None:
    """Reject an annotation that promises anything but a JSON object; without one, each result is checked."""
    kind = get_type_hints(function).get("return", dict)
    base = get_origin(kind) or kind
    if base is Any or is_typeddict(base) or (isinstance(base, type) and issubclass(base, Mapping)):
        return
    message = f"{function.__name__}: a tool returns an object of JSON, a dict, and not {kind}"
    raise TypeError(message)


def _as_object(answer: object) -> dict[str, Any]:
    """Return a tool's result as the model will read it.

    Raises:
        TypeError, ValueError: It is not a JSON object, for Python's own encoder or for that of the protocol.
    """
    if not isinstance(answer, Mapping):
        message = f"a tool returned {type(answer).__name__} instead of an object"
        raise TypeError(message)
    plain: dict[str, Any] = json.loads(json.dumps(dict(answer), allow_nan=False))
    orjson.dumps(plain)  # rejects lone surrogates and integers of more than 64 bits, which the other encoder accepts
    return plain
