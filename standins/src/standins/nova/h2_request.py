"""One HTTP/2 request and its answer, with its backlog and its flow control."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

BACKLOG = 256 * 1024
"""Bytes of unsent answer above which `drain` waits."""

type Headers = Sequence[tuple[str, str]]


class Outlet(Protocol):
    """What an exchange needs of its connection."""

    def send_headers(self, stream_id: int, headers: Headers) -> None:
        """Send response headers."""

    def send_data(self, stream_id: int, chunk: bytes) -> None:
        """Send a piece that fits `window`."""

    def window(self, stream_id: int) -> int:
        """Give the bytes that may be sent in one frame now."""

    def end_stream(self, stream_id: int, *, wait_for_client: bool) -> None:
        """End our half."""

    def reset(self, stream_id: int, code: int) -> None:
        """Send RST_STREAM."""

    def acknowledge(self, stream_id: int, credit: int) -> None:
        """Give a stream and the connection their receive window back."""

    def acknowledge_connection_only(self, credit: int) -> None:
        """Give only the connection its window back, so that other streams go on."""

    def abort(self) -> None:
        """Drop the connection at once (TCP RST)."""


class Answering(Protocol):
    """What a request's owner does with what arrives. Called from the event loop; must not block."""

    def received(self, chunk: bytes) -> None:
        """Take a piece of the request body."""

    def ended(self) -> None:
        """Learn that the request body is complete."""

    def lost(self, reason: str) -> None:
        """Learn that the stream is gone: nothing can be sent any more."""


class H2Request:
    """One request and its answer: a stream of a connection."""

    def __init__(self, connection: Outlet, stream_id: int, headers: Headers) -> None:
        self.headers = headers
        self.owner: Answering | None = None
        self.client_ended = False
        self.frozen = False
        self._connection = connection
        self._stream_id = stream_id
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._withheld = 0
        self._ending = False
        self._finished = False
        self._room = asyncio.Event()
        self._room.set()

    @property
    def finished(self) -> bool:
        """Whether the answer is complete or the stream is gone."""
        return self._finished

    def respond(self, status: int, headers: Headers, body: bytes | None = None) -> None:
        """Send the response headers, and with `body` the whole answer."""
        if self._finished:
            return
        self._connection.send_headers(self._stream_id, [(":status", str(status)), *headers])
        if body is not None:
            self.send(body)
            self.end()

    def send(self, chunk: bytes) -> None:
        """Queue a piece of the answer; it leaves as the client's windows allow."""
        if self._finished or self._ending:
            return
        self._unsent.append(chunk)
        self._unsent_bytes += len(chunk)
        if self._unsent_bytes > BACKLOG:
            self._room.clear()
        self.pump()

    async def drain(self) -> None:
        """Wait until the client has taken most of what was sent, or the stream is gone."""
        await self._room.wait()

    def end(self) -> None:
        """End the answer once everything queued has left."""
        self._ending = True
        self.pump()

    def reset(self, code: int) -> None:
        """Break the stream off with RST_STREAM."""
        if not self._finished:
            self._connection.reset(self._stream_id, code)
            self.vanish("reset by the stand-in")

    def freeze(self) -> None:
        """Stop reading and writing without closing, as a hung service does: the client's window runs dry."""
        self.frozen = True

    def abort(self) -> None:
        """Cut the whole connection, as a crash of the far end does."""
        self._connection.abort()

    def pump(self) -> None:
        """Send what the windows allow."""
        if self._finished or self.frozen:
            return
        while self._unsent and (window := self._connection.window(self._stream_id)) > 0:
            chunk = self._unsent.popleft()
            if len(chunk) > window:
                self._unsent.appendleft(chunk[window:])
                chunk = chunk[:window]
            self._unsent_bytes -= len(chunk)
            self._connection.send_data(self._stream_id, chunk)
        if self._unsent_bytes <= BACKLOG // 2:
            self._room.set()
        if self._ending and not self._unsent:
            self._finish()

    def take(self, chunk: bytes, credit: int) -> None:
        """Hand a piece of the request to its owner and give the client its window back, unless frozen."""
        if self.frozen:
            self._withheld += credit
            self._connection.acknowledge_connection_only(credit)
            return
        self._connection.acknowledge(self._stream_id, credit)
        if self.owner is not None and not self._finished:
            self.owner.received(chunk)

    def client_end(self) -> None:
        """Note that the client has sent everything."""
        self.client_ended = True
        if self.owner is not None and not self._finished:
            self.owner.ended()

    def vanish(self, reason: str) -> None:
        """Note that the stream is gone."""
        already, self._finished = self._finished, True
        self._unsent.clear()
        self._room.set()
        if self.owner is not None and not already:
            self.owner.lost(reason)

    def _finish(self) -> None:
        self._finished = True
        self._room.set()
        self._connection.end_stream(self._stream_id, wait_for_client=not self.client_ended)
