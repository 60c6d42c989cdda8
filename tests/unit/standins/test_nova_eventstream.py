"""The event-stream codec: golden bytes, chunks of any size, damage, and two independent peers."""

import struct
import uuid
import zlib
from datetime import UTC, datetime

import pytest
from botocore.eventstream import EventStreamBuffer
from smithy_aws_event_stream.events import EventHeaderEncoder, EventMessage

from standins.nova.eventstream import (
    FramingError,
    HeaderValue,
    MessageDecoder,
    StreamMessage,
    decode,
    encode,
    encode_headers,
)

GOLDEN = [
    # Vectors of the AWS SDKs' shared test suite for this format.
    (StreamMessage(), "000000100000000005c248eb7d98c8ff"),
    (StreamMessage({}, b"{'foo':'bar'}"), "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936"),
    (
        StreamMessage({"content-type": "application/json"}, b"{'foo':'bar'}"),
        (
            "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
            "7b27666f6f273a27626172277d8d9c08b1"
        ),
    ),
]
EVERY_TYPE: dict[str, HeaderValue] = {
    "yes": True,
    "no": False,
    "byte": -8,
    "short": 300,
    "int": -70_000,
    "long": 1 << 40,
    "bytes": b"\x00\xff",
    "string": "h\u00e9llo",
    "time": datetime(2026, 11, 23, 14, 15, 16, 789_000, tzinfo=UTC),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
}


@pytest.mark.parametrize(("message", "wire"), GOLDEN)
def test_golden_bytes(message: StreamMessage, wire: str) -> None:
    """The published vectors are decoded and encoded byte for byte."""
    assert encode(message).hex() == wire
    assert decode(bytes.fromhex(wire)) == message


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_pieces_of_any_size_make_the_same_messages(size: int) -> None:
    """Chunks of any size give the same messages."""
    messages = [StreamMessage({"n": number}, bytes(number * 17)) for number in range(9)]
    wire = b"".join(encode(message) for message in messages)
    decoder = MessageDecoder()
    found = [message for at in range(0, len(wire), size) for message in decoder.feed(wire[at : at + size])]
    assert found == messages
    assert decoder.pending == 0


def test_every_header_type_survives() -> None:
    """All ten header types survive encoding and decoding."""
    assert dict(decode(encode(StreamMessage(EVERY_TYPE, b"x"))).headers) == EVERY_TYPE


@pytest.mark.parametrize("position", [0, 5, 9, 14, 40, 60])
def test_one_damaged_byte_is_noticed(position: int) -> None:
    """One damaged byte is detected by either checksum."""
    wire = bytearray.fromhex(GOLDEN[2][1])
    wire[position] ^= 1
    with pytest.raises(FramingError):
        decode(bytes(wire))


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05ab",
        b"\x01a\x07\x00\x09short",
        b"\x01a\x0c",
        b"\x01a\x08\x00",
        b"\x01a\x09\x00",
        b"\x01\xff\x00",
        b"\x01a\x00\x01a\x01",
        b"\x01a\x08\x7f\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_broken_headers_are_refused(headers: bytes) -> None:
    """Headers with wrong lengths are rejected, although their checksums are right."""
    with pytest.raises(FramingError):
        decode(_sealed(headers))


@pytest.mark.parametrize(("total", "headers_length"), [(15, 0), (20, 8), (1 << 30, 0)])
def test_impossible_lengths_are_refused(total: int, headers_length: int) -> None:
    """An impossible length is rejected and does not make the decoder wait for a gigabyte."""
    prelude = struct.pack(">II", total, headers_length)
    with pytest.raises(FramingError):
        list(MessageDecoder().feed(prelude + struct.pack(">I", zlib.crc32(prelude))))


def test_two_messages_are_not_one() -> None:
    """A signed message wraps exactly one message."""
    with pytest.raises(FramingError):
        decode(encode(StreamMessage()) * 2)


def test_botocore_reads_what_we_write() -> None:
    """Botocore's decoder reads what the stand-in writes."""
    buffer = EventStreamBuffer()
    buffer.add_data(encode(StreamMessage({":event-type": "chunk", "n": 5, "b": b"\x01"}, b"payload")))
    (event,) = list(buffer)
    headers: object = event.headers  # the stubs only have text headers
    assert headers == {":event-type": "chunk", "n": 5, "b": b"\x01"}
    assert event.payload == b"payload"


def test_we_read_what_smithy_writes() -> None:
    """The stand-in reads what the SDK writes, and encodes the signed header bytes identically."""
    moment = datetime(2026, 11, 23, 14, 15, 16, 789_000, tzinfo=UTC)
    headers: dict[str, str | bytes | datetime] = {":date": moment, ":chunk-signature": b"\x07" * 32}
    assert decode(EventMessage(headers=headers, payload=b"inner").encode()) == StreamMessage(headers, b"inner")
    encoder = EventHeaderEncoder()
    encoder.encode_headers({":date": moment})
    assert encode_headers({":date": moment}) == encoder.get_result()


def _sealed(headers: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers
    return head + struct.pack(">I", zlib.crc32(head))
