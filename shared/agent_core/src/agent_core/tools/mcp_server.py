"""Keep a connection to one MCP server, with a pinned catalogue of its tools; ``- mcp:`` in an agent's file.

One task owns the connection: it connects, fetches the catalogue, reconnects after a failure and closes at shutdown.
Conversations only send requests. The catalogue is pinned: a conversation keeps the tools with which it began, and a
change of the catalogue is logged once and applies from the next conversation. A conversation that begins before the
first catalogue gets tools that say honestly that the service cannot be reached.

This module knows no SDK, see `agent_core.tools.mcp_session`.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson
import structlog

from agent_core.capture.kinds import Kind
from agent_core.errors import UpstreamError
from agent_core.tools import untrusted
from agent_core.tools.circuit_breaker import CircuitBreaker
from agent_core.tools.declared_tool import Declaration, DeclaredTool, Request
from agent_core.tools.registry import ToolFailure

log = structlog.get_logger()

SERVICE: Final = "mcp"
"""Name in errors and logs."""
CONNECT_SECONDS: Final = 10.0
"""Longest wait for a connection and its catalogue; a command may have to start first."""
REFRESH_SECONDS: Final = 60.0
"""How often the catalogue is fetched again: servers need not announce a change."""
CLOSE_SECONDS: Final = 5.0
"""A command gets two seconds to exit, and two more after SIGTERM."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_REFUSED: Final = "Say in one short sentence what data says about why this was not possible, and ask how to go on."
_NOT_YET: Final = (
    "Cannot be used at the moment. Call it without arguments when the caller wants this; the result says what to say."
)


@dataclass(frozen=True, slots=True)
class ListedTool:
    """One tool of a server's catalogue, as the server describes it: untrusted."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class McpAnswer:
    """What a server returned: ``value`` is untrusted."""

    value: object
    is_refusal: bool = False


class SessionLost(UpstreamError):
    """The server does not know this session any longer, and has not run the request."""


class McpSession(Protocol):
    """An open connection."""

    async def tools(self) -> Sequence[ListedTool]:
        """Return the server's catalogue.

        Raises:
            UpstreamError: it cannot be fetched.
        """

    async def call(self, name: str, arguments: Mapping[str, Any], key: str) -> McpAnswer:
        """Run a tool. The deadline is the caller's: a cancelled request is cancelled at the server too.

        Raises:
            SessionLost: the request was not run, and a new connection is needed.
            UpstreamError: the server failed.
        """


type Connect = Callable[[Callable[[], None]], AbstractAsyncContextManager[McpSession]]
"""Opens a connection; its argument is to be called when the server says that its catalogue has changed."""


@dataclass(frozen=True, slots=True)
class McpOptions:
    """What an agent's file says about a server.

    Attributes:
        place: Host, or program of a command; for the log.
        identity: Equal for servers whose catalogue is the same.
        allow: Names of the tools that are offered.
        reads: Those of them that change nothing.
        deadline: Seconds of one use.
        failure: The error word for the model.
        filler: Whether the caller hears that something is looked up.
        shown: Whether a visitor's page may show arguments and result.
        captured: By tool, the kinds of the arguments whose values are captured.
    """

    place: str
    identity: str
    allow: Sequence[str]
    reads: Sequence[str] = ()
    deadline: float = 5.0
    failure: str = "tool_failed"
    filler: bool = True
    shown: bool = False
    captured: Mapping[str, Mapping[str, Kind]] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of values that its tools receive, known before the catalogue is."""
        return frozenset(kind for each in self.captured.values() for kind in each.values())


@dataclass(frozen=True, slots=True)
class _Pin:
    """A catalogue as conversations use it: what the server listed, and the tools made of it."""

    listed: Sequence[ListedTool]
    tools: tuple[DeclaredTool, ...] = ()
    digests: Mapping[str, bytes] = field(default_factory=dict)


class McpServer:
    """See the module.

    Args:
        agent: Folder name of the agent; for the log.
        options: From the agent's file.
        connect: Opens a connection.
        clock: Monotonic seconds, for the circuit breaker.
    """

    def __init__(
        self, agent: str, options: McpOptions, connect: Connect, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.options = options
        self._connect = connect
        self._breaker = CircuitBreaker(SERVICE, options.place, clock)
        self._log = log.bind(agent=agent, server=options.place)
        self._pin: _Pin | None = None
        self._has_pin = asyncio.Event()
        self._session: asyncio.Future[McpSession] | None = None
        """The session, or the one of the next attempt to connect."""
        self._owner: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        """Something has changed that the owner looks at: closing, a lost session, a new catalogue, a waiting use."""
        self._closing = self._is_lost = self._is_down = False
        self._on_change: Callable[[], None] = lambda: None

    @property
    def listed(self) -> Sequence[ListedTool] | None:
        """The pinned catalogue; None if there is none yet."""
        return None if self._pin is None else self._pin.listed

    def tools(self) -> list[DeclaredTool]:
        """Return the tools for a conversation that begins now."""
        if self._pin is not None:
            return list(self._pin.tools)
        # Nothing is known of their arguments, so none can be captured yet.
        return [self._declared(ListedTool(name, _NOT_YET, {}), self._no_catalogue, {}) for name in self.options.allow]

    async def pinned(self) -> None:
        """Wait until a catalogue is known; the deadline is the caller's."""
        await self._has_pin.wait()

    def adopt(self, other: "McpServer") -> None:
        """Begin with the catalogue of another connection to the same server, such as that of an earlier version."""
        if self._pin is None and other.listed is not None:
            self._pin = self._pinned(other.listed)
            self._has_pin.set()

    def start(self, on_change: Callable[[], None]) -> None:
        """Start the task that owns the connection; returns at once.

        Args:
            on_change: Called when `tools` returns something else; must not block.
        """
        if self._owner is None:
            self._on_change = on_change
            self._session = asyncio.get_running_loop().create_future()
            self._owner = asyncio.create_task(self._own(), name=f"mcp-{self.options.place}")

    async def close(self) -> None:
        """Close the connection; bounded, never raises."""
        self._closing = True
        self._wake.set()
        if self._owner is not None:
            await asyncio.wait({self._owner}, timeout=CLOSE_SECONDS)
            self._owner.cancel()
            await asyncio.wait({self._owner}, timeout=CLOSE_SECONDS)

    async def call(self, name: str, request: Request) -> dict[str, Any]:
        """Run a tool, and return the result for the model.

        Raises:
            ToolFailure: the server did not accept this request.
            UpstreamError: the server cannot be reached, or failed.
        """
        with self._breaker.attempt():
            answer = await self._answered(name, request)
        # Outside: a server that refuses a request works.
        if answer.is_refusal:
            raise ToolFailure(self.options.failure, _REFUSED, data=untrusted.bounded(answer.value))
        return untrusted.result(answer.value)

    async def _answered(self, name: str, request: Request) -> McpAnswer:
        try:
            return await (await self._connected()).call(name, request.values, request.key)
        except SessionLost:
            # The server was restarted and has not run the request, so sending it again cannot do it twice.
            self._lose()
            return await (await self._connected()).call(name, request.values, request.key)
        except UpstreamError:
            self._lose()
            raise

    async def _connected(self) -> McpSession:
        """Return the session; wait for an attempt to connect that is under way, or is begun by this."""
        if self._session is None:
            raise UpstreamError(SERVICE, "not_started")
        if not self._session.done():
            # Ends a pause between two attempts.
            self._wake.set()
        # Shielded: a use that is cancelled must not cancel the attempt for others.
        return await asyncio.shield(self._session)

    def _lose(self) -> None:
        """Have the owner open another connection: this one may be dead without knowing it."""
        if self._session is not None and self._session.done():
            self._session = asyncio.get_running_loop().create_future()
            self._is_lost = True
            self._wake.set()

    async def _no_catalogue(self, _: Request) -> dict[str, Any]:
        raise UpstreamError(SERVICE, "no_catalogue")

    async def _own(self) -> None:
        failures = 0
        while not self._closing:
            try:
                await self._hold_one()
                failures = 0
            # The SDK raises groups of errors of its transports, and a command fails in any way.
            except Exception as error:  # noqa: BLE001 - reported; the loop continues
                failures = failures + 1 if self._was_refused(error) else 1
                # With jitter, so that the tasks of a deployment do not return at the same moment.
                pause = min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
                await self._wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    def _was_refused(self, error: Exception) -> bool:
        """Report a failed connection; return whether there was none at all."""
        waiting = self._session
        # Pending: no session was opened for those that wait for one.
        refused = waiting is not None and not waiting.done()
        # Each outage once, not each attempt.
        if not self._is_down:
            self._log.warning("mcp_disconnected", error=_name(error))
            self._is_down = True
        self._session = asyncio.get_running_loop().create_future()
        if refused and waiting is not None:
            failed = UpstreamError(SERVICE, "not_connected")
            failed.host = self.options.place
            waiting.set_exception(failed)
            waiting.exception()  # uses may be waiting for it, or none
        return refused

    async def _hold_one(self) -> None:
        """Open one connection and keep it until it is lost; raises what ends it."""
        self._is_lost = False
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(CONNECT_SECONDS):
                session = await stack.enter_async_context(self._connect(self._wake.set))
                self._take(await session.tools())
            if self._session is not None and not self._session.done():
                self._session.set_result(session)
            if self._is_down:
                self._log.info("mcp_connected")
            self._is_down = False
            while not self._is_over():
                await self._wait(REFRESH_SECONDS)
                if not self._is_over():
                    async with asyncio.timeout(CONNECT_SECONDS):
                        self._take(await session.tools())

    def _is_over(self) -> bool:
        return self._closing or self._is_lost

    async def _wait(self, seconds: float) -> None:
        """Wait until something happens, at most this long."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _take(self, listed: Sequence[ListedTool]) -> None:
        """Pin a catalogue, unless it is the same; report what has changed."""
        before, pin = self._pin, self._pinned([one for one in listed if one.name in self.options.allow])
        if before is not None and pin.digests == before.digests:
            return
        self._pin = pin
        self._has_pin.set()
        known = {} if before is None else before.digests
        if missing := [name for name in self.options.allow if name not in pin.digests]:
            self._log.warning("mcp_tool_missing", tools=missing)
        if before is not None:
            names = {*known, *pin.digests}
            changed = sorted(name for name in names if known.get(name) != pin.digests.get(name))
            self._log.warning("mcp_catalogue_changed", tools=changed)
        self._on_change()

    def _pinned(self, listed: Sequence[ListedTool]) -> _Pin:
        tools, digests = [], {}
        by_name = {one.name: one for one in listed}
        # In the order of the file, which the operator chose.
        for name in self.options.allow:
            if (one := by_name.get(name)) is None:
                continue
            try:
                captured = self.options.captured.get(name, {})
                tools.append(self._declared(one, lambda request, name=name: self.call(name, request), captured))
            except ValueError as error:
                # This tool alone: the others can be used.
                self._log.warning("mcp_tool_unusable", tool=name, problem=str(error)[:200])
                continue
            digests[name] = orjson.dumps([one.description, one.schema], option=orjson.OPT_SORT_KEYS, default=str)
        return _Pin(listed, tuple(tools), digests)

    def _declared(self, listed: ListedTool, send: Any, captured: Mapping[str, Kind]) -> DeclaredTool:  # noqa: ANN401 - see `Send`
        options = self.options
        declaration = Declaration(
            listed.name,
            listed.description,
            listed.schema,
            options.deadline,
            options.failure,
            acts=listed.name not in options.reads,
            filler=options.filler,
            shown=options.shown,
            captured=captured,
        )
        return DeclaredTool(declaration, send)


def _name(error: BaseException) -> str:
    """Return the type of an error; of a group, that of its first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
