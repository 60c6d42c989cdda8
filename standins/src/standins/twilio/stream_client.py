"""One media stream: connects to the application's WebSocket and carries the call's audio in both directions."""

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from typing import Final, Literal, Protocol

import websockets
from websockets.asyncio.client import ClientConnection, connect

from standins.twilio.caller_playout import PlayoutBuffer
from standins.twilio.impairments import Trouble  # noqa: TC001 - annotates an attribute
from standins.twilio.media import Announcer, Clear, Command, MalformedMessageError, QueuedAudio, QueuedMark, decode
from standins.twilio.mulaw import RATE
from standins.twilio.signing import Signer
from standins.twilio.timeline import Timeline
from standins.twilio.twiml_parser import Stream, StreamRefusedError, check_stream, is_loopback

_TLS_ERROR: Final = "31910"
_HANDSHAKE_ERROR: Final = "31920"
_OPEN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 2.0
_BACKLOG: Final = 500
"""Buffer for an application that does not read (10 s); further messages are dropped."""
_MAX_MESSAGE: Final = 1 << 20


class Notify(Protocol):
    """Notifies the stream's status callback, if there is one."""

    def __call__(self, event: str, error: str = "") -> None:
        """Send `stream-started`, `stream-stopped`, or `stream-error` with the cause."""


class MediaStream:
    """A stream, from its handshake to its end."""

    def __init__(
        self,
        verb: Stream,
        announcer: Announcer,
        playout: PlayoutBuffer,
        timeline: Timeline,
        notify: Notify,
    ) -> None:
        self.verb = verb
        self.sid = announcer.stream_sid
        self._announcer = announcer
        self._playout = playout
        self._timeline = timeline
        self._notify = notify
        self._outbox: asyncio.Queue[str | None] = asyncio.Queue(_BACKLOG)
        self._connection: ClientConnection | None = None
        self._open = False
        self._stalled = False
        self.held = False
        """Whether the caller is muted or on hold: no audio is sent, but pings and marks are answered."""
        self.trouble: Trouble | None = None
        """Network impairments of the caller's audio."""
        self.malformed = 0
        """Number of messages from the application that violated the protocol."""
        self.lost = 0
        """Number of messages dropped because the application did not read."""

    async def run(self, signer: Signer) -> None:
        """Open the stream, and serve it until the application closes it or this task is cancelled."""
        try:
            # Twilio checks the verb first, and opens no connection if it is not valid.
            check_stream(self.verb)
            self._connection = await self._handshake(signer)
        except StreamRefusedError as refused:
            self._fail(refused.code, str(refused))
            return
        writer = asyncio.create_task(self._write(self._connection))
        try:
            self._begin()
            await self._read(self._connection)
        finally:
            await self._finish(self._connection, writer)

    async def _handshake(self, signer: Signer) -> ClientConnection:
        url = self.verb.url
        began = time.monotonic()
        self._timeline.record("stream_connecting", stream_sid=self.sid)
        try:
            connection = await connect(
                url,
                additional_headers=signer.headers(url, lower=True),
                user_agent_header="Twilio.TmeWs/1.0",
                # No compression and no pings, as seen from Twilio.
                compression=None,
                open_timeout=_OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                ping_interval=None,
                max_size=_MAX_MESSAGE,
                proxy=None if is_loopback(websockets.uri.parse_uri(url).host) else True,
            )
        except ssl.SSLError as error:
            raise StreamRefusedError(_TLS_ERROR, f"TLS: {error.reason}") from error
        except (OSError, TimeoutError, websockets.WebSocketException, ValueError) as error:
            raise StreamRefusedError(_HANDSHAKE_ERROR, _why(error)) from error
        self._timeline.record("stream_open", seconds=round(time.monotonic() - began, 4))
        return connection

    def _begin(self) -> None:
        # Audio that arrived during the handshake is lost, as at Twilio: a stream starts with `connected`.
        self._open = True
        self.send_raw(self._announcer.connected())
        self.send_raw(self._announcer.start(dict(self.verb.parameters)))
        self._timeline.record("stream_started", stream_sid=self.sid)
        self._notify("stream-started")

    async def _write(self, connection: ClientConnection) -> None:
        """Send the queue in order; an application that does not read only delays itself."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while (text := await self._outbox.get()) is not None:
                await connection.send(text)

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                self._take(text)
        except websockets.ConnectionClosedError as closed:
            # A protocol error of the application has a code of its own.
            code = "31924" if connection.close_code in {1002, 1007, 1009} else "31921"
            self._fail(code, _why(closed))

    def _take(self, text: str | bytes) -> None:
        try:
            command = decode(text, self.sid)
        except MalformedMessageError as error:
            self.malformed += 1
            # Twilio warns once per stream.
            if self.malformed == 1:
                self._timeline.record("warning", code=error.code, reason=str(error))
            return
        self._obey(command)

    def _obey(self, command: Command) -> None:
        match command:
            case QueuedAudio(mulaw):
                self._playout.append(mulaw)
            case QueuedMark(name):
                self._playout.mark(name)
            case Clear():
                # Marks of discarded audio are sent back too, so that the application need not wait for them.
                dropped, marks = self._playout.clear()
                self._timeline.record("clear", dropped_ms=dropped * 1000 // RATE, marks=len(marks))
                for name in marks:
                    self.echo(name)

    def send_audio(self, frame: bytes) -> None:
        """Send 20 ms of the caller's audio."""
        if not self._open:
            return
        if self.held:
            # Timestamps continue during a hold, because the call does.
            self._announcer.skip(frame)
            return
        text = self._announcer.media(frame)
        for arrived in [text] if self.trouble is None else self.trouble.carry(text):
            self.send_raw(arrived)

    def press(self, digit: str) -> None:
        """Send a key that the caller pressed."""
        if self._open:
            self.send_raw(self._announcer.dtmf(digit))

    def echo(self, mark: str) -> None:
        """Send a mark back."""
        if self._open:
            self.send_raw(self._announcer.mark(mark))

    def send_raw(self, text: str) -> None:
        """Send any text as one message, valid or not."""
        if self._stalled:
            return
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            self.lost += 1
            # Recorded once, or a stalled application would fill the timeline.
            if self.lost == 1:
                self._timeline.record("app_not_reading", waiting_messages=_BACKLOG)

    def break_off(self, how: Literal["rst", "fin", "stall"]) -> None:
        """Break the connection: reset it, close it without a close frame, or keep it open and stop responding."""
        connection = self._connection
        if connection is None:
            return
        self._timeline.record("connection_broken", how=how)
        # After this, nothing more may be sent, not even `stop`.
        self._stalled = True
        if how == "stall":
            connection.transport.pause_reading()
        elif how == "fin":
            connection.transport.close()
        else:
            raw: socket.socket = connection.transport.get_extra_info("socket")
            # SO_LINGER with a timeout of 0 makes the kernel send RST instead of FIN.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.transport.abort()

    async def _finish(self, connection: ClientConnection, writer: asyncio.Task[None]) -> None:
        """Send `stop` unless the application has closed the stream already, then close."""
        if self._open and not self._stalled and connection.close_code is None:
            self.send_raw(self._announcer.stop())
            # Wait for the queue, so that `stop` is the last message.
            with contextlib.suppress(asyncio.QueueFull):
                self._outbox.put_nowait(None)
                await asyncio.wait({writer}, timeout=_CLOSE_SECONDS)
        self._open = False
        writer.cancel()
        await asyncio.wait({writer})
        if self._stalled:
            # The application no longer answers a close frame.
            connection.transport.abort()
        await connection.close()
        # Discard what was queued: the next verb must not play it.
        dropped, _ = self._playout.clear()
        self._timeline.record(
            "stream_closed",
            code=connection.close_code,
            reason=connection.close_reason or "",
            dropped_ms=dropped * 1000 // RATE,
            malformed=self.malformed,
        )
        self._notify("stream-stopped")

    def _fail(self, code: str, reason: str) -> None:
        self._timeline.record("error", code=code, reason=reason)
        self._notify("stream-error", f"{code}: {reason}")


def _why(error: Exception) -> str:
    if isinstance(error, websockets.InvalidStatus):
        return f"the handshake was answered with {error.response.status_code}"
    return f"{type(error).__name__}: {error}".rstrip(": ")
