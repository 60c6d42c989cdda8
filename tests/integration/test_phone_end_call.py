"""How the agent ends a call: the caller hears the goodbye, then Twilio ends the call without the fallback."""

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest

from agent_core.events import GOODBYE_SECONDS
from standins.nova.backend import Step
from standins.twilio.call_server import RestFault
from tests.integration.conftest import House
from tests.support.books import balance
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import LEAVE, Turn, note, take_leave, use

pytestmark = pytest.mark.asyncio(loop_scope="session")

SORRY = "Sorry, we lost our assistant."


def _say_goodbye(turn: Turn) -> Sequence[Step]:
    return [use("end_call", reason="caller_said_goodbye")] if turn.number else [note(400, 300)]


async def test_the_agent_hangs_up(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """The caller hears the whole goodbye, then the agent ends the call over REST, without an apology."""
    house.score.plan = _say_goodbye
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        ended = await caller.until("ended")
        assert ended.fields["reason"] == "ended_by_rest"
        assert (await caller.until("rest")).fields == {"status": "completed"}
        assert caller.timeline.last("say") is None
        assert caller.notes() == [400, 2000]
    record = await phone.record(caller.sid)
    assert (record["reason"], record["tools"]) == ("agent_ended", {"end_call": 1})


async def test_one_refusal_of_the_rest_service_is_not_noticed(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """The agent retries after a temporary failure of the REST API, and the caller notices nothing."""
    house.score.plan = _say_goodbye
    house.exchange.rest_faults.append(RestFault(status=500, times=1))
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        assert (await caller.until("ended")).fields["reason"] == "ended_by_rest"
    assert (await phone.record(caller.sid))["reason"] == "agent_ended"


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (RestFault(status=500, times=9), 2),
        (RestFault(status=401, times=9), 1),
        (RestFault(status=500, times=9, hang_seconds=4.5), 2),
    ],
    ids=["failing", "refusing", "hanging"],
)
async def test_without_the_rest_service_the_call_is_closed_all_the_same(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], fault: RestFault, requests: int
) -> None:
    """Without the REST API, the agent closes the stream within five seconds, and the fallback verbs run."""
    house.score.plan = _say_goodbye
    house.exchange.rest_faults.append(RestFault(fault.status, fault.times, fault.hang_seconds))
    before = house.exchange.rest_requests
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("sound_begins", count=2)
        began = time.monotonic()
        await caller.until("stream_closed", 8)
        assert time.monotonic() - began < 6
    assert house.exchange.rest_requests - before == requests
    assert (await phone.record(caller.sid))["reason"] == "agent_ended"
    assert phone.lines("hang_up_failed", call_sid=caller.sid)


@pytest.mark.thorough  # the same goodbye on another host
async def test_in_another_region_a_goodbye_is_the_end_all_the_same(house: House) -> None:
    """Without the right region every call is unknown: an error names the setting, and no person is dialled."""
    house.score.plan = _say_goodbye
    house.exchange.elsewhere = True
    try:
        async with house.start_phone("elsewhere", FALLBACK_DESTINATION="tel:+46850000000") as phone:
            async with Caller(house.exchange, phone.url) as first:  # the number is known now
                await first.greeted()
            async with Caller(house.exchange, phone.url) as caller:
                await caller.greeted()
                await caller.speak()
                ended = await caller.until("ended", 15)
                assert ended.fields["reason"] == "hung_up_by_document"
                assert not caller.timeline.named("say")
                assert not caller.timeline.named("dial")
            (line,) = phone.lines("hang_up_failed", call_sid=caller.sid)
            assert line["level"] == "error"
            assert "TWILIO_REGION" in line["error"]
            assert (await phone.record(caller.sid))["reason"] == "agent_ended"
            async with Caller(house.exchange, phone.url) as lost:
                await lost.greeted()
                assert lost.call.stream is not None
                lost.call.stream.break_off("rst")
                await lost.until("dial_ended", 20)
                assert lost.timeline.named("say")[0].fields["text"] == SORRY
    finally:
        house.exchange.elsewhere = False


async def test_a_caller_who_says_nothing_is_asked_and_then_let_go(house: House) -> None:
    """A silent caller gets one question three seconds after the greeting, and a goodbye three seconds later.

    The fallback does not run.
    """
    house.score.plan = lambda turn: [note(400 + 200 * turn.number, 3000 if turn.number == 0 else 300)]
    async with house.start_phone("silent", IDLE_PROMPT_SECONDS="3") as phone:
        async with Caller(house.exchange, phone.url) as caller:
            ended = await caller.until("ended", 25)
            assert ended.fields["reason"] == "ended_by_rest"
            assert caller.timeline.last("say") is None
            assert caller.notes() == [400, 600, 800]
            begins, ends = caller.timeline.named("sound_begins"), caller.timeline.named("sound_ends")
            silences = [begin.at - end.at for begin, end in zip(begins[1:], ends, strict=False)]
            assert all(silence > 2.5 for silence in silences)
        record = await phone.record(caller.sid)
    assert (record["reason"], record["agent_turns"], record["caller_turns"]) == ("idle_timeout", 3, 0)


async def _ask_for(caller: Caller, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            await caller.ask()


@pytest.mark.parametrize(
    ("talks", "goodbyes"),
    [(8.0, 1), pytest.param(60.0, 0, marks=pytest.mark.thorough)],
    ids=["listens", "talks-over-it"],
)
async def test_a_call_of_the_longest_length_is_ended(house: House, talks: float, goodbyes: int) -> None:
    """A call that reaches its time limit gets a goodbye, and the agent ends it at most ten seconds later."""
    house.score.plan = take_leave
    async with house.start_phone("time-limit", MAX_CALL_SECONDS="10") as phone:
        async with Caller(house.exchange, phone.url) as caller:
            began = (await caller.until("stream_started")).at
            await caller.greeted()
            asking = asyncio.create_task(_ask_for(caller, talks))
            ended = await caller.until("ended", 10 + GOODBYE_SECONDS + 2)
            asking.cancel()
            assert ended.fields["reason"] == "ended_by_rest"
            assert 10 <= ended.at - began < 10 + GOODBYE_SECONDS + 1
            assert caller.timeline.last("say") is None, "the verbs behind the stream ran"
            assert caller.notes().count(LEAVE) >= goodbyes
        assert (await balance(phone, house, caller.sid))["reason"] == "max_duration"
