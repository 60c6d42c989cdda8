"""What uvicorn leaves open, closed."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

REQUEST_SECONDS = 10.0
"""Longest time from a connection, or a request's first byte, to the request's last: Twilio and browsers send theirs
at once. uvicorn has no such limit, so that whoever dribbles would keep a socket for ever."""


class HttpProtocol(HttpToolsProtocol):
    """Gives up on a request that does not come to its end."""

    _deadline: asyncio.TimerHandle | None = None
    _upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Take what came; between requests a first byte begins the next wait, even one that belongs to none."""
        super().data_received(data)
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        between = cycle is None or cycle.response_complete
        if between and self._deadline is None and self.timeout_keep_alive_task is None and not self._upgraded:
            self._expect_request()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request."""
        super().on_message_begin()
        self._expect_request()

    def on_message_complete(self) -> None:
        """Have it all."""
        super().on_message_complete()
        self._stop_waiting()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the socket's own rules."""
        self._upgraded = True
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Refuses a handshake that cannot be read.

    uvicorn 0.54 looks for errors in frames only: the answer to a handshake with a header line above 8 KiB is made
    and never sent, so a stranger could keep such sockets for ever.
    """

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
