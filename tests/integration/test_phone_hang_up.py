"""Callers who hang up at the worst moment: the service releases everything within five seconds, with one record."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from standins.nova.backend import Step
from standins.twilio.twiml_program import new_sid
from tests.integration.conftest import House
from tests.support import ledger
from tests.support.caller import Caller
from tests.support.frugal import used_mb
from tests.support.phone_process import PhoneProcess
from tests.support.score import Turn, note
from tests.support.stranger import Stranger
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

RELEASED_WITHIN = 5.0


async def _released(phone: PhoneProcess, house: House) -> None:
    """Wait until slots and model streams are released."""

    async def free() -> bool:
        return house.nova.ledger.streams_open == 0 and await phone.sessions() == 0

    await until(free, RELEASED_WITHIN)


def _long_answers(turn: Turn) -> Sequence[Step]:
    return [note(400 + 200 * turn.number, 400 if turn.number == 0 else 9000)]


async def test_in_the_middle_of_an_answer(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """The agent discards the rest of the reply when the caller hangs up during it."""
    house.score.plan = _long_answers
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("sound_begins", count=2)
    await _released(phone, house)
    record = await phone.record(caller.sid)
    assert (record["reason"], record["caller_turns"], record["agent_turns"]) == ("caller_hung_up", 1, 2)


@pytest.mark.parametrize("how", ["rst", "fin"])
async def test_the_connection_breaks(phone: PhoneProcess, house: House, dial: Callable[[], Caller], how: str) -> None:
    """A broken connection without `stop` or a close frame counts as lost, and the record says so."""
    house.score.plan = _long_answers
    async with dial() as caller:
        await caller.greeted()
        assert caller.call.stream is not None
        caller.call.stream.break_off("rst" if how == "rst" else "fin")
        await _released(phone, house)
    assert (await phone.record(caller.sid))["reason"] == "media_disconnected"


async def test_before_the_stream_says_whose_it_is(phone: PhoneProcess, house: House, stranger: Stranger) -> None:
    """A model stream opened ahead is released when the caller hangs up before the media stream starts.

    One caller leaves while Twilio connects, one before that; Twilio does not report the second.
    """
    await stranger.ring()
    sids = [stranger.call_sid]
    async with await stranger.open_stream() as socket:
        await socket.send(stranger.announcer().connected())
    stranger.call_sid = new_sid("CA")
    await stranger.ring()
    sids.append(stranger.call_sid)
    await _released(phone, house)
    assert [(await phone.record(sid))["reason"] for sid in sids] == ["never_connected"] * 2


@pytest.mark.timeout(120)  # 20 s, and three times that beside other jobs
@pytest.mark.real_time("the memory measured is that of the service as it ships")
@pytest.mark.thorough  # a hundred calls
async def test_nothing_is_left_of_a_hundred_calls(house: House) -> None:
    """A hundred calls in groups of twenty leave nothing, though half of them break during a reply.

    Threads and files are as after the first twenty calls; memory is as after the first sixty, which bring the process
    to its normal size.
    """
    house.score.plan = lambda _turn: [note(400, 9000)]
    async with house.start_phone("crowds", ("tests.support.frugal", "phone_agent")) as phone:
        await _crowd(phone, house)
        before, used = phone.held(), [await used_mb(phone)]
        for _ in range(5):
            await _crowd(phone, house)
            used.append(await used_mb(phone))
        await until(lambda: phone.held().descriptors <= before.descriptors + 2)
        ledger.nothing_is_held(before, phone.held())
        assert min(used[-3:]) - used[2] < 10, used
        reasons = Counter(line["reason"] for line in phone.lines("session_ended"))
    assert reasons == {"media_disconnected": 60, "caller_hung_up": 60}


async def _crowd(phone: PhoneProcess, house: House) -> None:
    callers = [Caller(house.exchange, phone.url) for _ in range(20)]
    for caller in callers:
        await caller.__aenter__()
    await asyncio.gather(*(caller.until("sound_begins", 20) for caller in callers))
    for caller in callers[::2]:
        assert caller.call.stream is not None
        caller.call.stream.break_off("rst")
    await asyncio.gather(*(caller.hang_up() for caller in callers[1::2]))
    await _released(phone, house)
    await asyncio.gather(*(caller.hang_up() for caller in callers))  # Twilio runs the fallback of the broken calls
