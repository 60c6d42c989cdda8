"""Sound in packets (RFC 3550), µ-law only."""

import secrets
import struct
from typing import Final

_HEADER: Final = struct.Struct("!BBHII")
_VERSION: Final = 2
_PCMU: Final = 0
_EXTENDED: Final = 0x10


class Packets:
    """Numbers and times the packets of one direction."""

    def __init__(self) -> None:
        self._number = secrets.randbelow(1 << 15)
        self._time = secrets.randbelow(1 << 31)
        self._source = secrets.randbits(32)
        self._first = True

    def next(self, mulaw: bytes) -> bytes:
        """Make the packet for sound that follows what was sent before."""
        kind = _PCMU | (0x80 if self._first else 0)
        head = _HEADER.pack(_VERSION << 6, kind, self._number, self._time, self._source)
        self._first = False
        self._number = (self._number + 1) & 0xFFFF
        self._time = (self._time + len(mulaw)) & 0xFFFFFFFF
        return head + mulaw


def sound_in(packet: bytes) -> bytes:
    """Return a packet's µ-law, empty for anything else."""
    if len(packet) < _HEADER.size:
        return b""
    flags, kind, *_ = _HEADER.unpack_from(packet)
    if flags >> 6 != _VERSION or kind & 0x7F != _PCMU:
        return b""
    start = _HEADER.size + 4 * (flags & 0x0F)
    if flags & _EXTENDED and len(packet) >= start + 4:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    return packet[start:]
