"""Calls with a slow model that delivers in bursts, as public reports measured it."""

from collections.abc import Callable, Iterator

import pytest

from standins.nova.pace import FIELD
from tests.integration.conftest import House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import note

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("in_the_field")]


@pytest.fixture
def in_the_field(house: House) -> Iterator[None]:
    """Make the model answer at the measured pace."""
    quick, house.nova.pace = house.nova.pace, FIELD
    yield
    house.nova.pace = quick


@pytest.mark.thorough
async def test_a_slow_model_is_waited_for(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """The caller hears three slow replies in full, on one stream, without the hold announcement."""
    house.score.plan = lambda turn: [note(400 + 200 * turn.number, 2400)]
    async with dial() as caller:
        await caller.greeted()
        await caller.ask()
        await caller.ask()
        assert caller.notes() == [400, 600, 800]
        assert caller.timeline.last("warning") is None
    record = await phone.record(caller.sid)
    assert (record["model_streams"], record["model_errors"], record["phrases"]) == (1, {}, 0)
    assert (record["caller_turns"], record["agent_turns"], record["interruptions"]) == (2, 3, 0)
    assert record["audio_out_ms"] >= 3 * 2400
