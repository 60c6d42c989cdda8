"""The model fails: the caller hears something soon, nothing is tried for ever, and one record tells of it."""

from collections.abc import Callable
from http import HTTPStatus

import pytest

from standins.nova.faults import Fault
from tests.integration.conftest import House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import note

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_throttled_for_good(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """Three tries, then the verbs that Twilio holds already: the caller hears that we are sorry."""
    house.nova.faults.add(Fault(on="open", times=None, error="ThrottlingException"))
    refused = house.nova.ledger.streams_refused
    async with dial() as caller:
        await caller.until("say")
        await caller.until("ended", 15)
    record = await phone.record(caller.sid)
    assert record["reason"] == "model_unavailable"
    assert house.nova.ledger.streams_refused - refused == 3
    assert await phone.status("/health") == HTTPStatus.OK


async def test_throttled_once(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """The second try is answered, and the caller notices nothing."""
    house.nova.faults.add(Fault(on="open", times=1, error="ThrottlingException"))
    async with dial() as caller:
        await caller.greeted()
        assert caller.notes() == [400]
    record = await phone.record(caller.sid)
    assert (record["reason"], record["model_streams"]) == ("caller_left", 2)


async def test_no_access(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """What a further try cannot cure is tried once."""
    house.nova.faults.add(Fault(on="open", times=None, error="AccessDeniedException"))
    refused = house.nova.ledger.streams_refused
    async with dial() as caller:
        await caller.until("say")
    record = await phone.record(caller.sid)
    assert record["reason"] == "model_rejected"
    assert house.nova.ledger.streams_refused - refused == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(
            on="answer",
            skip=1,
            after_ms=300,
            action="exception",
            error="validationException",
            message="System instability detected. Please retry your request.",
        ),
        Fault(on="answer", skip=1, after_ms=300, action="close"),
        Fault(on="answer", skip=1, after_ms=300, action="disconnect"),
    ],
    ids=lambda fault: f"{fault.action}-{fault.error}",
)
async def test_lost_in_the_middle_of_an_answer(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], fault: Fault
) -> None:
    """Another stream takes over with what was said, and the call goes on."""
    house.score.plan = lambda turn: [note(400 + 200 * turn.number, 2000 if turn.number == 1 else 400)]
    house.nova.faults.add(fault)
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("sound_begins", count=2)
        await caller.until("sound_ends", count=2)
        await caller.ask()
        assert caller.timeline.last("say") is None
    record = await phone.record(caller.sid)
    assert (record["reason"], record["model_streams"]) == ("caller_left", 2)
    second = house.nova.ledger.sessions[phone.model_sessions(caller.sid)[1]]
    assert second.history == [] or second.history[0][0] == "USER"
    assert any("turn 1" in words.text for words in second.heard) or ("USER", "turn 1") in map(tuple, second.history)


async def test_a_final_error_in_an_open_stream(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """A request that breaks the rules would break them again."""
    fault = Fault(on="answer", skip=1, action="exception", error="validationException", message="Malformed input.")
    house.nova.faults.add(fault)
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("say")
    record = await phone.record(caller.sid)
    assert (record["reason"], record["model_streams"]) == ("model_rejected", 1)


async def test_odd_events_are_left_alone(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """An event from the future or a broken one costs at most itself."""
    async with dial() as caller:
        await caller.greeted()
        for action in ("unknown_event", "bad_json", "odd_audio", "empty_audio"):
            house.nova.faults.add(Fault.model_validate({"on": "answer", "after_ms": 50, "action": action}))
            await caller.ask()
        assert caller.notes() == [400, 600, 800, 1000, 1200]
    assert (await phone.record(caller.sid))["model_streams"] == 1


async def test_a_first_stream_that_never_answers(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """Four seconds of silence, then we ask to wait, and another stream greets."""
    house.nova.faults.add(Fault(on="open", times=1, action="freeze"))
    async with dial() as caller:
        await caller.until("mark", 10)
        assert caller.notes()[-1] == 400
        assert len(caller.notes()) > 1
    record = await phone.record(caller.sid)
    assert (record["reason"], record["model_streams"], record["phrases"]) == ("caller_left", 2, 1)


async def test_a_model_that_never_answers(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """Never dead air: the caller hears the fallback, the streams are gone."""
    house.nova.faults.add(Fault(on="open", times=None, action="freeze"))
    async with dial() as caller:
        await caller.until("say", 20)
    record = await phone.record(caller.sid)
    assert record["reason"] == "model_unavailable"
