"""RTP packets with audio (RFC 3550), µ-law only, and DTMF events (RFC 4733)."""

import secrets
import struct
from typing import Final

_HEADER: Final = struct.Struct("!BBHII")
_VERSION: Final = 2
_PCMU: Final = 0
_EXTENDED: Final = 0x10
EVENTS: Final = 101
"""Payload type of DTMF events, which both sides agree on."""
KEYS: Final = "0123456789*#ABCD"
_EVENT: Final = struct.Struct("!BBH")
_KEY_UNITS: Final = 8 * 100
"""Duration of a key's tone in samples: 100 ms."""
_LAST_REPEATS: Final = 3


class Packets:
    """Numbers the packets of one direction and sets their timestamps."""

    def __init__(self) -> None:
        self._number = secrets.randbelow(1 << 15)
        self._time = secrets.randbelow(1 << 31)
        self._source = secrets.randbits(32)
        self._first = True

    def next(self, mulaw: bytes) -> bytes:
        """Return the packet for audio that continues what was sent before."""
        # The marker bit tells the start of audio.
        kind = _PCMU | (0x80 if self._first else 0)
        head = _HEADER.pack(_VERSION << 6, kind, self._number, self._time, self._source)
        self._first = False
        self._number = (self._number + 1) & 0xFFFF
        self._time = (self._time + len(mulaw)) & 0xFFFFFFFF
        return head + mulaw

    def key(self, key: str) -> list[bytes]:
        """Return the packets for a DTMF key, one per 20 ms; the last is sent three times, because packets get lost."""
        number = KEYS.index(key)
        packets: list[bytes] = []
        # All packets of a key have the same timestamp (RFC 4733, 2.5.1.2), so only the number advances.
        # The last packet is repeated, because losing it would make the key endless.
        for units in [*range(160, _KEY_UNITS, 160), *([_KEY_UNITS] * _LAST_REPEATS)]:
            ends = 0x80 if units == _KEY_UNITS else 0
            kind = EVENTS | (0 if packets else 0x80)
            head = _HEADER.pack(_VERSION << 6, kind, self._number, self._time, self._source)
            packets.append(head + _EVENT.pack(number, ends | 10, units))
            self._number = (self._number + 1) & 0xFFFF
        self._time = (self._time + _KEY_UNITS) & 0xFFFFFFFF
        return packets


class KeysHeard:
    """Detects DTMF keys in the packets of one direction; many packets with one timestamp make one key."""

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, packet: bytes) -> str:
        """Return the key that starts with this packet; empty for any other packet."""
        if len(packet) < _HEADER.size + _EVENT.size or packet[0] >> 6 != _VERSION or packet[1] & 0x7F != EVENTS:
            return ""
        _, _, _, time, _ = _HEADER.unpack_from(packet)
        number, _, _ = _EVENT.unpack_from(packet, _HEADER.size + 4 * (packet[0] & 0x0F))
        # All packets of a key have one timestamp.
        if time == self._last or number >= len(KEYS):
            return ""
        self._last = time
        return KEYS[number]


def sound_in(packet: bytes) -> bytes:
    """Return a packet's µ-law audio; empty for anything else."""
    if len(packet) < _HEADER.size:
        return b""
    flags, kind, *_ = _HEADER.unpack_from(packet)
    if flags >> 6 != _VERSION or kind & 0x7F != _PCMU:
        return b""
    start = _HEADER.size + 4 * (flags & 0x0F)
    if flags & _EXTENDED and len(packet) >= start + 4:
        # Skip the header extension; its length is in 32-bit words.
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    return packet[start:]
