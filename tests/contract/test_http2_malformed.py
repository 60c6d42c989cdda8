"""A service that breaks HTTP/2 or the event stream ends one stream with a clear error: no hang, no crash.

In the manner of h2spec, from the client's side. Sources: RFC 9113 (sections in brackets) and RFC 7541.
"""

import asyncio
import struct

import pytest

from agent_core.errors import ModelError
from agent_core.nova.http2 import event_stream
from agent_core.nova.http2.event_stream import string_header
from agent_core.nova.http2.exchange import WINDOW
from tests.support.http2_wire import (
    ACCEPTED,
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    HELLO,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RESPONSE,
    RST_STREAM,
    SETTINGS,
    STATUS_103,
    STATUS_200,
    WINDOW_UPDATE,
    Peer,
    frame,
    literal,
    setting,
)

EVENT = event_stream.encode(
    string_header(":message-type", "event") + string_header(":event-type", "chunk"), b'{"bytes":"e30="}'
)
LARGEST = (1 << 31) - 1


def headers(block: bytes, flags: int = END_HEADERS) -> bytes:
    """Return the service's preface and a response with this block."""
    return HELLO + frame(HEADERS, flags, 1, block)


def message(payload: bytes, *names: bytes) -> bytes:
    """Return an accepted stream with one message in it."""
    return ACCEPTED + frame(DATA, 0, 1, event_stream.encode(b"".join(names), payload))


CHUNK = (string_header(":message-type", "event"), string_header(":event-type", "chunk"))
BROKEN = {
    "an HTTP/1.1 response": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "no SETTINGS first (3.4)": frame(PING, payload=bytes(8)) + RESPONSE,
    "an endless frame (4.2)": ACCEPTED + frame(DATA, 0, 1, bytes(16_385)),
    "SETTINGS with an odd length (6.5)": frame(SETTINGS, payload=bytes(5)),
    "SETTINGS on a stream (6.5)": frame(SETTINGS, stream=1),
    "SETTINGS that acknowledge and set (6.5)": HELLO + frame(SETTINGS, ACK, payload=bytes(6)),
    "a window that is too large (6.5.2)": setting(4, 1 << 31),
    "frames that are too small (6.5.2)": setting(5, 16_383),
    "frames that are too large (6.5.2)": setting(5, 1 << 24),
    "push set to 2 (6.5.2)": setting(2, 2),
    "PING of seven bytes (6.7)": ACCEPTED + frame(PING, payload=bytes(7)),
    "PING on a stream (6.7)": ACCEPTED + frame(PING, stream=1, payload=bytes(8)),
    "RST_STREAM on no stream (6.4)": ACCEPTED + frame(RST_STREAM, payload=bytes(4)),
    "RST_STREAM of three bytes (6.4)": ACCEPTED + frame(RST_STREAM, stream=1, payload=bytes(3)),
    "RST_STREAM on an idle stream (6.4)": ACCEPTED + frame(RST_STREAM, stream=3, payload=bytes(4)),
    "WINDOW_UPDATE by zero (6.9)": ACCEPTED + frame(WINDOW_UPDATE, payload=bytes(4)),
    "WINDOW_UPDATE of the stream by zero (6.9)": ACCEPTED + frame(WINDOW_UPDATE, stream=1, payload=bytes(4)),
    "WINDOW_UPDATE beyond the limit (6.9.1)": ACCEPTED + frame(WINDOW_UPDATE, payload=struct.pack(">I", LARGEST)),
    "WINDOW_UPDATE of the stream beyond the limit (6.9.1)": ACCEPTED
    + frame(WINDOW_UPDATE, stream=1, payload=struct.pack(">I", LARGEST)),
    "WINDOW_UPDATE of three bytes (6.9)": ACCEPTED + frame(WINDOW_UPDATE, payload=bytes(3)),
    "WINDOW_UPDATE of an idle stream (5.1)": ACCEPTED + frame(WINDOW_UPDATE, stream=3, payload=b"\0\0\0\1"),
    "DATA on no stream (6.1)": ACCEPTED + frame(DATA, payload=b"x"),
    "DATA on an idle stream (5.1)": ACCEPTED + frame(DATA, stream=3, payload=b"x"),
    "DATA on a stream of the service (5.1)": ACCEPTED + frame(DATA, stream=2, payload=b"x"),
    "DATA before the response (8.1)": HELLO + frame(DATA, stream=1, payload=b"x"),
    "DATA with too much padding (6.1)": ACCEPTED + frame(DATA, PADDED, 1, b"\x05abc"),
    "DATA that is padded and empty (6.1)": ACCEPTED + frame(DATA, PADDED, 1),
    "HEADERS on no stream (6.2)": HELLO + frame(HEADERS, END_HEADERS, 0, STATUS_200),
    "HEADERS on an idle stream (5.1)": HELLO + frame(HEADERS, END_HEADERS, 3, STATUS_200),
    "HEADERS on a stream of the service (8.4)": HELLO + frame(HEADERS, END_HEADERS, 2, STATUS_200),
    "HEADERS with too much padding (6.2)": HELLO + frame(HEADERS, END_HEADERS | PADDED, 1, b"\x09" + STATUS_200),
    "index 0 (RFC 7541, 6.1)": headers(b"\x80"),
    "an index beyond the table (RFC 7541, 2.3.3)": headers(b"\xff\x7f"),
    "a text that is cut off (RFC 7541, 5.2)": headers(b"\x00\x7fabc"),
    "a table that is too large (RFC 7541, 6.3)": headers(b"\x3f\xff\xff\x03" + STATUS_200),
    "a name in upper case (8.2.1)": headers(STATUS_200 + literal(b"Date", b"x")),
    "no status (8.3.2)": headers(literal(b"date", b"x")),
    "two statuses (8.3)": headers(STATUS_200 + STATUS_200),
    "a status behind a header (8.3)": headers(literal(b"date", b"x") + STATUS_200),
    "a status that is no number (8.3.2)": headers(literal(b":status", b"abc")),
    "an empty status (8.3.2)": headers(literal(b":status", b"")),
    "a status in superscript (8.3.2)": headers(literal(b":status", b"20\xb2")),
    "an unknown pseudo-header (8.3)": headers(STATUS_200 + literal(b":odd", b"x")),
    "a request's pseudo-header (8.3)": headers(STATUS_200 + literal(b":path", b"/")),
    "a header of the connection (8.2.2)": headers(STATUS_200 + literal(b"connection", b"close")),
    "too many headers (10.5.1)": headers(STATUS_200 + b"\x40\x01a\x7f\x81\x1d" + b"x" * 4000 + b"\xbe" * 2000),
    "CONTINUATION of nothing (6.10)": HELLO + frame(CONTINUATION, END_HEADERS, 1, STATUS_200),
    "DATA within headers (6.10)": headers(STATUS_200, 0) + frame(DATA, 0, 1, b"x"),
    "CONTINUATION of another stream (6.10)": headers(b"", 0) + frame(CONTINUATION, END_HEADERS, 3, STATUS_200),
    "CONTINUATION without end (10.5.1)": headers(b"", 0) + frame(CONTINUATION, 0, 1) * 5000,
    "PUSH_PROMISE (8.4)": ACCEPTED + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + STATUS_200),
    "GOAWAY on a stream (6.8)": ACCEPTED + frame(GOAWAY, stream=1, payload=bytes(8)),
    "GOAWAY of seven bytes (6.8)": ACCEPTED + frame(GOAWAY, payload=bytes(7)),
    "PRIORITY of four bytes (6.3)": ACCEPTED + frame(PRIORITY, stream=1, payload=bytes(4)),
    "PRIORITY on no stream (6.3)": ACCEPTED + frame(PRIORITY, payload=bytes(5)),
    "headers in the middle (8.1)": ACCEPTED + frame(HEADERS, END_HEADERS, 1, STATUS_200),
    "a status in trailers (8.1)": ACCEPTED + frame(HEADERS, END_HEADERS | END_STREAM, 1, STATUS_200),
    "an interim response that ends (8.1)": headers(STATUS_103, END_HEADERS | END_STREAM),
    "a wrong content-length (8.1.1)": headers(STATUS_200 + literal(b"content-length", b"9"))
    + frame(DATA, END_STREAM, 1, EVENT),
    "a flood of PINGs (10.5)": ACCEPTED + frame(PING, payload=bytes(8)) * 5000,
    "a flood of SETTINGS (10.5)": ACCEPTED + frame(SETTINGS) * 5000,
    "a flood of empty DATA (10.5)": ACCEPTED + frame(DATA, 0, 1) * 5000,
    "a flood of interim responses (10.5)": HELLO + frame(HEADERS, END_HEADERS, 1, STATUS_103) * 5000,
    "a flood of unknown frames (10.5)": ACCEPTED + frame(77, 0, 0) * 5000,
    "an event with a wrong checksum": ACCEPTED + frame(DATA, 0, 1, EVENT[:-1] + b"\0"),
    "an event that is cut off": ACCEPTED + frame(DATA, END_STREAM, 1, EVENT[:-1]),
    "an event of 4 GB": ACCEPTED + frame(DATA, 0, 1, b"\xff" * 12),
    "an event without a type": message(b"{}"),
    "an event of another type": message(b"{}", string_header(":message-type", "odd")),
    "an event that is no JSON": message(b"{", *CHUNK),
    "an event that is a list": message(b"[]", *CHUNK),
    "an event with a number": message(b'{"bytes": 7}', *CHUNK),
    "an event that is no base64": message(b'{"bytes": "a"}', *CHUNK),
}


@pytest.mark.parametrize("size", [1 << 20, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
async def test_a_broken_service_ends_the_stream(content: bytes, size: int) -> None:
    """Each waiting task gets an error, sending fails too, the connection is closed, and closing again does nothing."""
    peer = Peer()
    reader = asyncio.create_task(peer.stream.receive())
    await asyncio.sleep(0)
    if size == 1 and len(content) > 100_000:
        size = 100
    peer.say(content, size)
    async with asyncio.timeout(1):
        (outcome,) = await asyncio.gather(reader, return_exceptions=True)
    assert isinstance(outcome, ModelError), outcome
    assert outcome.reason.startswith("nova_sonic: ")
    assert len(outcome.reason) < 120
    assert peer.wire.is_closed
    with pytest.raises(ModelError):
        await peer.stream.send(b"{}")
    await peer.stream.close()


async def test_more_than_the_window_ends_the_stream() -> None:
    """A service that ignores the window (6.9.1) is cut off, so that an unread stream has a bounded size."""
    peer = Peer()
    peer.say(ACCEPTED)
    event = event_stream.encode(b"".join(CHUNK), b'{"bytes":"%b"}' % (b"e30g" * 4000))
    for _ in range(4 * WINDOW // len(event)):
        if not peer.wire.is_closed:
            peer.say(frame(DATA, 0, 1, event))
    assert peer.wire.is_closed
    kept = 0
    while peer.stream.has_events:
        kept += len(await peer.stream.receive() or b"")
    assert WINDOW / 2 < kept < 2 * WINDOW
    with pytest.raises(ModelError, match="FlowControlError"):
        await peer.stream.receive()


BEARABLE = {
    "an unknown frame (5.5)": ACCEPTED + frame(77, 255, 1, b"anything"),
    "an unknown setting (6.5.2)": setting(77, 5) + RESPONSE,
    "PRIORITY (5.3)": ACCEPTED + frame(PRIORITY, stream=1, payload=b"\0\0\0\3\x10"),
    "padding (6.1)": ACCEPTED + frame(DATA, PADDED, 1, b"\x03" + EVENT + bytes(3)),
    "padded headers (6.2)": HELLO + frame(HEADERS, END_HEADERS | PADDED, 1, b"\x03" + STATUS_200 + bytes(3)),
    "CONTINUATION (6.10)": headers(b"", 0)
    + frame(CONTINUATION, 0, 1, STATUS_200)
    + frame(CONTINUATION, END_HEADERS, 1, literal(b"date", b"x")),
    "interim responses (8.1)": HELLO + frame(HEADERS, END_HEADERS, 1, STATUS_103) * 3 + RESPONSE,
    "a reserved bit (4.1)": ACCEPTED + frame(PING, 0, 1 << 31, bytes(8)),
    "a graceful GOAWAY (6.8)": ACCEPTED + frame(GOAWAY, payload=struct.pack(">II", 1, 0) + b"draining"),
    "GOAWAY for what is not sent yet (6.8)": ACCEPTED + frame(GOAWAY, payload=struct.pack(">II", LARGEST, 0)),
    "empty DATA (6.1)": ACCEPTED + frame(DATA, 0, 1),
    "an event of an unknown type": message(
        b"{}", string_header(":message-type", "event"), string_header(":event-type", "initial-response")
    ),
    "an event without bytes": message(b'{"p":"abcdef"}', *CHUNK),
}


@pytest.mark.parametrize("size", [1 << 20, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("content", BEARABLE.values(), ids=BEARABLE)
async def test_what_a_service_may_send_changes_nothing(content: bytes, size: int) -> None:
    """The stream continues in both directions: an event arrives, then the end, also with trailers."""
    peer = Peer()
    peer.say(content, size)
    await peer.stream.ready()
    await peer.stream.send(b"{}")
    peer.say(frame(DATA, 0, 1, EVENT), size)
    assert await peer.stream.receive() == b"{}"
    peer.say(frame(HEADERS, END_HEADERS | END_STREAM, 1, literal(b"grpc-status", b"0")))
    while (event := await peer.stream.receive()) is not None:
        assert event == b"{}"
    await peer.stream.close()
    assert peer.given_up == []
