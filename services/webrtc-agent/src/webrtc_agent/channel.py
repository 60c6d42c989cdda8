"""Limit what a visitor may send over the data channel, before it is processed.

aiortc keeps unfinished messages, opens every channel a peer requests, and ends the connection over an invalid text,
which it logs. It answers each piece of a packet, and counts acknowledged numbers one by one: a packet of 1200 bytes can
name twenty million, for which all visitors wait seconds. Pipecat parses every message. Neither has a setting for any of
this.
"""

# ruff: noqa: SLF001 - see above

from collections.abc import Callable
from typing import Annotated, Any

from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    WEBRTC_BINARY,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    DataChunk,
    ForwardTsnChunk,
    SackChunk,
)
from pydantic import BaseModel, Field, ValidationError

from agent_core.token_bucket import TokenBucket

MAX_BYTES = 16 * 1024
"""Largest message. The longest accepted text takes up to 12 KB as JSON. Of a longer one only the head is passed on."""
BURST = 40
PER_SECOND = 10.0
"""Messages: five a second are accepted, a ping comes every second."""
MAX_CHANNELS = 4
"""A client opens one, and another after that was closed."""
PACKET_BURST = 600
PACKETS_PER_SECOND = 120.0
"""SCTP packets: a message of 16 KB takes 15, and each of ours is acknowledged by one."""
MAX_CHUNKS = 16
"""Most chunks of one packet. Clients combine an acknowledgement and a message or two."""
MAX_GAPS = 16
"""Most gaps that an acknowledgement may name; without the rest, delivery is recognized later."""
CONTROL_BURST = 40
CONTROL_PER_SECOND = 5.0
"""Limit of other chunks than messages and acknowledgements: each is answered."""
MAX_PIECES = 256
"""Most pieces waiting for the rest of their message. A message of 16 KB arrives in 15 pieces."""


class _Head(BaseModel):
    """The envelope of an RTVI message. The guard after this accepts fewer characters."""

    label: Annotated[str, Field(max_length=100)]
    type: Annotated[str, Field(max_length=100)]
    id: Annotated[str, Field(max_length=100)]


class DataChannelLimiter:
    """Filters everything that the data channels of one connection receive.

    Args:
        sctp: Carries the channels; its methods are replaced by filtered ones.
        clock: Monotonic seconds.
    """

    def __init__(self, sctp: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401 - its methods are replaced
        self._sctp = sctp
        self._credit = TokenBucket(clock, BURST, PER_SECOND)
        self._packets = TokenBucket(clock, PACKET_BURST, PACKETS_PER_SECOND)
        self._controls = TokenBucket(clock, CONTROL_BURST, CONTROL_PER_SECOND)
        self._take_packet, sctp._handle_data = sctp._handle_data, self._packet
        self._take_chunk, sctp._receive_chunk = sctp._receive_chunk, self._chunk
        self._take_piece, sctp._receive_data_chunk = sctp._receive_data_chunk, self._piece
        self._take_gap, sctp._receive_forward_tsn_chunk = sctp._receive_forward_tsn_chunk, self._gap
        self._take_message, sctp._receive = sctp._receive, self._message

    async def _packet(self, packet: bytes) -> None:
        """Process a packet of few chunks; a dropped one is lost, as in any network."""
        if self._packets.spend() and _count_chunks(packet) <= MAX_CHUNKS:
            await self._take_packet(packet)

    async def _chunk(self, chunk: Any) -> None:  # noqa: ANN401 - aiortc's chunks have no common public type
        """Process a chunk."""
        if isinstance(chunk, SackChunk):
            # aiortc walks through every number of every gap, so gaps are cut to what was really sent.
            unacknowledged = len(self._sctp._sent_queue)
            chunk.gaps = [gap for gap in chunk.gaps[:MAX_GAPS] if gap[0] <= gap[1] <= unacknowledged]
        elif not isinstance(chunk, DataChunk) and not self._controls.spend():
            return
        await self._take_chunk(chunk)

    async def _piece(self, piece: DataChunk) -> None:
        """Process a piece if there is room; otherwise it is not acknowledged, as RFC 9260 requires (section 6.2)."""
        if self._has_room(piece.stream_id):
            await self._take_piece(piece)

    async def _gap(self, gap: ForwardTsnChunk) -> None:
        """Process a notice of skipped messages, for known streams only."""
        gap.streams = [stream for stream in gap.streams if stream[0] in self._sctp._inbound_streams]
        await self._take_gap(gap)

    def _has_room(self, stream_id: int) -> bool:
        streams, channels = self._sctp._inbound_streams, self._sctp._data_channels
        if stream_id not in streams and max(len(streams), len(channels)) >= MAX_CHANNELS:
            return False
        unfinished = sum(len(stream.reassembly) for stream in streams.values())
        return max(unfinished, len(self._sctp._sack_misordered)) < MAX_PIECES

    async def _message(self, stream_id: int, protocol: int, content: bytes) -> None:
        """Process a complete message."""
        # Dropped without a response, which would add to a flood.
        if not self._credit.spend():
            return
        short = content if protocol == WEBRTC_DCEP or len(content) <= MAX_BYTES else _head(content)
        if short is not None and self._is_sound(stream_id, protocol, short):
            await self._take_message(stream_id, protocol, short)

    def _is_sound(self, stream_id: int, protocol: int, content: bytes) -> bool:
        if protocol == WEBRTC_DCEP:
            return content[:1] == bytes([DATA_CHANNEL_OPEN]) and self._opens(stream_id, content)
        return protocol in (WEBRTC_STRING, WEBRTC_BINARY) and len(content) <= MAX_BYTES and _is_text(content)

    def _opens(self, stream_id: int, content: bytes) -> bool:
        """Return whether an open request is valid: a duplicate number or a non-ASCII name would end the connection."""
        return stream_id not in self._sctp._data_channels and len(content) <= MAX_BYTES and content[12:].isascii()


def _count_chunks(packet: bytes) -> int:
    """Return the number of chunks of a packet (RFC 9260, section 3.2), up to one above the limit."""
    count, at = 0, 12
    while at + 4 <= len(packet) and count <= MAX_CHUNKS:
        length = int.from_bytes(packet[at + 2 : at + 4])
        at += max(4, length + -length % 4)
        count += 1
    return count


def _head(content: bytes) -> bytes | None:
    """Return the envelope of an RTVI message, so that it can be refused; None if it has none."""
    try:
        return _Head.model_validate_json(content).model_dump_json().encode()
    except ValidationError:
        return None


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
