"""One HTTP/2 request and its response, with buffering and flow control."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

BACKLOG = 256 * 1024
"""Number of unsent response bytes above which `drain` waits."""

type Headers = Sequence[tuple[str, str]]


class Outlet(Protocol):
    """What a request needs of its connection."""

    def send_headers(self, stream_id: int, headers: Headers) -> None:
        """Send response headers."""

    def send_data(self, stream_id: int, chunk: bytes) -> None:
        """Send a chunk that fits `window`."""

    def window(self, stream_id: int) -> int:
        """Return the number of bytes that one frame may carry now."""

    def end_stream(self, stream_id: int, *, wait_for_client: bool) -> None:
        """End our half of the stream."""

    def reset(self, stream_id: int, code: int) -> None:
        """Send RST_STREAM."""

    def acknowledge(self, stream_id: int, credit: int) -> None:
        """Return receive window to a stream and to the connection."""

    def acknowledge_connection_only(self, credit: int) -> None:
        """Return receive window to the connection only, so that other streams continue."""

    def abort(self) -> None:
        """Drop the connection at once (TCP RST)."""


class Answering(Protocol):
    """Handles a request. Called from the event loop; must not block."""

    def received(self, chunk: bytes) -> None:
        """Process a chunk of the request body."""

    def ended(self) -> None:
        """Called when the request body is complete."""

    def lost(self, reason: str) -> None:
        """Called when the stream is gone: nothing more can be sent."""


class H2Request:
    """One request and its response: a stream of a connection."""

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
        # Set while there is room, so that `drain` normally returns at once.
        self._room = asyncio.Event()
        self._room.set()

    @property
    def finished(self) -> bool:
        """Whether the response is complete or the stream is gone."""
        return self._finished

    def respond(self, status: int, headers: Headers, body: bytes | None = None) -> None:
        """Send the response headers, and with `body` the complete response."""
        if self._finished:
            return
        self._connection.send_headers(self._stream_id, [(":status", str(status)), *headers])
        if body is not None:
            self.send(body)
            self.end()

    def send(self, chunk: bytes) -> None:
        """Queue a chunk of the response; it is sent as the client's windows allow."""
        if self._finished or self._ending:
            return
        self._unsent.append(chunk)
        self._unsent_bytes += len(chunk)
        if self._unsent_bytes > BACKLOG:
            # Writers that call `drain` stop here; others are not slowed down.
            self._room.clear()
        self.pump()

    async def drain(self) -> None:
        """Wait until the client has received most of the queue, or the stream is gone."""
        await self._room.wait()

    def end(self) -> None:
        """End the response after everything queued has been sent."""
        # Ends at once if nothing is queued.
        self._ending = True
        self.pump()

    def reset(self, code: int) -> None:
        """Abort the stream with RST_STREAM."""
        if not self._finished:
            self._connection.reset(self._stream_id, code)
            self.vanish("reset by the stand-in")

    def freeze(self) -> None:
        """Stop reading and writing without closing, like a hung service; the client's window runs out."""
        self.frozen = True

    def abort(self) -> None:
        """Drop the whole connection, like a crash of the peer."""
        self._connection.abort()

    def pump(self) -> None:
        """Send what the windows allow."""
        if self._finished or self.frozen:
            return
        while self._unsent and (window := self._connection.window(self._stream_id)) > 0:
            chunk = self._unsent.popleft()
            # Put the rest back at the front: chunks must stay in order.
            if len(chunk) > window:
                self._unsent.appendleft(chunk[window:])
                chunk = chunk[:window]
            self._unsent_bytes -= len(chunk)
            self._connection.send_data(self._stream_id, chunk)
        # Half of the limit, so that the writer does not wake for every frame.
        if self._unsent_bytes <= BACKLOG // 2:
            self._room.set()
        if self._ending and not self._unsent:
            self._finish()

    def take(self, chunk: bytes, credit: int) -> None:
        """Pass a chunk of the request to its owner and return the window to the client, unless frozen."""
        if self.frozen:
            # Only this stream stalls: HTTP/2 shares the connection's window among all streams.
            self._withheld += credit
            self._connection.acknowledge_connection_only(credit)
            return
        self._connection.acknowledge(self._stream_id, credit)
        if self.owner is not None and not self._finished:
            self.owner.received(chunk)

    def client_end(self) -> None:
        """Record that the client has sent the whole request."""
        self.client_ended = True
        if self.owner is not None and not self._finished:
            self.owner.ended()

    def vanish(self, reason: str) -> None:
        """Record that the stream is gone."""
        already, self._finished = self._finished, True
        self._unsent.clear()
        # Wake a writer that waits for room that will never come.
        self._room.set()
        if self.owner is not None and not already:
            self.owner.lost(reason)

    def _finish(self) -> None:
        self._finished = True
        self._room.set()
        self._connection.end_stream(self._stream_id, wait_for_client=not self.client_ended)
