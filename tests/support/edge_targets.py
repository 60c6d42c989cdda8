"""Targets behind the stand-in load balancer: one that reports what reached it, and one that breaks HTTP on request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from standins.serving import serving


class TellingApp:
    """Answers with its name and what it saw of the request.

    Args:
        name: The service that it stands in for.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen = 0
        self.healthy = True
        self.go_on = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[str, int]]:
        """Serve it, and return its address."""
        routes = [
            Route("/health", self._health),
            Route("/upload", _Upload(), methods=["POST"]),
            Route("/slow", self._slow, methods=["GET", "POST"]),
            Route("/{path:path}", self._tell, methods=["GET", "POST", "HEAD"]),
            WebSocketRoute("/{path:path}", self._echo),
        ]
        async with serving(Starlette(routes=routes), host="127.0.0.1", port=0, websockets=True) as port:
            yield "127.0.0.1", port

    async def _health(self, _: Request) -> Response:
        return PlainTextResponse("ok", status_code=200 if self.healthy else 500)

    async def _tell(self, request: Request) -> Response:
        self.seen += 1
        raw = request.scope["raw_path"].decode("latin-1")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        body = await request.body()
        return JSONResponse({"service": self.name, "path": raw, "headers": headers, "body": len(body)})

    async def _slow(self, _: Request) -> Response:
        await self.go_on.wait()
        return PlainTextResponse(self.name)

    async def _echo(self, socket: WebSocket) -> None:
        if socket.url.path.endswith("/refused"):
            await socket.close()
            return
        await socket.accept()
        with contextlib.suppress(Exception):
            while True:
                await socket.send_text(await socket.receive_text())


class _Upload:
    """Answers each piece of the body as it arrives. Starlette's streams cannot: they wait for the end of the body."""

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            piece = await receive()
            more = piece.get("more_body", False)
            await send({"type": "http.response.body", "body": piece["body"].upper(), "more_body": more})


@contextlib.asynccontextmanager
async def raw_target(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[tuple[str, int]]:
    """Return the address of a server that treats each connection as the test says."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()
