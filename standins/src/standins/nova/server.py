"""The stand-in as a whole: listeners, certificate, control API, brain."""

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from standins.nova.backend import Backend
from standins.nova.clock import Clock
from standins.nova.control_api import control_app
from standins.nova.event_log import note
from standins.nova.faults import FaultPlan
from standins.nova.h2_request import H2Request
from standins.nova.handshake import PendingStream
from standins.nova.http2 import ServerConnection
from standins.nova.local_authority import Trust, make_trust
from standins.nova.models import ALL
from standins.nova.pace import QUICK, Pace
from standins.nova.server_state import ServerState
from standins.nova.service_limits import ServiceLimits
from standins.nova.session_records import SessionLedger
from standins.nova.tasks import TaskPool
from standins.serving import serving

STOP_DEADLINE = 5.0


@dataclass(frozen=True, slots=True)
class NovaSettings:
    """Settings of a stand-in. Port 0 selects a free one, None disables the listener."""

    host: str = "127.0.0.1"
    port: int = 0
    h2c_port: int | None = 0
    control_port: int | None = 0
    certificates: Path | None = None
    """Folder of ca.pem and bundle.pem; None uses a temporary one."""
    extra_names: tuple[str, ...] = ()
    """Additional host names for the certificate."""
    credentials: Mapping[str, str] | None = field(default_factory=lambda: {"standin": "standin-secret"})
    """Secret access key by access key ID; None accepts any credentials."""
    models: Collection[str] = ALL
    """IDs of the models that the simulated region offers."""
    retired: Collection[str] = ()
    """IDs of models that have reached the end of their life."""
    limits: ServiceLimits = ServiceLimits()
    pace: Pace = QUICK
    """Delays of replies; the command's default is `FIELD`."""
    clock_scale: float = 1.0
    keep_sound: bool = False
    """Whether the records keep the callers' audio: 16 kB per second of each call at 8 kHz."""


class NovaStandin:
    """A running stand-in: `async with NovaStandin(settings, brain) as nova`."""

    def __init__(self, settings: NovaSettings, backend: Backend) -> None:
        self._settings = settings
        self._server_state = ServerState(
            backend,
            settings.credentials,
            settings.limits,
            settings.pace,
            Clock(settings.clock_scale),
            keep_sound=settings.keep_sound,
            models=settings.models,
            retired=settings.retired,
        )
        self._closing = contextlib.AsyncExitStack()
        self._connections: set[ServerConnection] = set()
        # A crash in one stream is logged and does not stop the server.
        self._streams = TaskPool(lambda error: note("stream_task_failed", error=repr(error)))
        self.trust: Trust
        self.port = 0
        self.h2c_port = 0
        self.control_port = 0

    @property
    def faults(self) -> FaultPlan:
        """Fault scripts."""
        return self._server_state.faults

    @property
    def ledger(self) -> SessionLedger:
        """Records and counters."""
        return self._server_state.ledger

    @property
    def limits(self) -> ServiceLimits:
        """Limits of streams that open from now on."""
        return self._server_state.limits

    @limits.setter
    def limits(self, limits: ServiceLimits) -> None:
        self._server_state.limits = limits

    @property
    def pace(self) -> Pace:
        """Delays of streams that open from now on."""
        return self._server_state.pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self._server_state.pace = pace

    @property
    def clock(self) -> Clock:
        """The clock that limits use."""
        return self._server_state.clock

    @property
    def url(self) -> str:
        """URL for clients with TLS."""
        return f"https://localhost:{self.port}"

    @property
    def control_url(self) -> str:
        """URL of the control API."""
        return f"http://127.0.0.1:{self.control_port}"

    async def __aenter__(self) -> Self:
        """Start everything; if a part fails, stop the others."""
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._closing = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        await self._closing.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        settings, backend = self._settings, self._server_state.backend
        # Release first what starts last, and also after a failed start.
        stack.push_async_callback(backend.hearing.aclose)
        stack.push_async_callback(backend.voice.aclose)
        # Both load for seconds, so load them at the same time.
        await asyncio.gather(backend.hearing.start(), backend.voice.start())
        folder = settings.certificates or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nova-")))
        self.trust = make_trust(folder, settings.extra_names)
        stack.push_async_callback(self._close_connections)
        self.port = await self._listen(stack, settings.port, self.trust.server)
        if settings.h2c_port is not None:
            self.h2c_port = await self._listen(stack, settings.h2c_port, None)
        if settings.control_port is not None:
            control = serving(control_app(self._server_state), host=settings.host, port=settings.control_port)
            self.control_port = await stack.enter_async_context(control)

    async def _listen(self, stack: contextlib.AsyncExitStack, port: int, tls: ssl.SSLContext | None) -> int:
        loop = asyncio.get_running_loop()
        # A load test connects hundreds of clients at once.
        server = await loop.create_server(self._connection, self._settings.host, port, ssl=tls, backlog=1024)
        stack.callback(server.close)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    def _connection(self) -> ServerConnection:
        self._server_state.ledger.connections += 1
        return ServerConnection(self._accept, self._connections)

    def _accept(self, exchange: H2Request) -> PendingStream:
        stream = PendingStream(exchange, self._server_state)
        self._streams.start(stream.run())
        return stream

    async def _close_connections(self) -> None:
        # Streams first: they may still want to send their last events.
        await asyncio.wait_for(self._streams.aclose(), STOP_DEADLINE)
        for connection in list(self._connections):
            connection.close()
        for _ in range(3):  # let the transports write GOAWAY and report that they are closed
            await asyncio.sleep(0)
        for connection in list(self._connections):
            connection.abort()
