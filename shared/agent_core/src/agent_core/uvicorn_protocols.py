"""Add the limits that uvicorn lacks.

uvicorn bounds neither the head of a request, nor what one connection queues, nor how long a peer may take to read. A
load balancer does (Amazon's ALB: 16 KB per line, 64 KB per head, 300 s), but not every deployment has one.
"""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

REQUEST_SECONDS = 10.0
"""Longest time from a connection, or from a request's first byte, to the request's last byte: Twilio and browsers send
theirs at once. uvicorn has no such limit, so that a slow sender could hold a socket forever.
"""
MAX_LINE_BYTES: Final = 16 * 1024
"""Limit of the request's target, and of one header field."""
MAX_HEAD_BYTES: Final = 64 * 1024
"""Limit of everything in a request except the body: its head, the trailer, and the chunk framing beyond one byte per
byte of body. Exact to one ``_PIECE``.
"""
MAX_FIELDS: Final = 100
"""Header and trailer fields. Twilio sends about 15, a browser behind two proxies about 30."""
MAX_PIPELINED: Final = 8
"""Most requests waiting for an earlier response on their connection. Proxies and browsers send none."""
MAX_REST_BYTES: Final = 64 * 1024
"""Most bytes that a peer may still send of a body that has been answered."""
MAX_UNREAD_BYTES: Final = 1024 * 1024
"""Most unread pong bytes of a WebSocket's peer. Pongs are written whether or not there is room."""
PROGRESS_SECONDS = 10.0
"""How often a peer with unread responses is checked."""
PROGRESS_BYTES: Final = 10 * 1024
"""What it must have read since the last check. The largest file of the page then takes at most a quarter of an hour."""
CLOSE_SECONDS = 5.0
"""Unsent bytes are dropped this long after a connection was closed."""
_PIECE: Final = 16 * 1024
"""Input is passed to the parser in pieces of this size: one read returns up to 256 KB, which is eight thousand small
requests.
"""


class PeerTransport:
    """A transport that does not wait for a peer that stopped reading."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._looking: asyncio.TimerHandle | None = None
        self._unsent = 0
        self.write = transport.write  # called for each message, so the attribute is looked up once

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close; drop what the peer does not read soon."""
        self._transport.close()
        # asyncio waits for unsent data without limit.
        if self._transport.get_write_buffer_size():
            self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def expect_progress(self) -> None:
        """Abort the connection unless the peer continues to read."""
        if self._looking is None:
            self._look_later()

    def stop_expecting(self) -> None:
        """Stop checking: everything has been read, or the peer is gone."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look_later(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self._looking = self._loop.call_later(PROGRESS_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = None
        # Nothing more is written while this much is unsent, so any decrease is what the peer has read.
        if self._unsent - self._transport.get_write_buffer_size() < PROGRESS_BYTES:
            self._transport.abort()
        else:
            self._look_later()


class TooMuch(Exception):
    """A request exceeds the limits. The parser converts it to an error of its own."""


class HttpProtocol(HttpToolsProtocol):
    """Closes connections with incomplete or oversized requests, or with peers that do not read the response."""

    _peer: PeerTransport
    _deadline: asyncio.TimerHandle | None = None
    _upgraded = False
    _refusal = HTTPStatus.BAD_REQUEST
    _in_head = True
    _fields = 0
    _overhead = 0
    _rest = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        self._peer = PeerTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._peer))
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Parse the received bytes; between requests, any byte starts the next request's deadline."""
        for at in range(0, len(data), _PIECE):
            if self._upgraded or self.transport.is_closing():
                return
            self._take(data[at : at + _PIECE])
        cycle: Any = self.cycle  # None before the first request, despite its type
        between = cycle is None or cycle.response_complete
        if between and self._deadline is None and self.timeout_keep_alive_task is None and not self._upgraded:
            self._expect_request()

    def _take(self, piece: bytes) -> None:
        # Every byte counts as overhead until the parser reports it as body, see `on_body`.
        self._overhead += len(piece)
        super().data_received(piece)
        if self._overhead > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refuse()

    def on_message_begin(self) -> None:
        """Start to wait for the rest of a request."""
        super().on_message_begin()
        self._in_head = True
        self._fields = self._overhead = self._rest = 0
        self._expect_request()

    def on_url(self, url: bytes) -> None:
        """Check the target's length so far."""
        super().on_url(url)
        if len(self.url) > MAX_LINE_BYTES:
            self._refuse_in_parser(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Check a header field. A trailer is dropped: the application already has the headers."""
        self._fields += 1
        if self._fields > MAX_FIELDS or len(name) + len(value) > MAX_LINE_BYTES:
            self._refuse_in_parser(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start to respond, or queue the request."""
        self._in_head = False
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse_in_parser(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count a piece of the body: each byte also pays for one byte of chunk framing."""
        self._overhead = max(0, self._overhead - 2 * len(body))
        super().on_body(body)
        cycle: Any = self.cycle
        # A response may be complete before the body is; the rest of the body is not worth reading.
        if cycle is not None and cycle.response_complete:
            self._rest += len(body)
            if self._rest > MAX_REST_BYTES:
                self.transport.close()

    def on_message_complete(self) -> None:
        """Stop the deadline: the request is complete."""
        super().on_message_complete()
        self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """Reject a request that the parser could not read, or refused."""
        del msg
        self._refuse()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the WebSocket's own limits."""
        self._upgraded = True
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """Start to watch a peer that reads more slowly than we write."""
        super().pause_writing()
        self._peer.expect_progress()

    def resume_writing(self) -> None:
        """Stop watching the peer."""
        super().resume_writing()
        self._peer.stop_expecting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_waiting()
        self._peer.stop_expecting()
        super().connection_lost(exc)

    def _refuse_in_parser(self, status: HTTPStatus) -> None:
        self._refusal = status
        raise TooMuch

    def _refuse(self) -> None:
        """Close; send the reason, unless a response to an earlier request is in progress."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            reason = self._refusal.phrase.encode()
            head = b"HTTP/1.1 %d %b\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            self.transport.write(head % (self._refusal, reason, len(reason)) + reason)
        self.transport.close()

    def _expect_request(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


PING_SECONDS = 4.0
"""Interval of WebSocket pings. Each costs six bytes in each direction."""
_PONGS = "agent_core.pongs"


@dataclass(slots=True)
class Pongs:
    """Counts the pongs on one WebSocket."""

    count: int = 0


def pongs_of(scope: MutableMapping[str, Any]) -> Pongs:
    """Return the pong counter of an application's WebSocket; with another server it stays at zero."""
    found = (scope.get("extensions") or {}).get(_PONGS)
    return found if isinstance(found, Pongs) else Pongs()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Rejects unreadable handshakes, closes connections with peers that do not read, and counts pongs.

    uvicorn 0.54 checks only frames for errors: its response to a handshake with a header line above 8 KiB is built and
    never sent, so that a client could hold such sockets forever. It does not expose pongs, and an ASGI application
    cannot send a ping.
    """

    _peer: PeerTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection of the upgrade request."""
        self._peer = cast("PeerTransport", transport)
        self.close_timeout = CLOSE_SECONDS
        super().connection_made(transport)

    def handle_connect(self, event: Any) -> None:  # noqa: ANN401 - a type of the library behind uvicorn
        """Pass the counter to the application, which starts after this."""
        super().handle_connect(event)
        self._pongs = Pongs()
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[_PONGS] = self._pongs

    def handle_pong(self, event: Any) -> None:  # noqa: ANN401 - as above
        """Count a pong; a late one proves as much."""
        self._pongs.count += 1
        super().handle_pong(event)

    def data_received(self, data: bytes) -> None:
        """Parse the received bytes."""
        super().data_received(data)
        # uvicorn has built the error response and forgets to send it.
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
        elif self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Start to watch a peer that reads more slowly than we write."""
        super().pause_writing()
        self._peer.expect_progress()

    def resume_writing(self) -> None:
        """Stop watching the peer."""
        super().resume_writing()
        self._peer.stop_expecting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching the peer."""
        self._peer.stop_expecting()
        super().connection_lost(exc)
