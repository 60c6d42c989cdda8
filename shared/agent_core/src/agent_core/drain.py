"""Serve with uvicorn, and finish active conversations before the task stops.

Uvicorn closes every WebSocket a tenth of a second after SIGTERM (code 1012). A caller must not notice a deployment, so
this server keeps serving while the agent drains, and stops only then. A second signal stops it at once.
"""

import asyncio
from contextvars import copy_context
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from agent_core.agent_runtime import AgentRuntime
from agent_core.settings import CoreSettings
from agent_core.uvicorn_protocols import PING_SECONDS, HttpProtocol, WebSocketProtocol

log = structlog.get_logger()

MAX_MESSAGE_BYTES = 64 * 1024
"""Largest WebSocket message; a packet of 20 ms takes 300 bytes."""


class DrainingServer(uvicorn.Server):
    """Serves until the last conversation is over."""

    def __init__(self, config: uvicorn.Config, agent: AgentRuntime) -> None:
        super().__init__(config)
        self._agent = agent
        self._leaving: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = copy_context()

    async def serve(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Serve until a signal stops it."""
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        await super().serve(sockets)  # type: ignore[arg-type]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal: drain at the first, stop at the second."""
        if self._loop is None or self._leaving is not None:
            super().handle_exit(sig, frame)
            return
        # A signal may interrupt anything, such as a request, whose identifiers would then appear in our log lines.
        self._loop.call_soon_threadsafe(self._leave, context=self._context)

    def _leave(self) -> None:
        if self._leaving is None:
            self._leaving = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        try:
            await self._agent.drain()
        finally:
            log.info("stopping")
            # Not through the parent's handler: it would raise the signal again at the end, and ECS would record a task
            # that stopped correctly as killed.
            self.should_exit = True


def make_server(app: FastAPI, agent: AgentRuntime, settings: CoreSettings) -> DrainingServer:
    """Return a server configured for a service behind a load balancer."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.fast_api_port,
        loop="uvloop",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        # Compressing messages this small costs more than it saves.
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        # A late pong alone closes nothing: calls judge liveness by all traffic, see `phone_agent.live_call`.
        ws_ping_timeout=None,
        # Must outlast the load balancer's idle timeout, or it returns 502 on a connection that we closed.
        timeout_keep_alive=305,
        timeout_graceful_shutdown=5,
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        server_header=False,
        # No line per request: events are logged where they happen.
        access_log=False,
        # The service has configured its own logging.
        log_config=None,
    )
    return DrainingServer(config, agent)
