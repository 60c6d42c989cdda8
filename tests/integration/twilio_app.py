"""A small application for the exchange: fixed documents, and a stream that a test controls."""

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

STREAM = (
    '<Connect{connect}><Stream url="ws://127.0.0.1:{port}/stream">'
    '<Parameter name="ticket" value="t"/></Stream></Connect>'
)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to pytest."""
        yield


@dataclass
class AppStream:
    """The application's end of a media stream."""

    socket: WebSocket
    messages: list[dict[str, Any]] = field(default_factory=list)
    sid: str = ""

    async def read(self) -> dict[str, Any]:
        """Read the next message."""
        message: dict[str, Any] = json.loads(await self.socket.receive_text())
        self.messages.append(message)
        self.sid = message.get("streamSid", self.sid)
        return message

    async def until(self, event: str) -> dict[str, Any]:
        """Read until a message of this event."""
        while (message := await self.read())["event"] != event:
            pass
        return message

    async def drain(self) -> None:
        """Read until the exchange closes."""
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await self.read()

    async def send(self, event: str, **body: object) -> None:
        """Send one command."""
        await self.socket.send_text(json.dumps({"event": event, "streamSid": self.sid, **body}))

    async def play(self, mulaw: bytes) -> None:
        """Queue audio for the caller."""
        await self.send("media", media={"payload": base64.b64encode(mulaw).decode()})

    def sound(self) -> bytes:
        """Return all audio of the caller so far."""
        media = [message for message in self.messages if message["event"] == "media"]
        return b"".join(base64.b64decode(message["media"]["payload"]) for message in media)


type Behave = Callable[[AppStream], Awaitable[object]]


@dataclass(frozen=True)
class Asked:
    """A received webhook."""

    path: str
    method: str
    params: dict[str, str]
    headers: dict[str, str]


class TinyApp:
    """The application.

    `documents` maps paths to the content of `<Response>`. An integer is a status without a body, a float the seconds
    before an empty response, bytes are a recording, and a dictionary is served as JSON.
    """

    def __init__(self) -> None:
        self.port = 0
        self.documents: dict[str, str | int | float | bytes | dict[str, Any]] = {}
        self.asked: list[Asked] = []
        self.handshakes: list[dict[str, str]] = []
        self.streams: list[AppStream] = []
        self.behave: Behave = AppStream.drain

    @property
    def url(self) -> str:
        """The number's own address."""
        return f"http://127.0.0.1:{self.port}/incoming-call"

    def stream(self, after: str = "", connect: str = "") -> str:
        """Return the content of a document that opens a stream."""
        return STREAM.format(port=self.port, connect=connect) + after

    def requests(self, path: str) -> list[Asked]:
        """Return the webhooks received at a path."""
        return [asked for asked in self.asked if asked.path == path]

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["TinyApp"]:
        """Serve on a free port."""
        app = Starlette(
            routes=[
                WebSocketRoute("/stream", self._stream),
                Route("/{path:path}", self._answer, methods=["GET", "POST"]),
            ]
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.documents = {"/incoming-call": self.stream()}
        config = uvicorn.Config(
            app, log_config=None, lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield self
        finally:
            server.should_exit = True
            await asyncio.wait({task}, timeout=5)

    async def _answer(self, request: Request) -> Response:
        params = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        self.asked.append(Asked(request.url.path, request.method, params, dict(request.headers)))
        document = self.documents.get(request.url.path, 404)
        if isinstance(document, bytes):
            return Response(document, media_type="audio/wav")
        if isinstance(document, dict):
            return JSONResponse(document)
        if isinstance(document, float):
            await asyncio.sleep(document)
            document = 200
        if isinstance(document, int):
            return Response(status_code=document)
        return Response(f"<Response>{document}</Response>", media_type="text/xml")

    async def _stream(self, socket_: WebSocket) -> None:
        self.handshakes.append(dict(socket_.headers))
        if self.documents.get("/stream") == 403:
            await socket_.close()
            return
        await socket_.accept()
        stream = AppStream(socket_)
        self.streams.append(stream)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.behave(stream)
            await socket_.close()
