"""Limit how much audio, and how many reports about ours, a visitor may send, before packets are processed.

aiortc keeps state about every source it ever heard of, and reports on all of them; a peer can name four thousand
million. It decodes everything that arrives, as fast as it arrives. And it retransmits whatever a peer reports as lost:
one packet of 1400 bytes can request 5900, which takes a quarter of a second during which all others hear nothing.
"""

from collections.abc import Callable
from typing import Any

from aiortc.rtp import RtcpPsfbPacket, RtcpRtpfbPacket

from agent_core.token_bucket import TokenBucket

MAX_SOURCES = 8
"""A client has one microphone, and rarely another source number for it."""
BURST = 300
"""Packets that may arrive at once: six seconds of audio that a network has held back."""
PER_SECOND = 120.0
"""Packets: a browser sends 50, a client with the shortest ones 100."""


SOUND_BURST = 8000.0
SOUND_PER_SECOND = 1200.0
"""Milliseconds of audio: a packet may hold 120, and decoding a hundred of these per second takes an eighth of a core.
"""
_BYTES_PER_MS = 8
"""For codecs with static payload types (RFC 3551): PCMU, PCMA and G.722. All others are Opus."""
_STATIC_TYPES = (0, 8, 9)
REPORT_BURST = 16_000
REPORT_BYTES_PER_SECOND = 4000.0
"""Reports: a browser sends 100 bytes a second, and as many per tenth of a second while it estimates bandwidth."""


class RtpLimiter:
    """Filters the packets before a visitor's audio is decoded.

    Args:
        router: Distributes packets; its method is replaced by a filtered one.
        clock: Monotonic seconds.
    """

    def __init__(self, router: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401 - its method is replaced
        self._router = router
        self._credit = TokenBucket(clock, BURST, PER_SECOND)
        self._sound = TokenBucket(clock, SOUND_BURST, SOUND_PER_SECOND)
        self._route, router.route_rtp = router.route_rtp, self._admit

    def _admit(self, packet: Any) -> Any:  # noqa: ANN401 - aiortc's packet, and its receiver
        known = self._router.ssrc_table
        # aiortc keeps state per source, so new ones are limited.
        if packet.ssrc not in known and len(known) >= MAX_SOURCES:
            return None
        return self._route(packet) if self._credit.spend() and self._sound.spend(_milliseconds(packet)) else None


def _milliseconds(packet: Any) -> float:  # noqa: ANN401 - aiortc's packet
    """Return how much audio a packet holds."""
    payload: bytes = packet.payload
    if packet.payload_type in _STATIC_TYPES:
        return len(payload) / _BYTES_PER_MS
    return opus_milliseconds(payload)


def opus_milliseconds(payload: bytes) -> float:
    """Return the length of an Opus packet from its first bytes (RFC 6716, section 3.1)."""
    if not payload:
        return 0.0
    configuration, code = payload[0] >> 3, payload[0] & 3
    if configuration < 12:  # noqa: PLR2004 - the table of the RFC
        frame = (10.0, 20.0, 40.0, 60.0)[configuration & 3]
    elif configuration < 16:  # noqa: PLR2004 - as above
        frame = (10.0, 20.0)[configuration & 1]
    else:
        frame = (2.5, 5.0, 10.0, 20.0)[configuration & 3]
    frames = (1, 2, 2, payload[1] & 63 if len(payload) > 1 else 0)[code]
    return min(120.0, frame * frames)


class ReportDoor:
    """Filters a visitor's reports (RTCP).

    Args:
        transport: Decrypts them; its methods are replaced by filtered ones.
        clock: Monotonic seconds.
    """

    def __init__(self, transport: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401 - its methods are replaced
        router = transport._rtp_router  # noqa: SLF001 - there is no public access to either
        self._credit = TokenBucket(clock, REPORT_BURST, REPORT_BYTES_PER_SECOND)
        self._read, transport._handle_rtcp_data = transport._handle_rtcp_data, self._admit  # noqa: SLF001
        self._route, router.route_rtcp = router.route_rtcp, self._admit_packet

    async def _admit(self, data: bytes) -> None:
        if self._credit.spend(len(data)):
            await self._read(data)

    def _admit_packet(self, packet: Any) -> Any:  # noqa: ANN401 - aiortc's packet, and its receiver
        """Drop retransmission requests, which come too late for speech, and everything about video."""
        return set() if isinstance(packet, RtcpRtpfbPacket | RtcpPsfbPacket) else self._route(packet)
