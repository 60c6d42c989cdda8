"""What a visitor may send over their data channel, before anything is made of it.

aiortc keeps what is unfinished, opens whatever channels a peer asks for, and ends the connection over a text that is
none, with that text in the log. It answers each piece of a packet, and counts acknowledged numbers one by one: a packet
of 1200 bytes can name twenty million, for which all visitors wait seconds. Pipecat parses every message unasked.
Neither has a setting for any of this.
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
"""One message. The longest text that is read takes up to 12 KB as JSON. Of a longer one only the head is passed on."""
BURST = 40
PER_SECOND = 10.0
"""Messages: five a second are read, a ping comes every second."""
MAX_CHANNELS = 4
"""A client opens one, and another after that was closed."""
PACKET_BURST = 600
PACKETS_PER_SECOND = 120.0
"""Packets of SCTP: a message of 16 KB takes 15, each of ours is acknowledged by one."""
MAX_CHUNKS = 16
"""In one packet. Clients put an acknowledgement and a message or two into one."""
MAX_GAPS = 16
"""Gaps that an acknowledgement may name; it is clear without them what has arrived, only later."""
CONTROL_BURST = 40
CONTROL_PER_SECOND = 5.0
"""Of what is neither a message nor an acknowledgement: each is answered."""
MAX_PIECES = 256
"""What waits for its beginning or its end. A message of 16 KB comes in 15 pieces."""


class _Head(BaseModel):
    """What a message of RTVI says about itself. The guard behind this takes fewer characters."""

    label: Annotated[str, Field(max_length=100)]
    type: Annotated[str, Field(max_length=100)]
    id: Annotated[str, Field(max_length=100)]


class DataChannelLimiter:
    """Stands before all data channels of one connection.

    Args:
        sctp: What carries them; takes nothing from here on that was not let in.
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
        """Take a packet of few chunks; what is dropped here is lost, as in any network."""
        if self._packets.spend() and _count_chunks(packet) <= MAX_CHUNKS:
            await self._take_packet(packet)

    async def _chunk(self, chunk: Any) -> None:  # noqa: ANN401 - aiortc's chunks have no common public type
        """Take a chunk."""
        if isinstance(chunk, SackChunk):
            unacknowledged = len(self._sctp._sent_queue)
            chunk.gaps = [gap for gap in chunk.gaps[:MAX_GAPS] if gap[0] <= gap[1] <= unacknowledged]
        elif not isinstance(chunk, DataChunk) and not self._controls.spend():
            return
        await self._take_chunk(chunk)

    async def _piece(self, piece: DataChunk) -> None:
        """Take a piece, or none where there is no room: it is not acknowledged, as RFC 9260 has it (section 6.2)."""
        if self._has_room(piece.stream_id):
            await self._take_piece(piece)

    async def _gap(self, gap: ForwardTsnChunk) -> None:
        """Take word of what will never come, of streams from which something came."""
        gap.streams = [stream for stream in gap.streams if stream[0] in self._sctp._inbound_streams]
        await self._take_gap(gap)

    def _has_room(self, stream_id: int) -> bool:
        streams, channels = self._sctp._inbound_streams, self._sctp._data_channels
        if stream_id not in streams and max(len(streams), len(channels)) >= MAX_CHANNELS:
            return False
        unfinished = sum(len(stream.reassembly) for stream in streams.values())
        return max(unfinished, len(self._sctp._sack_misordered)) < MAX_PIECES

    async def _message(self, stream_id: int, protocol: int, content: bytes) -> None:
        """Take a whole message."""
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
        """Judge what opens a channel: a second one of the same number, or a name that is none, ends the connection."""
        return stream_id not in self._sctp._data_channels and len(content) <= MAX_BYTES and content[12:].isascii()


def _count_chunks(packet: bytes) -> int:
    """Count the chunks of a packet by their lengths (RFC 9260, section 3.2), up to one more than there may be."""
    count, at = 0, 12
    while at + 4 <= len(packet) and count <= MAX_CHUNKS:
        length = int.from_bytes(packet[at + 2 : at + 4])
        at += max(4, length + -length % 4)
        count += 1
    return count


def _head(content: bytes) -> bytes | None:
    """Return what a message of RTVI says about itself, so that it can be refused; None if it says nothing."""
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
