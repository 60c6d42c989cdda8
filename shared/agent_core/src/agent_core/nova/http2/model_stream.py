"""Carry the model's stream over our own HTTP/2, as a ``ModelStream``."""

import asyncio
import base64
import binascii
import time
from collections import deque
from email.utils import parsedate_to_datetime
from typing import Final

import orjson

from agent_core.errors import ModelError, ModelUnavailable
from agent_core.nova import service_errors
from agent_core.nova.http2.event_stream import EventMessage, FramingError, MessageDecoder
from agent_core.nova.http2.exchange import Http2Error
from agent_core.nova.http2.health import TransportHealth
from agent_core.nova.http2.link import Http2Link
from agent_core.nova.http2.signing import EventSigner

_OK: Final = 200
RESPONSE_SECONDS: Final = 4.0
"""Bedrock answers a request with its headers at once."""
SEND_SECONDS: Final = 5.0
"""A service that accepts no event for this long has stopped reading."""
_MOST_QUEUED: Final = 256 * 1024
"""Bytes of unread events above which the service gets no credit for more."""
_MOST_REFUSAL: Final = 64 * 1024
"""Bytes of an error response that are read; Bedrock's have some hundred."""
_BY_STATUS: Final = {
    403: "AccessDeniedException",
    429: "ThrottlingException",
    500: "InternalServerException",
    502: "ServiceUnavailableException",
    503: "ServiceUnavailableException",
    504: "ServiceUnavailableException",
}
"""Meaning of an error response that does not name its error: it comes from a proxy or a load balancer."""


class Http2ModelStream:
    """One stream of the model; also the ``ResponseSink`` of its connection."""

    def __init__(self, signer: EventSigner, host: str, health: TransportHealth) -> None:
        self._signer = signer
        self._health = health
        self._host = host
        self._link: Http2Link
        self._decoder = MessageDecoder()
        self._events: deque[bytes] = deque()
        self._queued = 0
        self._status = 0
        self._headers: dict[str, str] = {}
        self._refusal = bytearray()
        self._failure: ModelError | None = None
        self._is_proven = False
        self._is_ended = False
        self._is_closed = False
        # One task may send while another receives, and a third wait for the headers.
        self._waiting: set[asyncio.Future[None]] = set()

    def attach(self, link: Http2Link) -> None:
        """Use this connection."""
        self._link = link

    async def send(self, event: bytes) -> None:
        """Send one event, see ``ModelStream``."""
        # Waits before it signs: an event that is signed and not sent would invalidate every later signature.
        if self._link.is_blocked:
            await self._wait_for_room()
        self.check_open()
        self._link.send(self._signer.chunk(event))

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                while self._link.is_blocked and not self._is_over:
                    await self._wait_for_change()
        except TimeoutError as error:
            raise self._error("SendTimeout", f"the model read nothing for {SEND_SECONDS:.0f} s") from error

    def check_open(self) -> None:
        """Raise the error that ended the stream, if one has."""
        if self._failure is not None:
            raise self._failure
        if self._is_over:
            raise self._error("StreamEnded", "the stream is over")

    @property
    def _is_over(self) -> bool:
        return self._is_ended or self._is_closed or self._failure is not None

    @property
    def has_events(self) -> bool:
        """Whether ``receive`` returns at once."""
        return bool(self._events)

    async def ready(self) -> None:
        """Wait for the response's headers, see ``ModelStream``."""
        try:
            async with asyncio.timeout(RESPONSE_SECONDS):
                while self._status != _OK and not self._is_over:
                    await self._wait_for_change()
        except TimeoutError as error:
            raise self._error("NoResponse", f"nothing within {RESPONSE_SECONDS:.0f} s") from error
        if self._status != _OK:
            self.check_open()

    async def receive(self) -> bytes | None:
        """Wait for an event, see ``ModelStream``."""
        if self._status != _OK:
            await self.ready()
        # Events that arrived before the end are delivered before it.
        while not self._events:
            if self._is_closed:
                return None
            if self._failure is not None:
                raise self._failure
            if self._is_ended:
                return None
            await self._wait_for_change()
        event = self._events.popleft()
        self._queued -= len(event)
        if not self._events:
            self._link.read(is_idle=True)
        return event

    async def close(self) -> None:
        """Release the stream and its connection, see ``ModelStream``."""
        if self._is_closed:
            return
        # Wake the receiver first: nothing more is delivered.
        self._is_closed = True
        self._wake()
        await self._link.close(self._signer.end())

    async def _wait_for_change(self) -> None:
        # A future for each task: cancelling one must not cancel the others.
        change = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        try:
            await change
        finally:
            self._waiting.discard(change)

    def _wake(self) -> None:
        for change in self._waiting:
            if not change.done():
                change.set_result(None)

    def responded(self, status: int, headers: dict[str, str]) -> None:
        """Accept the stream, or begin to read why it is refused."""
        self._status, self._headers = status, headers
        self._wake()

    def received(self, piece: bytes) -> None:
        """Queue the events in a piece of the response."""
        # Behind an exception nothing counts.
        if self._failure is not None:
            return
        if self._status != _OK:
            self._refusal += piece[: _MOST_REFUSAL - len(self._refusal)]
            if len(self._refusal) >= _MOST_REFUSAL:
                self._refuse()
                self._link.hang_up()
            return
        try:
            for message in self._decoder.feed(piece):
                self._take(message)
        except FramingError as error:
            self._break(error)
        self._link.read(is_idle=self._queued < _MOST_QUEUED)
        self._wake()

    def ended(self) -> None:
        """Record the end of the response."""
        if self._status != _OK:
            self._refuse()
        elif self._decoder.pending:
            self._break(FramingError("the stream ends in the middle of a message"))
        self._is_ended = True
        self._wake()

    def failed(self, error: Http2Error) -> None:
        """Record the failure of the connection."""
        if self._failure is None:
            failure = self._error(error.kind, error.reason)
            failure.__cause__ = error
            self._fail(failure)
        self._wake()

    def unblocked(self) -> None:
        """Continue to send."""
        self._wake()

    def _take(self, message: EventMessage) -> None:
        headers = message.headers
        match headers.get(":message-type"):
            case "event" if headers.get(":event-type") == "chunk":
                if event := _event_in(message.payload):
                    if not self._is_proven:
                        self._is_proven = True
                        self._health.worked()
                    self._events.append(event)
                    self._queued += len(event)
            case "event":
                return  # of a kind that this version does not know
            case "exception":
                name = str(headers.get(":exception-type", "UnknownException"))
                self._fail(service_errors.of_stream(name[:1].upper() + name[1:], _text_of(message.payload)))
            case "error":
                text = str(headers.get(":error-message", ""))
                self._fail(service_errors.of_stream(str(headers.get(":error-code", "UnknownError")), text))
            case _:
                raise FramingError("a message has no known type")

    def _fail(self, failure: ModelError) -> None:
        if self._failure is None:
            failure.host = self._host
            self._failure = self._health.failed(failure)

    def _break(self, error: FramingError) -> None:
        failure = Http2Error("BrokenProtocol", f"the event stream is corrupt: {error}", is_protocol=True)
        failure.__cause__ = error
        self.failed(failure)
        self._link.hang_up()

    def _refuse(self) -> None:
        """Read an error response: its name is in a header, with a suffix, or in the body."""
        if self._failure is not None:
            return
        name = self._headers.get("x-amzn-errortype") or _field(bytes(self._refusal), "__type")
        kind = name.partition(":")[0].rpartition("#")[2]
        text = _text_of(bytes(self._refusal))
        if not kind:
            kind, text = _BY_STATUS.get(self._status, "UnexpectedResponse"), f"status {self._status}"
        self._fail(service_errors.of_response(kind, text, self._status, clock_off=_ahead(self._headers)))
        self._wake()

    def _error(self, kind: str, reason: str) -> ModelUnavailable:
        error = ModelUnavailable(kind, reason)
        error.host = self._host
        return error


def _event_in(payload: bytes) -> bytes:
    """Return the event's JSON in a message; empty if it has none."""
    try:
        return base64.b64decode(orjson.loads(payload).get("bytes") or "")
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise FramingError("a message carries no event") from error


def _text_of(payload: bytes) -> str:
    return _field(payload, "message") or _field(payload, "Message")


def _field(payload: bytes, name: str) -> str:
    """Return a text of a JSON object; empty if there is none."""
    try:
        return str(orjson.loads(payload).get(name) or "")
    except (ValueError, AttributeError):
        return ""


def _ahead(headers: dict[str, str]) -> float:
    """Return the seconds by which our clock is ahead of a response's date; 0 if it has none."""
    try:
        return time.time() - parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return 0.0
