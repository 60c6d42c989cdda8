"""An HTTP/2 server connection on asyncio; `h2` implements the protocol, with many streams and flow control."""

import asyncio
from collections.abc import Callable
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame

from standins.nova.event_log import note
from standins.nova.h2_request import Answering, H2Request, Headers

PREFACE_DEADLINE = 10.0
"""Seconds that a new connection may stay silent before it is dropped."""
LINGER = 2.0
"""Seconds that a client may keep sending after the response; then its half is reset with NO_ERROR (RFC 9113, 8.1)."""
MAX_CONCURRENT_STREAMS = 256


class _H2Connection(h2.connection.H2Connection):
    """Keeps streams open after a client's GOAWAY (RFC 9113, 6.8), which h2 treats as a closed connection.

    The SDK for JavaScript sends GOAWAY as soon as its only request has started.
    """

    def _receive_goaway_frame(
        self,
        frame: hyperframe.frame.GoAwayFrame,
        # Bypasses h2's state machine, which would close the streams that are still open.
    ) -> tuple[list[hyperframe.frame.Frame], list[h2.events.Event]]:
        left = h2.events.ConnectionTerminated()
        left.error_code = frame.error_code
        return [], [left]


class ServerConnection(asyncio.Protocol):
    """One client's connection. Calls `accept` with each new exchange, which returns its owner."""

    def __init__(self, accept: Callable[[H2Request], Answering], roster: "set[ServerConnection]") -> None:
        self._accept = accept
        self._roster = roster
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = _H2Connection(config)
        self._exchanges: dict[int, H2Request] = {}
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._flushing = False
        self._leaving = False
        self._deadline: asyncio.TimerHandle | None = None
        self._lingering: set[asyncio.TimerHandle] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the server's settings."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's TLS transport has another base class
        # Used to close idle connections when the server stops.
        self._roster.add(self)
        # A port scanner connects and never speaks.
        self._deadline = self._loop.call_later(PREFACE_DEADLINE, self.abort)
        self._h2.local_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = MAX_CONCURRENT_STREAMS
        self._h2.initiate_connection()
        self._flush_soon()

    def data_received(self, data: bytes) -> None:
        """Parse the bytes and handle their events."""
        # Any bytes count: the client speaks.
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as broken:
            note("protocol_error", error=repr(broken), negotiated=self.negotiated)
            # Flush before closing: h2 has queued a GOAWAY that names the error.
            self._flush()
            self.close()
            return
        for event in events:
            self._handle(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify every exchange that its connection is gone."""
        self._roster.discard(self)
        for timer in (*self._lingering, *filter(None, (self._deadline,))):
            timer.cancel()
        exchanges, self._exchanges = self._exchanges, {}
        self._transport = None
        # After the state is cleared, because `vanish` may call back.
        for exchange in exchanges.values():
            exchange.vanish(f"connection lost: {exc}" if exc else "connection closed by the client")

    def resume_writing(self) -> None:
        """Continue to send when the socket has room again."""
        self._pump_all()

    @property
    def negotiated(self) -> str | None:
        """The ALPN protocol (`h2`), or None in clear text."""
        tls = self._transport and self._transport.get_extra_info("ssl_object")
        return tls.selected_alpn_protocol() if tls else None

    def send_headers(self, stream_id: int, headers: Headers) -> None:
        """Send response headers."""
        self._h2.send_headers(stream_id, list(headers))
        self._flush_soon()

    def send_data(self, stream_id: int, chunk: bytes) -> None:
        """Send a chunk that fits `window`."""
        self._h2.send_data(stream_id, chunk)
        self._flush_soon()

    def window(self, stream_id: int) -> int:
        """Return the number of bytes that one frame may carry now."""
        return min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size)

    def end_stream(self, stream_id: int, *, wait_for_client: bool) -> None:
        """End our half; a client that keeps sending is reset after `LINGER`."""
        # Our half is closed; the client's half may still be open.
        self._h2.end_stream(stream_id)
        if wait_for_client:
            self._lingering.add(self._loop.call_later(LINGER, self._stop_client, stream_id))
        else:
            self._forget(stream_id)
        self._flush_soon()

    def reset(self, stream_id: int, code: int) -> None:
        """Send RST_STREAM."""
        self._forget(stream_id)
        try:
            self._h2.reset_stream(stream_id, code)
        # The client may have closed the stream in the packet that is being handled.
        except (h2.exceptions.NoSuchStreamError, h2.exceptions.StreamClosedError):
            return
        self._flush_soon()

    def acknowledge(self, stream_id: int, credit: int) -> None:
        """Return receive window to a stream and to the connection."""
        try:
            self._h2.acknowledge_received_data(credit, stream_id)
        except h2.exceptions.StreamClosedError:
            # The connection's window counts the bytes of closed streams too.
            self.acknowledge_connection_only(credit)

    def acknowledge_connection_only(self, credit: int) -> None:
        """Return receive window to the connection only, so that other streams continue."""
        if credit:
            self._h2.increment_flow_control_window(credit)

    def abort(self) -> None:
        """Drop the connection at once (TCP RST)."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Send GOAWAY and close."""
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
                # Register the exchange before its owner, which may respond at once.
                exchange = H2Request(self, stream_id, [(str(k), str(v)) for k, v in event.headers])
                self._exchanges[stream_id] = exchange
                exchange.owner = self._accept(exchange)
            case h2.events.DataReceived(stream_id=int(stream_id)):
                self._take(stream_id, event.data, event.flow_controlled_length)
            case h2.events.StreamEnded(stream_id=int(stream_id)):
                self._client_ended(stream_id)
            case h2.events.StreamReset(stream_id=int(stream_id)) if stream_id in self._exchanges:
                self._exchanges[stream_id].vanish(f"reset by the client, code {int(event.error_code or 0)}")
                self._forget(stream_id)
            # A larger window lets waiting responses continue.
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._pump_all()
            case h2.events.ConnectionTerminated():
                self._leaving = True
                self._leave_if_done()

    def _take(self, stream_id: int, chunk: bytes, credit: int) -> None:
        if exchange := self._exchanges.get(stream_id):
            exchange.take(chunk, credit)
        # Data of a stream that was reset still counts against the connection's window.
        else:
            self.acknowledge_connection_only(credit)

    def _client_ended(self, stream_id: int) -> None:
        # A copy: an exchange may end, and leave the dictionary, while it is pumped.
        exchange = self._exchanges.get(stream_id)
        if exchange is None:
            return
        exchange.client_end()
        if exchange.finished:
            self._forget(stream_id)

    def _forget(self, stream_id: int) -> None:
        self._exchanges.pop(stream_id, None)
        if self._leaving:
            # Deferred: the caller still handles events of this connection.
            self._loop.call_soon(self._leave_if_done)

    def _leave_if_done(self) -> None:
        """Close after the last exchange of a client that has sent GOAWAY."""
        if not self._exchanges and self._transport is not None:
            self._flush()
            self._transport.close()

    def _pump_all(self) -> None:
        for exchange in list(self._exchanges.values()):
            exchange.pump()

    def _flush_soon(self) -> None:
        """Write once per iteration of the event loop, so that events of several streams share a packet."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._transport is not None and (pending := self._h2.data_to_send()):
            self._transport.write(pending)
