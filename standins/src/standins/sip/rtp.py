"""Sound in packets (RFC 3550), µ-law only, and keys (RFC 4733)."""

import secrets
import struct
from typing import Final

_HEADER: Final = struct.Struct("!BBHII")
_VERSION: Final = 2
_PCMU: Final = 0
_EXTENDED: Final = 0x10
EVENTS: Final = 101
"""The payload type of keys that both sides agree on."""
KEYS: Final = "0123456789*#ABCD"
_EVENT: Final = struct.Struct("!BBH")
_KEY_UNITS: Final = 8 * 100
"""Length of a key's tone: 100 ms."""
_LAST_REPEATS: Final = 3


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

    def key(self, key: str) -> list[bytes]:
        """Make the packets for a key, 20 ms each; the last is sent three times, for one may be lost."""
        number = KEYS.index(key)
        packets: list[bytes] = []
        for units in [*range(160, _KEY_UNITS, 160), *([_KEY_UNITS] * _LAST_REPEATS)]:
            ends = 0x80 if units == _KEY_UNITS else 0
            kind = EVENTS | (0 if packets else 0x80)
            head = _HEADER.pack(_VERSION << 6, kind, self._number, self._time, self._source)
            packets.append(head + _EVENT.pack(number, ends | 10, units))
            self._number = (self._number + 1) & 0xFFFF
        self._time = (self._time + _KEY_UNITS) & 0xFFFFFFFF
        return packets


class KeysHeard:
    """Finds keys in the packets of one direction; a key is sent in many packets with one time stamp."""

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, packet: bytes) -> str:
        """Return the key that begins with this packet, empty for any other."""
        if len(packet) < _HEADER.size + _EVENT.size or packet[0] >> 6 != _VERSION or packet[1] & 0x7F != EVENTS:
            return ""
        _, _, _, time, _ = _HEADER.unpack_from(packet)
        number, _, _ = _EVENT.unpack_from(packet, _HEADER.size + 4 * (packet[0] & 0x0F))
        if time == self._last or number >= len(KEYS):
            return ""
        self._last = time
        return KEYS[number]


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
