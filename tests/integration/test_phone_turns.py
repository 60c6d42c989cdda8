"""Calls through the whole product over its real protocols: each caller hears only their own replies."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import pytest

from standins.nova.backend import Step
from tests.integration.conftest import House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import Turn, note, notes_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_is_greeted_and_answered(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """A call has a greeting, a question, a reply and a goodbye, with one model stream and one record.

    The model knows the caller's place.
    """
    async with dial() as caller:
        await caller.greeted()
        await caller.ask()
        assert caller.notes() == [400, 600]
        assert caller.timeline.last("warning") is None
    record = await phone.record(caller.sid)
    assert record["reason"] == "caller_hung_up"
    assert (record["caller_turns"], record["agent_turns"], record["interruptions"]) == (1, 2, 0)
    assert (record["model_streams"], record["malformed_messages"], record["audio_dropped_ms"]) == (1, 0, 0)
    (model_session,) = phone.model_sessions(caller.sid)
    session = house.nova.ledger.sessions[model_session]
    assert (session.input_rate, session.output_rate) == (8000, 8000)
    assert "San Francisco, US" in session.system


async def test_a_barge_in_ends_the_answer_for_good(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """A barge-in in the second of three turns clears Twilio's buffer, and nothing of that reply plays later."""
    lengths = {0: 400, 1: 400, 2: 9000, 3: 400}

    def plan(turn: Turn) -> Sequence[Step]:
        return [note(400 + 200 * turn.number, lengths[turn.number])]

    house.score.plan = plan
    async with dial() as caller:
        await caller.greeted()
        await caller.ask()
        await caller.speak()
        await caller.until("sound_begins", count=3)
        await asyncio.sleep(0.5)
        await caller.speak()
        cleared = await caller.until("clear")
        cut_at = len(caller.recording.pcm())
        await caller.until("sound_begins", count=4)
        await caller.until("mark", count=3)  # the agent never sent the mark of the interrupted reply
        assert caller.notes() == [400, 600, 800, 1000]
        assert notes_in(caller.recording.pcm()[cut_at:]) == [1000]
        assert int(str(cleared.fields["dropped_ms"])) > 0
    record = await phone.record(caller.sid)
    assert (record["caller_turns"], record["agent_turns"], record["interruptions"]) == (3, 4, 1)
    assert record["audio_out_ms"] < 400 * 3 + 4000


async def test_twenty_calls_at_once_hear_their_own_answers(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """Each of twenty simultaneous callers hears one tone, which is that of the call's own model session."""
    house.score.plan = lambda turn: [note(400 + 100 * (turn.session % 20), 400, f"session {turn.session}")]
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(dial()) for _ in range(20)]
        await asyncio.gather(*(caller.until("mark", 20) for caller in callers))
        await asyncio.gather(*(caller.ask(20) for caller in callers))
        for caller in callers:
            (model_session,) = phone.model_sessions(caller.sid)
            said = {words.text for words in house.nova.ledger.sessions[model_session].said}
            (pitch,) = {int(text.split()[0]) for text in said}
            assert caller.notes() == [pitch]
        assert len({caller.notes()[0] for caller in callers}) == 20
    records = await asyncio.gather(*(phone.record(caller.sid, 10) for caller in callers))
    assert {record["reason"] for record in records} == {"caller_hung_up"}
    assert all(record["agent_turns"] == 2 for record in records)
