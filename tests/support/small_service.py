"""A service with a few routes behind the product's own HTTP and WebSocket protocols, in the test's process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket

from agent_core.uvicorn_protocols import HttpProtocol, WebSocketProtocol


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to pytest."""
        yield


@asynccontextmanager
async def small_service() -> AsyncIterator[int]:
    """Serve on a free port until the block ends."""
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> str:
        return (await request.body()).decode()

    @app.post("/unread")
    async def unread() -> str:
        return "answered"

    @app.post("/headers")
    async def headers(request: Request) -> list[str]:
        await request.body()
        return sorted(request.headers)

    @app.get("/large")
    async def large() -> Response:
        return Response(bytes(8_000_000))

    @app.websocket("/talk")
    async def talk(line: WebSocket) -> None:
        await line.accept()
        await line.send_text(await line.receive_text())

    @app.websocket("/flood")
    async def flood(line: WebSocket) -> None:
        await line.accept()
        while True:
            await line.send_bytes(bytes(60_000))

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        log_config=None,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait({serving}, timeout=5.0)
