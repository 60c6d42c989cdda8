"""An HTTP/2 server connection on asyncio, with `h2` for the protocol: many streams, flow control both ways."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

PREFACE_DEADLINE = 10.0
"""Seconds a new connection may stay silent before it is dropped."""
LINGER = 2.0
"""Seconds a client may go on sending after the answer ended; then its half is reset with NO_ERROR (RFC 9113, 8.1)."""
BACKLOG = 256 * 1024
"""Bytes of unsent answer above which `drain` waits."""
MAX_CONCURRENT_STREAMS = 256

type Headers = Sequence[tuple[str, str]]


class Answering(Protocol):
    """What a request's owner does with what arrives. Called from the event loop; must not block."""

    def received(self, chunk: bytes) -> None:
        """Take a piece of the request body."""

    def ended(self) -> None:
        """Learn that the request body is complete."""

    def lost(self, reason: str) -> None:
        """Learn that the stream is gone: nothing can be sent any more."""


class Exchange:
    """One request and its answer: a stream of a connection."""

    def __init__(self, connection: "ServerConnection", stream_id: int, headers: Headers) -> None:
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


class ServerConnection(asyncio.Protocol):
    """One client's connection. `accept` is called with each new exchange and gives its owner."""

    def __init__(self, accept: Callable[[Exchange], Answering], roster: "set[ServerConnection]") -> None:
        self._accept = accept
        self._roster = roster
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config)
        self._exchanges: dict[int, Exchange] = {}
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._flushing = False
        self._deadline: asyncio.TimerHandle | None = None
        self._lingering: set[asyncio.TimerHandle] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client with our settings."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's TLS transport has the methods, not the base
        self._roster.add(self)
        self._deadline = self._loop.call_later(PREFACE_DEADLINE, self.abort)
        self._h2.local_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = MAX_CONCURRENT_STREAMS
        self._h2.initiate_connection()
        self._flush_soon()

    def data_received(self, data: bytes) -> None:
        """Feed the protocol and act on what it makes of the bytes."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()
            self.close()
            return
        for event in events:
            self._handle(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every exchange that it is over."""
        self._roster.discard(self)
        for timer in (*self._lingering, *filter(None, (self._deadline,))):
            timer.cancel()
        exchanges, self._exchanges = self._exchanges, {}
        self._transport = None
        for exchange in exchanges.values():
            exchange.vanish(f"connection lost: {exc}" if exc else "connection closed by the client")

    def resume_writing(self) -> None:
        """Go on sending when the socket has room again."""
        self._pump_all()

    @property
    def protocol(self) -> str | None:
        """What TLS negotiated (`h2`), or None in clear text."""
        tls = self._transport and self._transport.get_extra_info("ssl_object")
        return cast("ssl.SSLObject", tls).selected_alpn_protocol() if tls else None

    def send_headers(self, stream_id: int, headers: Headers) -> None:
        """Send response headers."""
        self._h2.send_headers(stream_id, list(headers))
        self._flush_soon()

    def send_data(self, stream_id: int, chunk: bytes) -> None:
        """Send a piece that fits `window`."""
        self._h2.send_data(stream_id, chunk)
        self._flush_soon()

    def window(self, stream_id: int) -> int:
        """Give the bytes that may be sent in one frame now."""
        return min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size)

    def end_stream(self, stream_id: int, *, wait_for_client: bool) -> None:
        """End our half; a client that goes on sending is reset after `LINGER`."""
        self._h2.end_stream(stream_id)
        if wait_for_client:
            self._lingering.add(self._loop.call_later(LINGER, self._stop_client, stream_id))
        else:
            self._exchanges.pop(stream_id, None)
        self._flush_soon()

    def reset(self, stream_id: int, code: int) -> None:
        """Send RST_STREAM."""
        self._exchanges.pop(stream_id, None)
        try:
            self._h2.reset_stream(stream_id, code)
        except (h2.exceptions.NoSuchStreamError, h2.exceptions.StreamClosedError):
            return
        self._flush_soon()

    def acknowledge(self, stream_id: int, credit: int) -> None:
        """Give a stream and the connection their receive window back."""
        try:
            self._h2.acknowledge_received_data(credit, stream_id)
        except h2.exceptions.StreamClosedError:
            self.acknowledge_connection_only(credit)

    def acknowledge_connection_only(self, credit: int) -> None:
        """Give only the connection its window back, so that other streams go on."""
        if credit:
            self._h2.increment_flow_control_window(credit)

    def abort(self) -> None:
        """Drop the connection at once (TCP RST)."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Say GOAWAY and close."""
        if self._transport is None:
            return
        try:
            self._h2.close_connection()
        except h2.exceptions.ProtocolError:
            self.abort()
            return
        self._flush()
        self._transport.close()

    def _stop_client(self, stream_id: int) -> None:
        if stream_id in self._exchanges:
            self.reset(stream_id, h2.errors.ErrorCodes.NO_ERROR)

    def _handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=int(stream_id)):
                exchange = Exchange(self, stream_id, [(str(k), str(v)) for k, v in event.headers])
                self._exchanges[stream_id] = exchange
                exchange.owner = self._accept(exchange)
            case h2.events.DataReceived(stream_id=int(stream_id)):
                self._take(stream_id, event.data, event.flow_controlled_length)
            case h2.events.StreamEnded(stream_id=int(stream_id)):
                self._client_ended(stream_id)
            case h2.events.StreamReset(stream_id=int(stream_id)):
                if exchange := self._exchanges.pop(stream_id, None):
                    exchange.vanish(f"reset by the client, code {int(event.error_code)}")
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._pump_all()
            case h2.events.ConnectionTerminated():
                self._flush()
                if self._transport is not None:
                    self._transport.close()

    def _take(self, stream_id: int, chunk: bytes, credit: int) -> None:
        if exchange := self._exchanges.get(stream_id):
            exchange.take(chunk, credit)
        else:
            self.acknowledge_connection_only(credit)

    def _client_ended(self, stream_id: int) -> None:
        exchange = self._exchanges.get(stream_id)
        if exchange is None:
            return
        exchange.client_end()
        if exchange.finished:
            self._exchanges.pop(stream_id, None)

    def _pump_all(self) -> None:
        for exchange in list(self._exchanges.values()):
            exchange.pump()

    def _flush_soon(self) -> None:
        """Write once per turn of the loop: events of several streams share a packet."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._transport is not None and (pending := self._h2.data_to_send()):
            self._transport.write(pending)
