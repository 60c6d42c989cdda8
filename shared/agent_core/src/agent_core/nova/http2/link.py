"""Connect one exchange to the service: TLS, deadlines, back-pressure and keep-alive, in one event loop."""

import asyncio
import ssl
from typing import Final, Protocol, cast

from agent_core.nova.http2.exchange import Headers, Http2Error, Http2Exchange

ALPN: Final = "h2"
CONNECT_SECONDS: Final = 4.0
"""Longest wait for the name, the connection and TLS together."""
_SHUTDOWN_SECONDS: Final = 0.5
"""Time for what is written last, and for the end of TLS; after it the connection is dropped."""
KEEPALIVE_SECONDS: Final = 15.0
"""Silence of the service after which it is sent a PING. The model is silent while it listens."""
LOST_SECONDS: Final = 30.0
"""Silence after which the connection counts as lost: a PING had 15 seconds."""


class ResponseSink(Protocol):
    """Receives a response. Its methods must not block."""

    def responded(self, status: int, headers: dict[str, str]) -> None:
        """Process the response's headers."""

    def received(self, piece: bytes) -> None:
        """Process a piece of its body."""

    def ended(self) -> None:
        """Process its end."""

    def failed(self, error: Http2Error) -> None:
        """Process the end of the exchange before that of the response."""

    def unblocked(self) -> None:
        """Continue to send."""


class Http2Link(asyncio.Protocol):
    """The connection of one exchange.

    Args:
        headers: Those of the request.
        sink: Receives the response.
    """

    def __init__(self, headers: Headers, sink: ResponseSink) -> None:
        self._request = headers
        self._sink: ResponseSink = sink
        self._exchange = Http2Exchange()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._is_full = False
        self._is_over = False
        self._is_gone = self._loop.create_future()

    async def connect(self, host: str, port: int, trust: ssl.SSLContext) -> None:
        """Connect and send the request.

        Raises:
            OSError: the service cannot be reached, or TLS failed; ``TimeoutError`` after ``CONNECT_SECONDS``.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._loop.create_connection(
                    lambda: self,
                    host,
                    port,
                    ssl=trust,
                    server_hostname=host,
                    ssl_handshake_timeout=CONNECT_SECONDS,
                    ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
                )
        except BaseException:
            self.abort()
            raise

    @property
    def is_blocked(self) -> bool:
        """Whether the service, or the network, has no room for more."""
        return self._is_full or self._exchange.is_blocked

    def send(self, content: bytes) -> None:
        """Send a piece of the request; what has no room waits."""
        self._exchange.send(content)
        self._flush()

    def read(self, *, is_idle: bool) -> None:
        """Let the service send more, unless pieces are still waiting to be read."""
        self._exchange.credit(is_idle=is_idle)
        self._flush()

    async def close(self, last: bytes) -> None:
        """End the request with these last bytes, and close; bounded, never raises.

        A service that ends its response at once gets the time for it; then nothing has to be reset.
        """
        if not self._is_over:
            self._exchange.send(last)
            self._exchange.end()
            self._flush()
            await asyncio.wait({self._is_gone}, timeout=_SHUTDOWN_SECONDS)
            self.hang_up()
        # A cancelled closing still ends: the timer of `hang_up` drops the connection.
        await asyncio.wait({self._is_gone}, timeout=_SHUTDOWN_SECONDS)
        self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._is_over = True
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has another base class
        if self._is_over:  # cancelled meanwhile
            self._transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is None or tls.selected_alpn_protocol() != ALPN:
            self._fail(Http2Error("AlpnRefused", "HTTP/2 could not be negotiated", is_protocol=True))
            return
        self._heard_at = self._loop.time()
        self._timer = self._loop.call_later(KEEPALIVE_SECONDS, self._keep_alive)
        self._exchange.start(self._request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Process what has arrived, in the order of its parts."""
        if self._is_over:
            return
        self._heard_at = self._loop.time()
        exchange, sink = self._exchange, self._sink
        # Read before the bytes are processed, to notice what they change.
        had_begun, was_blocked = exchange.status != 0, exchange.is_blocked
        pieces = exchange.receive(data)
        if exchange.status and not had_begun:
            sink.responded(exchange.status, exchange.headers)
        # What arrived before a failure is delivered before it.
        for piece in pieces:
            sink.received(piece)
        self._flush()
        if exchange.failure is not None:
            self._fail(exchange.failure)
        elif exchange.is_ended:
            sink.ended()
            self.hang_up()
        elif was_blocked and not self.is_blocked:
            sink.unblocked()

    def pause_writing(self) -> None:
        """Stop sending: the network is slower than the caller."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Continue to send."""
        self._is_full = False
        if not self.is_blocked:
            self._sink.unblocked()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report a connection that ended before the response."""
        self._transport = None
        self._stop_timer()
        if not self._is_gone.done():
            self._is_gone.set_result(None)
        if not self._is_over:
            self._is_over = True
            what = f" ({type(exc).__name__})" if exc else ""
            self._sink.failed(Http2Error("ConnectionLost", f"the service closed the connection{what}"))

    def _fail(self, error: Http2Error) -> None:
        self.hang_up()
        self._sink.failed(error)

    def hang_up(self) -> None:
        """Close the connection, with a reset of a stream that is still open; drop it if that takes long."""
        if self._is_over:
            return
        self._is_over = True
        self._stop_timer()
        if self._transport is not None:
            self._exchange.leave()
            self._flush()
            self._transport.close()
            # TLS waits for the other side to say goodbye as well.
            self._timer = self._loop.call_later(_SHUTDOWN_SECONDS, self.abort)

    def _keep_alive(self) -> None:
        silence = self._loop.time() - self._heard_at
        if silence >= LOST_SECONDS:
            self._fail(Http2Error("ConnectionLost", f"the service sent nothing for {LOST_SECONDS:.0f} s"))
            return
        # Anything that arrives counts as an answer, not only the PING's own.
        if silence >= KEEPALIVE_SECONDS:
            self._exchange.ping()
            self._flush()
            silence = 0.0
        self._timer = self._loop.call_later(KEEPALIVE_SECONDS - silence, self._keep_alive)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        if self._transport is not None and (content := self._exchange.outgoing()):
            self._transport.write(content)
