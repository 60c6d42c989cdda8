"""Serves an ASGI application inside this process, for the duration of a block."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from standins.pages import ProgramsOnly

_STOP_SECONDS = 5.0


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers: the surrounding program has its own."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, *, host: str, port: int, websockets: bool = False, pages: bool = False
) -> AsyncIterator[int]:
    """Serve the application and yield its port; 0 selects a free one. Accepts connections immediately.

    Args:
        app: The application.
        host: Address to bind.
        port: Port to bind.
        websockets: Whether to accept WebSockets.
        pages: Whether to accept requests from web pages.

    Raises:
        OSError: The port is in use.
    """
    # Bind here, not in uvicorn, so that the port is known and connections queue before the server has started.
    listener = socket.create_server((host, port))
    config = uvicorn.Config(
        app if pages else ProgramsOnly(app),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="websockets-sansio" if websockets else "none",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait({task}, timeout=_STOP_SECONDS)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
