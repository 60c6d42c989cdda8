"""One request and its response on an HTTP/2 connection of their own. No I/O: bytes in, bytes out.

The library ``h2`` implements the protocol. This module adds what it leaves to its user: a queue of bytes for which the
windows have no room, credit for what was read, a graceful GOAWAY, and what ``frame_gate`` checks.
"""

from collections import deque
from typing import Final

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import Frame, GoAwayFrame

from agent_core.nova.http2.frame_gate import FrameError, FrameGate

WINDOW: Final = 1024 * 1024
"""Bytes of the response that the service may send ahead: two seconds of audio at five times the speed of speech."""
_CREDIT: Final = 64 * 1024
"""Bytes that are read before the service gets credit for them, so that few frames carry it."""
_STREAM: Final = 1
_STATUS_DIGITS: Final = 3
_DEFAULT_WINDOW: Final = 65_535
_OURS_TO_BLAME: Final = frozenset(
    {
        ErrorCodes.PROTOCOL_ERROR,
        ErrorCodes.FLOW_CONTROL_ERROR,
        ErrorCodes.SETTINGS_TIMEOUT,
        ErrorCodes.STREAM_CLOSED,
        ErrorCodes.FRAME_SIZE_ERROR,
        ErrorCodes.COMPRESSION_ERROR,
        ErrorCodes.ENHANCE_YOUR_CALM,
        ErrorCodes.INADEQUATE_SECURITY,
        ErrorCodes.HTTP_1_1_REQUIRED,
    }
)
"""Codes with which a service says that it does not like how we speak HTTP/2."""

type Headers = list[tuple[str, str]]


class Http2Error(Exception):
    """The exchange failed.

    Args:
        kind: A constant for logs and metrics.
        reason: What happened.
        is_protocol: Whether one side broke the protocol, so that another implementation might succeed.
    """

    def __init__(self, kind: str, reason: str, *, is_protocol: bool = False) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.is_protocol = is_protocol


class _Connection(h2.connection.H2Connection):
    """Lets an exchange finish after a graceful GOAWAY (RFC 9113, 6.8), which h2 treats as the end of the connection."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[h2.events.Event]]:
        # Only the event: h2 would also close its state machine and drop what is queued.
        event = h2.events.ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        return [], [event]


class Http2Exchange:
    """Sends one request whose body is a stream, and receives its response, which may begin at any time.

    Attributes:
        status: Status of the response; 0 until it has begun.
        headers: The response's headers, names in lower case.
        is_ended: Whether the response is complete.
        failure: Why the exchange is over although the response is not complete.
    """

    def __init__(self) -> None:
        config = h2.config.H2Configuration(client_side=True, header_encoding=None)
        self._h2 = _Connection(config)
        self._h2.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: self._h2.DEFAULT_MAX_HEADER_LIST_SIZE,
            },
        )
        self._gate = FrameGate()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_ended = False
        self.failure: Http2Error | None = None
        # The stream ends the connection, so nothing is ever queued for another one.
        self._unsent: deque[bytes] = deque()
        self._ending = False
        self._is_sent = False
        self._uncredited = 0

    @property
    def is_blocked(self) -> bool:
        """Whether bytes wait for the service's windows."""
        return bool(self._unsent)

    @property
    def is_sent(self) -> bool:
        """Whether the end of the request has been handed out."""
        return self._is_sent

    def start(self, headers: Headers) -> None:
        """Queue the connection's preface and the request's headers."""
        self._h2.initiate_connection()
        # The connection's window has no setting (RFC 9113, 6.9.2).
        self._h2.increment_flow_control_window(WINDOW - _DEFAULT_WINDOW)
        self._h2.send_headers(_STREAM, headers)

    def outgoing(self) -> bytes:
        """Return the bytes to write, and forget them."""
        return self._h2.data_to_send()

    def send(self, content: bytes) -> None:
        """Queue a piece of the request; it is handed out as the windows allow."""
        if not self._ending:
            self._unsent.append(content)
            self._pump()

    def end(self) -> None:
        """End the request behind what is queued."""
        if not self._ending:
            self._ending = True
            self._pump()

    def ping(self) -> None:
        """Queue a PING; whatever the service sends next proves that it is there."""
        self._h2.ping(bytes(8))

    def leave(self) -> None:
        """Queue the end of the connection, and of the stream if it is still open."""
        try:
            if not (self.is_ended and self._is_sent):
                self._h2.reset_stream(_STREAM, ErrorCodes.CANCEL)
            self._h2.close_connection()
        except h2.exceptions.ProtocolError:
            return  # it is closed already, and h2 has queued what there is to say

    def receive(self, content: bytes) -> list[bytes]:
        """Process what has arrived, and return the pieces of the response's body among it."""
        try:
            self._gate.check(content)
            events = self._h2.receive_data(content)
        except FrameError as error:
            self._fail(_broken(str(error)))
            return []
        except h2.exceptions.ProtocolError as error:
            self._fail(_broken(type(error).__name__))
            return []
        pieces: list[bytes] = []
        for event in events:
            # Most frames are DATA: a comparison costs less than matching all classes.
            if type(event) is h2.events.DataReceived:
                self._take(event, pieces)
            else:
                self._handle(event)
        return pieces

    def credit(self, *, is_idle: bool) -> None:
        """Let the service send more, unless what it has sent is still waiting to be read."""
        if is_idle and self._uncredited >= _CREDIT and not self.is_ended and self.failure is None:
            self._h2.acknowledge_received_data(self._uncredited, _STREAM)
            self._uncredited = 0

    def _take(self, event: h2.events.DataReceived, pieces: list[bytes]) -> None:
        # Padding counts against the windows as well.
        self._uncredited += event.flow_controlled_length or 0
        if event.data:
            pieces.append(bytes(event.data))

    def _handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived():
                self._begin({name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers})
            # Both may give room to what waits.
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._pump()
            case h2.events.StreamEnded():
                self.is_ended = True
            case h2.events.StreamReset(error_code=code) if not self.is_ended:
                # After a complete response, a reset only says that the rest of the request is not needed.
                self._fail(_broken_off("StreamReset", "reset the stream", int(code or 0)))
            case h2.events.ConnectionTerminated(error_code=code, last_stream_id=last):
                if code or (last or 0) < _STREAM:
                    self._fail(_broken_off("GoAway", "closes the connection", int(code or 0)))

    def _begin(self, headers: dict[str, str]) -> None:
        status = headers[":status"]
        if not (len(status) == _STATUS_DIGITS and status.isascii() and status.isdigit()):
            self._fail(_broken("a status that is no number"))
            return
        self.headers, self.status = headers, int(status)

    def _pump(self) -> None:
        """Hand out what the windows allow."""
        if self._is_sent or self.failure is not None:
            return
        if self._unsent:
            self._gate.be_patient()
        try:
            while self._unsent and (room := self._room()) > 0:
                piece = self._unsent.popleft()
                # The rest goes back to the front, because the bytes must stay in order.
                if len(piece) > room:
                    self._unsent.appendleft(piece[room:])
                    piece = piece[:room]
                self._h2.send_data(_STREAM, piece)
            if self._ending and not self._unsent:
                self._is_sent = True
                self._h2.end_stream(_STREAM)
        except h2.exceptions.ProtocolError as error:
            self._fail(Http2Error("StreamReset", f"the stream is closed: {type(error).__name__}"))

    def _room(self) -> int:
        return min(self._h2.local_flow_control_window(_STREAM), self._h2.max_outbound_frame_size)

    def _fail(self, error: Http2Error) -> None:
        # The first failure is the cause of the others.
        if self.failure is None and not self.is_ended:
            self.failure = error
            self._unsent.clear()


def _broken(what: str) -> Http2Error:
    return Http2Error("BrokenProtocol", f"the service broke HTTP/2: {what}", is_protocol=True)


def _broken_off(kind: str, what: str, code: int) -> Http2Error:
    name = ErrorCodes(code).name if code in ErrorCodes else f"code {code}"
    return Http2Error(kind, f"the service {what}: {name}", is_protocol=code in _OURS_TO_BLAME)
