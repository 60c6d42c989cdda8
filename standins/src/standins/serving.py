"""Serve an ASGI application inside this program, for as long as a block lasts."""

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
        """Leave signals to the program that this server is part of."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, *, host: str, port: int, websockets: bool = False, pages: bool = False
) -> AsyncIterator[int]:
    """Give the port that the application answers on; 0 chooses a free one. It takes connections from the first moment.

    Args:
        app: What answers.
        host: The address to bind.
        port: The port to bind.
        websockets: Whether it takes WebSockets.
        pages: Whether web pages may ask it too; a stand-in is for programs.

    Raises:
        OSError: The port is taken.
    """
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
