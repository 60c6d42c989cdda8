"""A visitor's data channel delivers messages within bounds, whatever a client does with it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from struct import pack
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_DATA_UNORDERED,
    WEBRTC_STRING,
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    SackChunk,
)
from google_crc32c import value as crc32c

from tests.support.waiting import until
from webrtc_agent import channel as bounds
from webrtc_agent import connection, ice
from webrtc_agent.connection import MAX_PENDING, AudioOnlyConnection
from webrtc_agent.request_schemas import OfferRequest


@dataclass
class Pair:
    """A client and the product's side of its connection; messages wait, since no conversation reads them yet."""

    client: RTCPeerConnection
    channel: RTCDataChannel
    ours: AudioOnlyConnection

    @property
    def sctp(self) -> Any:  # noqa: ANN401 - reads private state
        """Return the product's side of the data channels."""
        return self.ours.pc.sctp

    @property
    def came(self) -> list[Any]:
        """Return what arrived, oldest first."""
        return list(self.ours._pending_app_messages)

    async def send(self, *messages: object) -> None:
        """Send, and wait until everything has arrived."""
        for message in messages:
            self.channel.send(json.dumps(message))
        await self.sent()

    async def sent(self) -> None:
        """Wait until the product's side has acknowledged everything."""
        sctp: Any = self.client.sctp
        await until(lambda: not (sctp._data_channel_queue or sctp._outbound_queue or sctp._sent_queue), 8)

    def next_piece(self, flags: int, stream_id: int = 1, gap: int = 0) -> DataChunk:
        """Return a piece with the next number, or with one after a gap."""
        piece = DataChunk(flags=flags)
        piece.tsn = self.sctp._last_received_tsn + 1 + gap
        piece.stream_id, piece.stream_seq = stream_id, 0
        piece.protocol, piece.user_data = WEBRTC_STRING, b"x" * 1000
        return piece


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Connect a client over loopback."""
    ice.offer_only([ip_address("127.0.0.1")])
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    client.addTransceiver("audio")
    channel = client.createDataChannel("chat")
    await client.setLocalDescription(await client.createOffer())
    ours = await connection.answer(OfferRequest(sdp=client.localDescription.sdp, type="offer"))
    answer = ours.get_answer()  # type: ignore[no-untyped-call]
    await client.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    await until(lambda: channel.readyState == "open", 8)
    try:
        yield Pair(client, channel, ours)
    finally:
        await client.close()
        await connection.close(ours)


async def test_what_nobody_takes_is_not_kept_for_ever(pair: Pair) -> None:
    """A client without pings counts as lost; only a bounded number of its last messages wait."""
    await pair.send(*({"type": "a", "number": number} for number in range(bounds.BURST - 5)))
    assert [message["number"] for message in pair.came] == list(range(bounds.BURST - 5))[-MAX_PENDING:]


async def test_a_flood_is_not_even_read(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that are too fast or too long are dropped before Pipecat parses them."""
    parsed: list[str] = []

    def parse(text: str) -> dict[str, str]:
        parsed.append(text)
        return {"type": "a"}

    monkeypatch.setattr("pipecat.transports.smallwebrtc.connection.json.loads", parse)
    await pair.send("x" * bounds.MAX_BYTES)
    assert parsed == []
    await pair.send(*({"type": "a"} for _ in range(500)))
    assert 0 < len(parsed) < bounds.BURST + 30


async def test_of_what_is_too_long_the_head_is_passed_on(pair: Pair) -> None:
    """The head of a message that is too long is passed on, since it names the message to reject."""
    head = {"label": "rtvi-ai", "type": "send-text", "id": "ab12"}
    await pair.send(head | {"data": {"content": "x" * bounds.MAX_BYTES}}, ["x" * bounds.MAX_BYTES])
    assert pair.came == [head]


async def test_a_text_that_is_none_is_forgotten(pair: Pair) -> None:
    """Invalid UTF-8 is dropped, and the connection survives."""
    sctp: Any = pair.client.sctp
    sctp._data_channel_queue.append((pair.channel, WEBRTC_STRING, b'{"type": "\xff"}'))
    await pair.send({"type": "after"})
    assert pair.came == [{"type": "after"}]


async def test_channels_are_few(pair: Pair) -> None:
    """The number of channels is bounded, and messages of the accepted ones still arrive."""
    for _ in range(50):
        pair.client.createDataChannel("more")
    await until(lambda: len(pair.sctp._data_channels) >= bounds.MAX_CHANNELS)
    await pair.sctp._receive_data_chunk(pair.next_piece(SCTP_DATA_FIRST_FRAG, stream_id=999))
    assert len(pair.sctp._data_channels) == len(pair.sctp._inbound_streams) == bounds.MAX_CHANNELS


async def test_a_message_without_an_end_is_not_kept_for_ever(pair: Pair) -> None:
    """A message without an end is not kept: after a bounded number, its pieces are not acknowledged."""
    for _ in range(bounds.MAX_PIECES * 2):
        await pair.sctp._receive_data_chunk(pair.next_piece(SCTP_DATA_FIRST_FRAG))
    (stream,) = pair.sctp._inbound_streams.values()
    assert len(stream.reassembly) == bounds.MAX_PIECES


async def test_messages_after_one_that_never_comes_are_not_counted_for_ever(pair: Pair) -> None:
    """Messages after a missing one are delivered out of order, and the record of them is bounded."""
    flags = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG | SCTP_DATA_UNORDERED
    for gap in range(1, bounds.MAX_PIECES * 2):
        await pair.sctp._receive_data_chunk(pair.next_piece(flags, gap=gap))
    assert len(pair.sctp._sack_misordered) == bounds.MAX_PIECES


async def test_word_of_a_gap_makes_no_streams(pair: Pair) -> None:
    """A report of a gap creates no streams: a packet of 1200 bytes could name three hundred."""
    gap = ForwardTsnChunk()
    gap.cumulative_tsn = pair.sctp._last_received_tsn + 1
    gap.streams = [(number, 0) for number in range(300)]
    await pair.sctp._receive_forward_tsn_chunk(gap)
    assert len(pair.sctp._inbound_streams) == 1


@pytest.mark.parametrize("content", [b"\x00", b"\x02", b"\x03", b"\x03" + bytes(11) + b"\xff", b"\x03" + bytes(11)])
async def test_what_opens_no_channel_ends_no_connection(pair: Pair, content: bytes) -> None:
    """Acknowledgements of unknown channels, invalid names and a second opening are ignored."""
    sctp: Any = pair.client.sctp
    sctp._data_channel_queue.append((pair.channel, 50, content))
    await pair.send({"type": "after"})
    assert pair.came == [{"type": "after"}]


async def test_what_is_too_long_for_a_client_is_no_error(pair: Pair) -> None:
    """Pipecat would report the error to the client, in another message that is too long."""
    pair.sctp._remote_max_message_size = 100
    pair.ours.send_app_message({"type": "x" * 200})
    received: list[object] = []
    pair.channel.on("message", received.append)
    pair.ours.send_app_message({"type": "a"})
    await until(lambda: received == ['{"type": "a"}'])


async def test_an_acknowledgement_of_what_was_never_sent_costs_nothing(pair: Pair) -> None:
    """One packet could name twenty million numbers, and the event loop would check each."""
    sack = SackChunk()
    sack.cumulative_tsn, sack.advertised_rwnd = pair.sctp._last_sacked_tsn, 1_000_000
    sack.gaps = [(1, 65_535)] * 280
    await pair.sctp._receive_chunk(sack)
    assert sack.gaps == []
    received: list[object] = []
    pair.channel.on("message", received.append)
    pair.ours.send_app_message({"type": "a"})
    await until(lambda: received == ['{"type": "a"}'])


async def test_what_has_to_be_answered_is_bounded(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred requests fit into one packet; a client sends at most one in half a minute."""
    sent: list[object] = []

    async def send(chunk: object) -> None:
        sent.append(chunk)

    monkeypatch.setattr(pair.sctp, "_send_chunk", send)
    for _ in range(1000):
        await pair.sctp._receive_chunk(HeartbeatChunk())
    assert 0 < len(sent) <= bounds.CONTROL_BURST + 5


async def test_packets_of_many_chunks_are_dropped(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets of many chunks are dropped, and so are packets that come faster than any client sends them."""
    taken: list[object] = []

    async def take(chunk: object) -> None:
        taken.append(chunk)

    monkeypatch.setattr(pair.sctp, "_receive_chunk", take)
    tag = pair.sctp._local_verification_tag
    await pair.sctp._handle_data(_packet(tag, bounds.MAX_CHUNKS + 1))
    assert taken == []
    for _ in range(1000):
        await pair.sctp._handle_data(_packet(tag, 1))
    assert 0 < len(taken) <= bounds.PACKET_BURST + 100


def _packet(tag: int, chunks: int) -> bytes:
    """Return a packet of empty chunks with its checksum, following RFC 9260."""
    packet = bytearray(pack("!HHLL", 5000, 5000, tag, 0) + bytes(HeartbeatChunk()) * chunks)
    packet[8:12] = pack("<L", crc32c(bytes(packet)))
    return bytes(packet)
