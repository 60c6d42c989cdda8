"""A visitor's sound comes within bounds, packet by packet."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from aiortc.rtcdtlstransport import RtpRouter
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket, RtpPacket

from webrtc_agent import connection
from webrtc_agent.connection import SoundConnection
from webrtc_agent.packets import BURST, MAX_SOURCES, PER_SECOND, REPORT_BURST, REPORT_BYTES_PER_SECOND, SoundDoor


def router_of(receiver: object) -> Any:  # noqa: ANN401 - aiortc's own
    """Make aiortc's router, with somebody who decodes."""
    router: Any = RtpRouter()
    router.register_receiver(receiver, ssrcs=[0], payload_types=[96])
    return router


def packets(*sources: int) -> Iterator[RtpPacket]:
    """Make packets of these sources, again and again."""
    for number, source in enumerate(itertools.cycle(sources)):
        yield RtpPacket(payload_type=96, sequence_number=number & 0xFFFF, ssrc=source)


def test_a_visitor_has_one_microphone() -> None:
    """Packets of ever new sources go nowhere, and those of the first still pass."""
    decoder = object()
    router = router_of(decoder)
    SoundDoor(router, lambda: 0.0)
    for packet in itertools.islice(packets(*range(200)), 200):
        router.route_rtp(packet)
    assert len(router.ssrc_table) == MAX_SOURCES
    assert router.route_rtp(next(packets(0))) is decoder


def test_nobody_speaks_that_fast() -> None:
    """What is more than any client sends is not decoded."""
    now = [0.0]
    router = router_of(object())
    SoundDoor(router, lambda: now[0])
    passed = 0
    for packet in itertools.islice(packets(0), 10_000):
        now[0] += 0.001
        passed += router.route_rtp(packet) is not None
    assert BURST < passed <= BURST + 10 * PER_SECOND


async def test_the_door_is_there(answered: SoundConnection) -> None:
    """It stands in every connection."""
    router: Any = answered.pc.getTransceivers()[0].receiver.transport._rtp_router
    try:
        assert isinstance(router.route_rtp.__self__, SoundDoor)
    finally:
        await connection.close(answered)


async def test_nothing_is_sent_again(answered: SoundConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """One packet could ask for thousands, and a report costs little to send; those that are read are few."""
    sender: Any = answered.pc.getTransceivers()[0].sender
    transport: Any = sender.transport
    transport._rtp_router.register_sender(sender, ssrc=sender._ssrc)
    seen: list[object] = []

    async def take(packet: object) -> None:
        seen.append(packet)

    monkeypatch.setattr(sender, "_handle_rtcp_packet", take)
    try:
        lost = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=sender._ssrc, lost=list(range(5000)))
        await transport._handle_rtcp_data(bytes(lost))
        assert seen == []
        report = RtcpReceiverInfo(
            ssrc=sender._ssrc, fraction_lost=0, packets_lost=0, highest_sequence=1, jitter=0, lsr=0, dlsr=0
        )
        reports = bytes(RtcpRrPacket(ssrc=1, reports=[report]))
        for _ in range(5000):
            await transport._handle_rtcp_data(reports)
        assert 0 < len(seen) <= (REPORT_BURST + 2 * REPORT_BYTES_PER_SECOND) / len(reports)
    finally:
        await connection.close(answered)
