"""A connection is closed whole, whatever state it is in and whoever loses patience."""

import asyncio

from tests.support.waiting import until
from webrtc_agent import connection
from webrtc_agent.connection import SoundConnection


async def test_a_close_that_is_given_up_goes_on(answered: SoundConnection) -> None:
    """Pipecat cancels its own in the middle: the next one waits for the same, and nothing is left."""
    first = asyncio.create_task(answered.disconnect())  # type: ignore[no-untyped-call]
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(connection.CLOSE_SECONDS):
        await answered.disconnect()  # type: ignore[no-untyped-call]
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_a_connection_that_is_closed_twice_is_closed_once(answered: SoundConnection) -> None:
    """The second time costs nothing."""
    await connection.close(answered)
    async with asyncio.timeout(0.1):
        await connection.close(answered)
