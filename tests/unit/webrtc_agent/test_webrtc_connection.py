"""A connection is closed whole, whatever state it is in and whoever loses patience."""

import asyncio
from ipaddress import ip_address

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.support.waiting import until
from webrtc_agent import connection, ice
from webrtc_agent.connection import SoundConnection
from webrtc_agent.requests import OfferRequest


@pytest.fixture
async def unmet() -> SoundConnection:
    """Answer somebody who has left since, over loopback only."""
    ice.offer_only([ip_address("127.0.0.1")])
    visitor = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    visitor.addTransceiver("audio")
    visitor.createDataChannel("chat")
    await visitor.setLocalDescription(await visitor.createOffer())
    offer = OfferRequest(sdp=visitor.localDescription.sdp, type="offer")
    await visitor.close()
    return await connection.answer(offer)


async def test_a_close_that_is_given_up_goes_on(unmet: SoundConnection) -> None:
    """Pipecat cancels its own in the middle: the next one waits for the same, and nothing is left."""
    first = asyncio.create_task(unmet.disconnect())  # type: ignore[no-untyped-call]
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(connection.CLOSE_SECONDS):
        await unmet.disconnect()  # type: ignore[no-untyped-call]
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_a_connection_that_is_closed_twice_is_closed_once(unmet: SoundConnection) -> None:
    """The second time costs nothing."""
    await connection.close(unmet)
    async with asyncio.timeout(0.1):
        await connection.close(unmet)
