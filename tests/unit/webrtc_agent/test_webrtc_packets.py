"""A visitor's audio packets are accepted within bounds."""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from aiortc.codecs.opus import OpusEncoder
from aiortc.rtcdtlstransport import RtpRouter
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket, RtpPacket
from av import AudioFrame

from webrtc_agent import connection
from webrtc_agent.audio_packets import (
    BURST,
    MAX_SOURCES,
    PER_SECOND,
    REPORT_BURST,
    REPORT_BYTES_PER_SECOND,
    SOUND_BURST,
    SOUND_PER_SECOND,
    RtpLimiter,
    opus_milliseconds,
)
from webrtc_agent.connection import AudioOnlyConnection


def router_of(receiver: object, payload_type: int = 96) -> Any:  # noqa: ANN401 - aiortc's own
    """Return aiortc's router, with a decoder behind it."""
    router: Any = RtpRouter()
    router.register_receiver(receiver, ssrcs=[0], payload_types=[payload_type])
    return router


def packets(*sources: int) -> Iterator[RtpPacket]:
    """Return packets of these sources, again and again."""
    for number, source in enumerate(itertools.cycle(sources)):
        yield RtpPacket(payload_type=96, sequence_number=number & 0xFFFF, ssrc=source)


def test_a_visitor_has_one_microphone() -> None:
    """Packets of further sources are dropped, and those of the first still pass."""
    decoder = object()
    router = router_of(decoder)
    RtpLimiter(router, lambda: 0.0)
    for packet in itertools.islice(packets(*range(200)), 200):
        router.route_rtp(packet)
    assert len(router.ssrc_table) == MAX_SOURCES
    assert router.route_rtp(next(packets(0))) is decoder


def test_nobody_speaks_that_fast() -> None:
    """Audio beyond what any client sends is not decoded."""
    now = [0.0]
    router = router_of(object())
    RtpLimiter(router, lambda: now[0])
    passed = 0
    for packet in itertools.islice(packets(0), 10_000):
        now[0] += 0.001
        passed += router.route_rtp(packet) is not None
    assert BURST < passed <= BURST + 10 * PER_SECOND


@pytest.mark.parametrize(
    ("payload", "milliseconds"),
    [
        (b"", 0),
        (bytes([31 << 3]), 20),
        (bytes([0 << 3]), 10),
        (bytes([3 << 3]), 60),
        (bytes([13 << 3 | 1]), 40),
        (bytes([16 << 3 | 3, 48]), 120),
        (bytes([31 << 3 | 3, 6]), 120),
        (bytes([31 << 3 | 3, 63]), 120),
        (bytes([31 << 3 | 3]), 0),
    ],
)
def test_how_long_a_packet_of_opus_is(payload: bytes, milliseconds: float) -> None:
    """The duration follows RFC 6716; a packet that breaks it is decoded to nothing."""
    assert opus_milliseconds(payload) == milliseconds


def test_a_real_encoder_makes_packets_of_twenty_milliseconds() -> None:
    """A real encoder makes packets of 20 ms in each of its modes."""
    encoder = OpusEncoder()
    for number in range(10):
        frame = AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        payloads, _ = encoder.encode(frame)
        assert [opus_milliseconds(bytes(payload)) for payload in payloads] in ([], [20])


@pytest.mark.parametrize(("kind", "payload"), [(96, bytes([31 << 3 | 3, 6])), (0, bytes(960))])
def test_long_packets_are_fewer(kind: int, payload: bytes) -> None:
    """Audio is limited by its duration: a visitor cannot speak faster than real time."""
    now = [0.0]
    router = router_of(object(), kind)
    RtpLimiter(router, lambda: now[0])
    passed = 0
    for number in range(1000):
        now[0] += 0.01
        packet = RtpPacket(payload_type=kind, sequence_number=number, ssrc=0, payload=payload)
        passed += router.route_rtp(packet) is not None
    assert 0 < passed * 120 <= SOUND_BURST + 10 * SOUND_PER_SECOND


async def test_the_door_is_there(answered: AudioOnlyConnection) -> None:
    """The filter is in every connection."""
    router: Any = answered.pc.getTransceivers()[0].receiver.transport._rtp_router
    try:
        assert isinstance(router.route_rtp.__self__, RtpLimiter)
    finally:
        await connection.close(answered)


async def test_nothing_is_sent_again(answered: AudioOnlyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """One packet could request thousands of packets, and a report costs little to send, so few reports are read."""
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
