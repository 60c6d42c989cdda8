"""The vnd.amazon.eventstream framing, without I/O.

Layout of a message, all integers big-endian:

    u32 total length | u32 headers length | u32 CRC-32 of those 8 bytes | headers | payload | u32 CRC-32 of all before

A header is `u8 name length | name | u8 type | value`. Source: smithy.io, "Amazon Event Stream Specification".
"""

import struct
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

PRELUDE = struct.Struct(">III")
CHECKSUM = struct.Struct(">I")
OVERHEAD = PRELUDE.size + CHECKSUM.size
MAX_MESSAGE = 24 * 1024 * 1024
"""The specification allows 16 MiB of payload and 128 KiB of headers; more is an attack or lost framing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED = {2: ">b", 3: ">h", 4: ">i", 5: ">q"}
_TRUE, _FALSE, _BYTES, _STRING, _TIMESTAMP, _UUID = 0, 1, 6, 7, 8, 9

type HeaderValue = bool | int | bytes | str | datetime | uuid.UUID


class FramingError(ValueError):
    """The bytes violate the framing: wrong checksum, length or header type."""


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One message: headers in their order on the wire, and the payload."""

    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    payload: bytes = b""


def encode(message: StreamMessage) -> bytes:
    """Encode a message, with its checksums."""
    headers = encode_headers(message.headers)
    # Lengths count everything, including the checksums.
    prelude = struct.pack(">II", OVERHEAD + len(headers) + len(message.payload), len(headers))
    head = prelude + CHECKSUM.pack(zlib.crc32(prelude)) + headers
    # Continue the head's CRC instead of hashing head and payload again.
    return b"".join((head, message.payload, CHECKSUM.pack(zlib.crc32(message.payload, zlib.crc32(head)))))


def encode_headers(headers: Mapping[str, HeaderValue]) -> bytes:
    """Encode headers; the chunk signature covers exactly these bytes."""
    return b"".join(_encode_header(name, value) for name, value in headers.items())


def _encode_header(name: str, value: HeaderValue) -> bytes:
    encoded_name = name.encode()
    return bytes((len(encoded_name),)) + encoded_name + _encode_value(value)


def _encode_value(value: HeaderValue) -> bytes:
    match value:
        # Before int: bool is a subclass of it.
        case bool():
            return bytes((_TRUE if value else _FALSE,))
        case int():
            return _encode_integer(value)
        case bytes():
            return struct.pack(">BH", _BYTES, len(value)) + value
        case str():
            text = value.encode()
            return struct.pack(">BH", _STRING, len(text)) + text
        case datetime():
            return struct.pack(">Bq", _TIMESTAMP, milliseconds(value))
        case uuid.UUID():
            return bytes((_UUID,)) + value.bytes


def _encode_integer(value: int) -> bytes:
    # Take the smallest type that fits, as AWS's SDKs do.
    for kind, shape in _FIXED.items():
        limit = 1 << (8 * struct.calcsize(shape) - 1)
        if -limit <= value < limit:
            return bytes((kind,)) + struct.pack(shape, value)
    message = f"{value} does not fit a 64-bit header"
    raise FramingError(message)


def milliseconds(moment: datetime) -> int:
    """Return a time as whole milliseconds since 1970, as a timestamp header carries it."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


class MessageDecoder:
    """Splits a byte stream into messages, whatever the size of its chunks."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Number of bytes of an incomplete message."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> Iterator[StreamMessage]:
        """Add bytes, and yield each message that they complete.

        Raises:
            FramingError: The stream is broken; nothing after this point can be trusted.
        """
        # Chunks of HTTP/2 end anywhere, even inside a length field.
        self._buffer += chunk
        while (message := self._cut()) is not None:
            yield message

    def _cut(self) -> StreamMessage | None:
        if len(self._buffer) < PRELUDE.size:
            return None
        total, headers_length, checksum = PRELUDE.unpack_from(self._buffer)
        # Check the prelude first: a corrupt length would make the decoder wait for megabytes.
        if zlib.crc32(self._buffer[:8]) != checksum:
            raise FramingError("prelude checksum mismatch")
        if not OVERHEAD + headers_length <= total <= MAX_MESSAGE:
            raise FramingError("impossible message length")
        if len(self._buffer) < total:
            return None
        whole = bytes(self._buffer[:total])
        del self._buffer[:total]
        return _decode_whole(whole, headers_length)


def decode(whole: bytes) -> StreamMessage:
    """Decode exactly one message.

    Raises:
        FramingError: The bytes are not exactly one message.
    """
    decoder = MessageDecoder()
    messages = list(decoder.feed(whole))
    if len(messages) != 1 or decoder.pending:
        raise FramingError("not exactly one message")
    return messages[0]


def _decode_whole(whole: bytes, headers_length: int) -> StreamMessage:
    end = len(whole) - CHECKSUM.size
    # The checksum covers the prelude as well.
    if zlib.crc32(whole[:end]) != CHECKSUM.unpack_from(whole, end)[0]:
        raise FramingError("message checksum mismatch")
    body = PRELUDE.size + headers_length
    return StreamMessage(_decode_headers(whole[PRELUDE.size : body]), whole[body:end])


def _decode_headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    position = 0
    try:
        while position < len(block):
            # A name has a length of one byte.
            name_end = position + 1 + block[position]
            name = block[position + 1 : name_end].decode()
            if name in headers:
                raise FramingError("header given twice")
            headers[name], position = _decode_value(block, name_end)
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError) as broken:
        raise FramingError("header cut short or not UTF-8") from broken
    return headers


def _decode_value(block: bytes, position: int) -> tuple[HeaderValue, int]:
    kind, position = block[position], position + 1
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, position
    if kind in _FIXED:
        return struct.unpack_from(_FIXED[kind], block, position)[0], position + struct.calcsize(_FIXED[kind])
    if kind in (_BYTES, _STRING):
        start = position + 2
        end = start + struct.unpack_from(">H", block, position)[0]
        raw = _slice(block, start, end)
        return raw if kind == _BYTES else raw.decode(), end
    if kind == _TIMESTAMP:
        return _EPOCH + timedelta(milliseconds=struct.unpack_from(">q", block, position)[0]), position + 8
    if kind == _UUID:
        return uuid.UUID(bytes=_slice(block, position, position + 16)), position + 16
    message = f"unknown header type {kind}"
    raise FramingError(message)


def _slice(block: bytes, start: int, end: int) -> bytes:
    if end > len(block):
        raise FramingError("header cut short or not UTF-8")
    return block[start:end]
