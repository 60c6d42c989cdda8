"""A small client for what the SDKs cannot show: many streams, rejections, stalled windows, malformed bytes.

It signs nothing, so the stand-in must run with `credentials=None`. It uses `h2`, and the stand-in's codec for the event
stream; other tests check both against independent peers.
"""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import h2.config
import h2.connection
import h2.events

from standins.nova.eventstream import MessageDecoder, StreamMessage, encode

PATH = "/model/amazon.nova-2-sonic-v1%3A0/invoke-with-bidirectional-stream"
PCM = {"mediaType": "audio/lpcm", "sampleRateHertz": 8000, "sampleSizeBits": 16, "channelCount": 1}
TEXT = {"mediaType": "text/plain"}
SCHEMA = '{"type": "object", "properties": {}}'
WEATHER = {"toolSpec": {"name": "get_current_weather", "description": "", "inputSchema": {"json": SCHEMA}}}
PATIENCE = 10.0

type Body = dict[str, Any]


class StreamEnded(Exception):
    """The response has ended: `reason` is "end", "reset 8" or "connection lost"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Exception_(Exception):  # noqa: N801 - the wire's own word, whose plain name Python uses
    """The stream carried an exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


class Connection(asyncio.Protocol):
    """One clear-text HTTP/2 connection."""

    def __init__(self) -> None:
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.streams: dict[int, Stream] = {}
        self.transport: asyncio.Transport

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Self]:
        """Connect with prior knowledge."""
        transport, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        connection.transport = transport
        connection.h2.initiate_connection()
        connection.flush()
        try:
            yield connection
        finally:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass the received data to its stream."""
        for event in self.h2.receive_data(data):
            stream = self.streams.get(getattr(event, "stream_id", 0) or 0)
            match event:
                case h2.events.ResponseReceived() if stream:
                    stream.headers.set_result({str(k): str(v) for k, v in event.headers})
                case h2.events.DataReceived(stream_id=int(stream_id)) if stream:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, stream_id)
                    stream.data(event.data)
                case h2.events.StreamEnded() if stream:
                    stream.ended("end")
                case h2.events.StreamReset() if stream:
                    stream.ended(f"reset {int(event.error_code or 0)}")
        self.flush()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Notify every stream."""
        for stream in self.streams.values():
            stream.ended("connection lost")

    def open(self, path: str = PATH, **headers: str) -> "Stream":
        """Send a request's headers."""
        stream_id = self.h2.get_next_available_stream_id()
        fields = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": path, **headers}
        self.h2.send_headers(stream_id, list(fields.items()))
        stream = self.streams[stream_id] = Stream(self, stream_id)
        self.flush()
        return stream

    def flush(self) -> None:
        """Write pending bytes."""
        self.transport.write(self.h2.data_to_send())


class Stream:
    """One request with its sent and received events."""

    def __init__(self, connection: Connection, stream_id: int) -> None:
        self._connection = connection
        self._id = stream_id
        self._decoder = MessageDecoder()
        self._arrived: asyncio.Queue[StreamMessage | str] = asyncio.Queue()
        self.headers: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self.body = bytearray()

    def data(self, chunk: bytes) -> None:
        """Receive a chunk of the response."""
        self.body += chunk
        if "eventstream" in self.headers.result().get("content-type", ""):
            for message in self._decoder.feed(chunk):
                self._arrived.put_nowait(message)

    def ended(self, reason: str) -> None:
        """Receive the end of the response."""
        if not self.headers.done():
            self.headers.set_exception(StreamEnded(reason))
            self.headers.exception()  # marks the exception as retrieved
        self._arrived.put_nowait(reason)

    @property
    def window(self) -> int:
        """Bytes that may be sent now."""
        return self._connection.h2.local_flow_control_window(self._id)

    def write(self, wire: bytes) -> None:
        """Write bytes unchanged."""
        self._connection.h2.send_data(self._id, wire)
        self._connection.flush()

    def send(self, name: str, **body: object) -> None:
        """Send one event of the prompt `p`."""
        content = body if name.startswith("session") else {"promptName": "p", **body}
        text = base64.b64encode(json.dumps({"event": {name: content}}).encode())
        self.write(encode(StreamMessage({":event-type": "chunk", ":message-type": "event"}, b'{"bytes":"%b"}' % text)))

    def text(self, name: str, role: str, content: str, *, interactive: bool = False) -> None:
        """Send a block of text."""
        self.send("contentStart", contentName=name, type="TEXT", role=role, interactive=interactive)
        self.send("textInput", contentName=name, content=content)
        self.send("contentEnd", contentName=name)

    def answer_tool(self, tool_use_id: str, content: str, name: str = "result") -> None:
        """Send a tool's result."""
        configuration = {"toolUseId": tool_use_id, "type": "TEXT"}
        self.send(
            "contentStart", contentName=name, type="TOOL", role="TOOL", toolResultInputConfiguration=configuration
        )
        self.send("toolResult", contentName=name, content=content)
        self.send("contentEnd", contentName=name)

    def greet(self, words: str = "hello", *, history: str = "", **prompt: object) -> None:
        """Open session, prompt and audio content, and send the first text; a `history` adds one unsettled message."""
        self.send("sessionStart")
        self.send("promptStart", audioOutputConfiguration=PCM, **prompt)
        self.text("system", "SYSTEM", "Be kind.")
        if history:
            self.text("history", "USER", history)
        self.send("contentStart", contentName="line", type="AUDIO", role="USER", audioInputConfiguration=PCM)
        self.text("first", "USER", words, interactive=True)

    def sound(self, seconds: float, amplitude: int) -> None:
        """Send audio at once."""
        sample = amplitude.to_bytes(2, "little", signed=True)
        for _ in range(round(seconds / 0.04)):
            self.send("audioInput", contentName="line", content=base64.b64encode(sample * 320).decode())

    async def receive(self) -> tuple[str, Body]:
        """Return the next event.

        Raises:
            Exception_: the stream carried an exception.
            StreamEnded: there is none.
        """
        arrived = await asyncio.wait_for(self._arrived.get(), PATIENCE)
        if isinstance(arrived, str):
            raise StreamEnded(arrived)
        payload = json.loads(arrived.payload)
        if arrived.headers[":message-type"] == "exception":
            raise Exception_(str(arrived.headers[":exception-type"]), payload["message"])
        event = json.loads(base64.b64decode(payload["bytes"]))["event"]
        ((name, body),) = event.items()
        return name, body

    async def until(self, name: str, fits: Callable[[Body], object] = lambda _: True) -> Body:
        """Return the next event of a kind, and skip others."""
        async with asyncio.timeout(PATIENCE):
            while True:
                kind, body = await self.receive()
                if kind == name and fits(body):
                    return body
