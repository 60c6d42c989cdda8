"""Process a visitor's audio packets in the callback of the socket that received them.

aioice tries to read each datagram as STUN and then queues it for a task of aiortc's, which wakes up, decrypts it, and
parses fields that only video needs. For Opus none of that is necessary, and 50 times a second it costs as much as the
decoding. Everything else still goes that way: STUN, DTLS, reports, and audio in other codecs.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pylibsrtp

_HEADER: Final = struct.Struct("!BBHLL")
_EXTENSION: Final = struct.Struct("!HH")
_VERSION: Final = 2
_FIRST_DYNAMIC: Final = 96
"""Opus has a dynamic payload type (RFC 7587). Smaller numbers include those that reports look like (RFC 5761)."""


@dataclass(slots=True)
class AudioPacket:
    """What speech needs of an RTP packet, with the names of aiortc's."""

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> AudioPacket:
    """Parse a decrypted RTP packet (RFC 3550, section 5.1).

    Raises:
        ValueError: it is truncated, or no RTP.
    """
    if len(data) < _HEADER.size:
        raise ValueError("shorter than an RTP header")
    flags, kind, number, timestamp, ssrc = _HEADER.unpack_from(data)
    if flags >> 6 != _VERSION:
        raise ValueError("another version of RTP")
    at = _HEADER.size + 4 * (flags & 0x0F)
    if flags & 0x10:
        if len(data) < at + _EXTENSION.size:
            raise ValueError("truncated header extension")
        at += _EXTENSION.size + 4 * _EXTENSION.unpack_from(data, at)[1]
    end = len(data)
    if flags & 0x20:
        # The last byte counts itself.
        padding = data[-1]
        end -= padding
        if not padding:
            raise ValueError("invalid padding")
    if end < at:
        raise ValueError("truncated")
    return AudioPacket(kind & 0x7F, number, timestamp, ssrc, data[at:end])


class RtpShortcut:
    """Takes the visitor's packets of Opus from the socket, before aioice.

    Args:
        transport: aiortc's, which decrypts; its limited router decides which packets are accepted.
        is_opus: Returns whether a payload type is Opus.
        take: Receives the accepted packets.
    """

    def __init__(
        self,
        transport: Any,  # noqa: ANN401 - aiortc's
        is_opus: Callable[[int], bool],
        take: Callable[[AudioPacket], None],
    ) -> None:
        self._transport = transport
        self._is_opus = is_opus
        self._take = take

    def accept(self, data: bytes) -> bool:
        """Process a datagram, and return True; False leaves it to aiortc. Never raises."""
        # Only the payload is encrypted, so the header can be judged before it is authenticated.
        if len(data) < _HEADER.size or data[0] >> 6 != _VERSION:
            return False
        kind = data[1] & 0x7F
        session = self._transport._rx_srtp  # noqa: SLF001 - there is no public access; None before the handshake
        if session is None or kind < _FIRST_DYNAMIC or not self._is_opus(kind):
            return False
        try:
            packet = parse(session.unprotect(data))
        except (pylibsrtp.Error, ValueError):
            # Forged, repeated or malformed: aiortc would drop it too.
            return True
        if self._transport._rtp_router.route_rtp(packet) is not None:  # noqa: SLF001 - as above
            self._take(packet)
        return True
