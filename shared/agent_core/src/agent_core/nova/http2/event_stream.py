"""Encode and decode the framing of AWS event streams (``application/vnd.amazon.eventstream``). No I/O.

All integers are big-endian:

    u32 total length | u32 headers length | u32 CRC-32 of these 8 bytes | headers | payload | u32 CRC-32 of all before

A header is ``u8 name length | name | u8 type | value``. Source: smithy.io, "Amazon Event Stream Specification".
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_PAYLOAD: Final = 16 * 1024 * 1024
"""Bytes; both limits are the specification's."""
MAX_HEADERS: Final = 128 * 1024

_PRELUDE: Final = struct.Struct(">III")
_LENGTHS: Final = struct.Struct(">II")
_CHECKSUM: Final = struct.Struct(">I")
_SHORT: Final = struct.Struct(">H")
_OVERHEAD: Final = _PRELUDE.size + _CHECKSUM.size
_TRUE: Final = 0
_FALSE: Final = 1
_INTEGERS: Final = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8}
"""Sizes by type: byte, short, integer, long and timestamp (milliseconds since 1970)."""
_BYTES: Final = 6
_STRING: Final = 7
_UUID: Final = 9
_UUID_SIZE: Final = 16

type HeaderValue = bool | int | bytes | str


class FramingError(ValueError):
    """The bytes are no event stream; nothing behind them can be trusted."""


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One message: its headers by name, and its payload."""

    headers: Mapping[str, HeaderValue]
    payload: bytes


def encode(headers: bytes, payload: bytes) -> bytes:
    """Return one message; ``headers`` are encoded already, because ours never change."""
    lengths = _LENGTHS.pack(_OVERHEAD + len(headers) + len(payload), len(headers))
    head = b"%b%b%b" % (lengths, _CHECKSUM.pack(zlib.crc32(lengths)), headers)
    return b"%b%b%b" % (head, payload, _CHECKSUM.pack(zlib.crc32(payload, zlib.crc32(head))))


def string_header(name: str, value: str) -> bytes:
    """Return one encoded header with a text."""
    return b"%c%b%c%b%b" % (len(name), name.encode(), _STRING, _SHORT.pack(len(value)), value.encode())


class MessageDecoder:
    """Splits the bytes of a stream into messages, wherever they are cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        # Nearly all events of a stream have the same headers, so that comparing bytes replaces decoding them.
        self._known = b""
        self._headers: Mapping[str, HeaderValue] = {}

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[EventMessage]:
        """Return the messages that these bytes complete.

        Raises:
            FramingError: the stream is corrupt.
        """
        # DATA frames end anywhere, even within a length.
        self._buffer += chunk
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> EventMessage | None:
        buffer = self._buffer
        if len(buffer) < _PRELUDE.size:
            return None
        total, headers_size, checksum = _PRELUDE.unpack_from(buffer)
        # The prelude is checked before its lengths are used: a corrupt length would wait for megabytes.
        if zlib.crc32(buffer[: _LENGTHS.size]) != checksum:
            raise FramingError("the checksum of a prelude is wrong")
        if headers_size > MAX_HEADERS or not 0 <= total - headers_size - _OVERHEAD <= MAX_PAYLOAD:
            raise FramingError("a message has an impossible length")
        if len(buffer) < total:
            return None
        # A copy: the buffer moves when its beginning is deleted.
        message = bytes(buffer[:total])
        del buffer[:total]
        end = total - _CHECKSUM.size
        if zlib.crc32(message[:end]) != _CHECKSUM.unpack_from(message, end)[0]:
            raise FramingError("the checksum of a message is wrong")
        payload_at = _PRELUDE.size + headers_size
        return EventMessage(self._headers_of(message[_PRELUDE.size : payload_at]), message[payload_at:end])

    def _headers_of(self, block: bytes) -> Mapping[str, HeaderValue]:
        if block != self._known:
            self._headers, self._known = _decode_headers(block), block
        return self._headers


def _decode_headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(block):
            value_at = at + 1 + block[at]
            name = block[at + 1 : value_at].decode()
            if name in headers:
                raise FramingError("a message has a header twice")
            headers[name], at = _decode_value(block, value_at)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise FramingError("a header is cut off or is no text") from error
    return headers


def _decode_value(block: bytes, at: int) -> tuple[HeaderValue, int]:
    """Return the value whose type is at this position, and the position behind it."""
    kind, at = block[at], at + 1
    # Booleans have no bytes of their own: the type is the value.
    if kind in {_TRUE, _FALSE}:
        return kind == _TRUE, at
    if size := _INTEGERS.get(kind):
        return int.from_bytes(_cut(block, at, size), signed=True), at + size
    if kind in {_BYTES, _STRING}:
        size, at = _SHORT.unpack_from(block, at)[0], at + _SHORT.size
        raw = _cut(block, at, size)
        return raw if kind == _BYTES else raw.decode(), at + size
    if kind == _UUID:
        return _cut(block, at, _UUID_SIZE), at + _UUID_SIZE
    raise FramingError("a header has an unknown type")


def _cut(block: bytes, at: int, size: int) -> bytes:
    if at + size > len(block):
        raise FramingError("a header is cut off or is no text")
    return block[at : at + size]
