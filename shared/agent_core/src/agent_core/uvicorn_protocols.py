"""What uvicorn leaves open, closed.

uvicorn bounds neither the head of a request, nor what one connection queues, nor how long a peer may take to read. A
load balancer does (Amazon's ALB: 16 KB a line, 64 KB a head, 300 s), but not every service has one in front.
"""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

REQUEST_SECONDS = 10.0
"""Longest time from a connection, or a request's first byte, to the request's last: Twilio and browsers send theirs
at once. uvicorn has no such limit, so that whoever dribbles would keep a socket for ever."""
MAX_LINE_BYTES: Final = 16 * 1024
"""Of the request's target, and of one header field."""
MAX_HEAD_BYTES: Final = 64 * 1024
"""All of a request that is no body: its head, the trailer, and the framing of chunks beyond one byte for each byte of
body. The bound is exact to one ``_PIECE``."""
MAX_FIELDS: Final = 100
"""Header and trailer fields. Twilio sends about 15, a browser behind two proxies about 30."""
MAX_PIPELINED: Final = 8
"""Requests that wait for the answer to an earlier one on their connection. Proxies and browsers send none."""
MAX_REST_BYTES: Final = 64 * 1024
"""What a peer may go on to send of a body that has been answered."""
MAX_UNREAD_BYTES: Final = 1024 * 1024
"""Answers to pings that a WebSocket's peer has not read. They are written whether or not there is room."""
PROGRESS_SECONDS = 10.0
"""How often a peer that has unread answers is checked."""
PROGRESS_BYTES: Final = 10 * 1024
"""What it has to have read since. The largest file of the page then takes at most a quarter of an hour."""
CLOSE_SECONDS = 5.0
"""What is still unsent this long after a connection was closed is dropped."""
_PIECE: Final = 16 * 1024
"""The parser gets what came in pieces: one read brings up to 256 KB, which is eight thousand small requests."""


class PeerTransport:
    """A transport that does not wait for a peer who does not read."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._looking: asyncio.TimerHandle | None = None
        self._unsent = 0
        self.write = transport.write  # called for each message, so it is not looked up each time

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close; what the peer does not read soon is dropped."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def expect_progress(self) -> None:
        """Give up on the peer unless it goes on to read."""
        if self._looking is None:
            self._look_later()

    def stop_expecting(self) -> None:
        """Expect nothing: all has been read, or the peer is gone."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look_later(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self._looking = self._loop.call_later(PROGRESS_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = None
        # While this much waits, nothing more is written, so that a smaller rest is what the peer has read.
        if self._unsent - self._transport.get_write_buffer_size() < PROGRESS_BYTES:
            self._transport.abort()
        else:
            self._look_later()


class TooMuch(Exception):
    """A request is larger than anybody's is. The parser passes it on as an error of its own."""


class HttpProtocol(HttpToolsProtocol):
    """Gives up on a request that does not come to its end or has none, and on a peer who does not read the answer."""

    _peer: PeerTransport
    _deadline: asyncio.TimerHandle | None = None
    _upgraded = False
    _refusal = HTTPStatus.BAD_REQUEST
    _in_head = True
    _fields = 0
    _overhead = 0
    _rest = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        self._peer = PeerTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._peer))
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Take what came; between requests a first byte begins the next wait, even one that belongs to none."""
        for at in range(0, len(data), _PIECE):
            if self._upgraded or self.transport.is_closing():
                return
            self._take(data[at : at + _PIECE])
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        between = cycle is None or cycle.response_complete
        if between and self._deadline is None and self.timeout_keep_alive_task is None and not self._upgraded:
            self._expect_request()

    def _take(self, piece: bytes) -> None:
        self._overhead += len(piece)
        super().data_received(piece)
        if self._overhead > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refuse()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request."""
        super().on_message_begin()
        self._in_head = True
        self._fields = self._overhead = self._rest = 0
        self._expect_request()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        super().on_url(url)
        if len(self.url) > MAX_LINE_BYTES:
            self._refuse_in_parser(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field. A trailer is read and dropped: the application has the headers already."""
        self._fields += 1
        if self._fields > MAX_FIELDS or len(name) + len(value) > MAX_LINE_BYTES:
            self._refuse_in_parser(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer, or queue the request."""
        self._in_head = False
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse_in_parser(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body: each byte excuses itself and one of the framing around it."""
        self._overhead = max(0, self._overhead - 2 * len(body))
        super().on_body(body)
        cycle: Any = self.cycle
        if cycle is not None and cycle.response_complete:
            self._rest += len(body)
            if self._rest > MAX_REST_BYTES:
                self.transport.close()

    def on_message_complete(self) -> None:
        """Have it all."""
        super().on_message_complete()
        self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not read, or would not."""
        del msg
        self._refuse()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the socket's own rules."""
        self._upgraded = True
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """Watch a peer who reads more slowly than we write."""
        super().pause_writing()
        self._peer.expect_progress()

    def resume_writing(self) -> None:
        """Watch it no more."""
        super().resume_writing()
        self._peer.stop_expecting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        self._peer.stop_expecting()
        super().connection_lost(exc)

    def _refuse_in_parser(self, status: HTTPStatus) -> None:
        self._refusal = status
        raise TooMuch

    def _refuse(self) -> None:
        """Close; say why, except in the middle of an answer to an earlier request."""
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
"""How often a WebSocket's peer is asked for a sign of life. It costs six bytes each way."""
_PONGS = "agent_core.pongs"


@dataclass(slots=True)
class Pongs:
    """Counts the answers to our pings on one WebSocket."""

    count: int = 0


def pongs_of(scope: MutableMapping[str, Any]) -> Pongs:
    """Return what counts the pongs of an application's WebSocket; with another server it stays at zero."""
    found = (scope.get("extensions") or {}).get(_PONGS)
    return found if isinstance(found, Pongs) else Pongs()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Refuses a handshake that cannot be read, gives up on a peer who does not read, and counts answered pings.

    uvicorn 0.54 looks for errors in frames only: the answer to a handshake with a header line above 8 KiB is made
    and never sent, so a stranger could keep such sockets for ever. It keeps pongs to itself, and an ASGI application
    cannot ask for a ping.
    """

    _peer: PeerTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection of the request that asked for it."""
        self._peer = cast("PeerTransport", transport)
        self.close_timeout = CLOSE_SECONDS
        super().connection_made(transport)

    def handle_connect(self, event: Any) -> None:  # noqa: ANN401 - a type of the library behind uvicorn
        """Hand the counter to the application, which begins after this."""
        super().handle_connect(event)
        self._pongs = Pongs()
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[_PONGS] = self._pongs

    def handle_pong(self, event: Any) -> None:  # noqa: ANN401 - as above
        """Count a pong, late ones too: they prove as much."""
        self._pongs.count += 1
        super().handle_pong(event)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
        elif self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Watch a peer who reads more slowly than we write."""
        super().pause_writing()
        self._peer.expect_progress()

    def resume_writing(self) -> None:
        """Watch it no more."""
        super().resume_writing()
        self._peer.stop_expecting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch it no more."""
        self._peer.stop_expecting()
        super().connection_lost(exc)
