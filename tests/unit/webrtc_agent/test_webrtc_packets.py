"""A visitor's sound comes within bounds, packet by packet."""

import itertools
from collections.abc import Iterator
from typing import Any

from aiortc.rtcdtlstransport import RtpRouter
from aiortc.rtp import RtpPacket

from webrtc_agent import connection
from webrtc_agent.connection import SoundConnection
from webrtc_agent.packets import BURST, MAX_SOURCES, PER_SECOND, SoundDoor


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
