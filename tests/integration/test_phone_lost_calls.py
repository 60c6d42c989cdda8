"""A call outlives its task: the connection breaks or a process is killed, and the caller continues."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agent_core.lost_records import BEAT_SECONDS, SWEEP_SECONDS
from agent_core.open_conversations import SILENT_SECONDS
from standins.nova.backend import Step
from standins.nova.faults import ModelFault
from standins.twilio.call_server import RestFault
from standins.twilio.signing import sign
from tests.integration.conftest import House
from tests.support.audit import Audit
from tests.support.caller import Caller
from tests.support.hurried import HASTE
from tests.support.phone_process import PhoneProcess
from tests.support.phones_behind_edge import Fleet, phones_behind_edge
from tests.support.score import Turn, note, use
from tests.support.stranger import Stranger, close_code, invitation_in
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAIT = "One moment."
SORRY = "Sorry, we lost our assistant."
SECRET = "weather in Reykjavik"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(house: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """Run two tasks that share a call store."""
    async with phones_behind_edge(house.start_phone, tmp_path_factory.mktemp("calls")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def tasks(fleet: Fleet, house: House) -> AsyncIterator[Fleet]:
    """Return the tasks when idle; check afterwards that they are idle and that the store is empty."""
    house.score.plan = _words
    audits = [Audit(task, house.nova.ledger) for task in fleet.tasks]
    yield fleet
    house.nova.faults.clear()
    house.exchange.rest_faults.clear()
    await until(lambda: _is_idle(fleet, house), 10.0)
    for audit in audits:
        await audit.balance()


async def _is_idle(fleet: Fleet, house: House) -> bool:
    alive = [task for task in fleet.tasks if task.process.returncode is None]
    return house.nova.ledger.streams_open == 0 and not any([await task.sessions() for task in alive])


def _words(turn: Turn) -> Sequence[Step]:
    """Answer with a distinct tone, the second turn of a session at length; every reply has secret words."""
    length = 6000 if turn.number == 1 else 400
    return [note(400 + 200 * turn.number, length, SECRET)]


def _model_input(
    house: House, task: PhoneProcess, caller: Caller, which: int = -1
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the history that a task's model session got, and the words that it heard."""
    session = house.nova.ledger.sessions[task.model_sessions(caller.sid)[which]]
    return session.history, [words.text for words in session.heard]


@pytest.mark.thorough  # a call in two tasks
async def test_a_connection_that_breaks_is_replaced(tasks: Fleet, house: House) -> None:
    """After a broken connection the caller waits briefly, and the agent knows the conversation so far."""
    async with Caller(house.exchange, tasks.url) as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("sound_begins", count=2)
        assert caller.call.stream is not None
        caller.call.stream.break_off("rst")
        await caller.until("stream_started", count=2)
        await caller.until("mark", count=2)
        assert [event.fields["text"] for event in caller.timeline.named("say")] == [WAIT]
        holder = tasks.holder(caller.sid)
        history, heard = _model_input(house, holder, caller)
        assert (history[0][0] if history else "USER") == "USER"
        assert len(heard) == 1
        assert 'Their words were: "turn 1"' in heard[0]
        assert SECRET.encode() not in tasks.content()
    lost, found = await _records(tasks, caller, 2)
    assert (lost["reason"], lost["resumed"]) == ("media_disconnected", 0)
    assert (found["reason"], found["resumed"], found["model_streams"]) == ("caller_hung_up", 1, 1)
    await until(lambda: tasks.forgot(caller.sid))


async def _records(fleet: Fleet, caller: Caller, count: int) -> list[dict[str, object]]:
    """Wait for the records of a call's conversations in order, without those of tasks that never answered."""

    def records() -> list[dict[str, object]]:
        lines = [line for task in fleet.tasks for line in task.lines("session_ended", call_sid=caller.sid)]
        return sorted((line for line in lines if line["audio_in_ms"]), key=lambda line: str(line["timestamp"]))

    await until(lambda: len(records()) >= count)
    assert len(records()) == count
    return records()


async def _lose(caller: Caller, times: int) -> None:
    """Break the connection so many times, and wait for the next one each time."""
    for _ in range(times):
        streams = len(caller.timeline.named("stream_started"))
        assert caller.call.stream is not None
        caller.call.stream.break_off("rst")
        await caller.until("stream_started", count=streams + 1)
        await caller.until("mark", count=streams + 1)


@pytest.mark.thorough  # a call in two tasks
async def test_a_model_that_is_down_is_not_asked_again(tasks: Fleet, house: House) -> None:
    """After three failed streams the agent gives up, the caller hears so, and no other task tries again."""
    house.nova.faults.add(ModelFault(on="answer", times=None, skip=1, action="exception", error="validationException"))
    async with Caller(house.exchange, tasks.url) as caller:
        await caller.greeted()
        opened = house.nova.ledger.streams_opened
        await caller.speak()
        await caller.until("ended", 25)
        assert [event.fields["text"] for event in caller.timeline.named("say")] == [WAIT, SORRY]
        assert house.nova.ledger.streams_opened - opened == 2
    (record,) = await _records(tasks, caller, 1)
    assert record["reason"] == "model_rejected"


@pytest.mark.thorough  # a call in two tasks
async def test_a_goodbye_that_twilio_was_not_told_of_is_not_taken_for_a_loss(tasks: Fleet, house: House) -> None:
    """When REST fails after a goodbye, Twilio requests the next document, which hangs up: this is not a loss."""
    goodbye = use("end_call", reason="caller_said_goodbye")
    house.score.plan = lambda turn: [goodbye] if turn.number else [note(400, 300)]
    async with Caller(house.exchange, tasks.url) as caller:
        await caller.greeted()
        house.exchange.rest_faults.append(RestFault(status=500, times=2))
        await caller.speak()
        ended = await caller.until("ended", 15)
        assert ended.fields["reason"] == "hung_up_by_document"
        assert [event.fields["text"] for event in caller.timeline.named("say")] == [WAIT]
        assert len(caller.timeline.named("stream_started")) == 1
    (record,) = await _records(tasks, caller, 1)
    assert record["reason"] == "agent_ended"


@pytest.mark.thorough  # a call in two tasks
async def test_a_captured_question_for_a_lost_call_costs_one_model_stream_at_most(tasks: Fleet, house: House) -> None:
    """A replayed request for a lost call opens at most one model stream and does not disturb the live call.

    Its signature has no date, so an attacker can send it twenty times.
    """
    async with Caller(house.exchange, tasks.url) as caller:
        await caller.greeted()
        await _lose(caller, 1)
        opened = house.nova.ledger.streams_opened
        asked = next(event for event in caller.timeline.named("webhook") if "lost" in str(event.fields["url"]))
        url = str(asked.fields["url"]).partition("#")[0]
        request = house.exchange.webhooks.request(url, "POST", caller.call.party.params("in-progress"), {})
        answers = [await house.exchange.webhooks.send(request) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert len({invitation_in(answer.text).ticket for answer in answers}) <= 2  # one ticket per task
        assert house.nova.ledger.streams_opened - opened <= 1  # the other task expects the call, too
        await caller.ask()
        assert len(caller.timeline.named("stream_started")) == 2
    await _records(tasks, caller, 2)


@pytest.mark.thorough  # a call in two tasks
async def test_a_ticket_that_one_task_has_taken_is_refused_by_the_other(tasks: Fleet, house: House) -> None:
    """A copied ticket that one task has accepted opens no second stream at another task."""
    one, other = (Stranger(task.url, house.exchange.settings) for task in tasks.tasks)
    other.call_sid = one.call_sid
    signature = sign(one.settings.auth_token, f"{tasks.url.replace('http', 'ws', 1)}/media-stream/{one.call_sid}")
    invitation = await one.ring(signed_for=tasks.url)
    refused = house.nova.ledger.streams_opened
    async with (
        await one.open_stream(signature=signature) as first,
        await other.open_stream(signature=signature) as second,
    ):
        announcer = await one.begin(first, invitation.ticket)
        await until(lambda: one.call_sid in str(tasks.tasks[0].lines("session_started")))
        await other.begin(second, invitation.ticket)
        assert await close_code(second) == 1008
        await first.send(announcer.stop())
    assert house.nova.ledger.streams_opened - refused <= 1
    await one.aclose()
    await other.aclose()


@pytest.mark.thorough  # a call in two tasks
async def test_nobody_left_to_ask_is_the_fallback_of_the_number(house: House, tmp_path: Path) -> None:
    """When every task is dead, Twilio retries a few times and then requests the number's fallback URL."""
    async with phones_behind_edge(house.start_phone, tmp_path, 1) as fleet:
        call = house.exchange.place_call(f"{fleet.url}/incoming-call", fallback_url=f"{house.weather_url}fallback")
        await call.timeline.until("mark", 8)
        fleet.tasks[0].process.kill()
        await call.timeline.until("say", 8)
        async with asyncio.timeout(8):
            while "fallback" not in str(call.timeline.named("webhook")[-1].fields["url"]):
                await call.timeline.until_change(1)
        error = call.timeline.last("error")
        assert error is not None
        assert error.fields["code"] == "11200"
        call.hang_up()
        await call.timeline.until("ended", 5)


GUIDE = Path(__file__).parents[2] / "docs/howto/number-fallback.md"


@asynccontextmanager
async def _bin(agent: str, wait: int) -> AsyncIterator[str]:
    """Serve the guide's TwiML Bin as Twilio would, with this agent and this wait in seconds; return its URL."""
    document = GUIDE.read_text(encoding="utf-8").partition("```xml")[2].partition("```")[0]
    document = textwrap.dedent(document).strip()
    document = document.replace("https://agent.example.com", agent).replace('"15"', f'"{wait}"')
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {len(document)}\r\nconnection: close\r\n\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((head + document).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bin"


@pytest.mark.thorough  # a call in two tasks
async def test_a_task_whose_death_nobody_has_noticed_yet(house: House, tmp_path: Path) -> None:
    """An undetected dead task gets every retry, because it has fewer requests; the number's fallback waits.

    The call continues afterwards.
    """
    house.score.plan = _words
    async with phones_behind_edge(house.start_phone, tmp_path, noticed=3.0) as fleet, _bin(fleet.url, 4) as address:
        async with Caller(house.exchange, fleet.url) as other:
            await other.greeted()
            async with Caller(house.exchange, fleet.url, fallback_url=address) as caller:
                await caller.greeted()
                assert fleet.holder(other.sid) is not fleet.holder(caller.sid)
                await caller.speak()
                await caller.until("sound_begins", count=2)
                await until(lambda: not fleet.forgot(caller.sid))
                killed = fleet.holder(caller.sid)
                killed.process.kill()
                await caller.until("stream_started", 20, count=2)
                await caller.until("mark", count=2)
                said = [event.fields["text"] for event in caller.timeline.named("say")]
                assert said == [WAIT, "One moment, please. I am still here."]
                asked = [str(event.fields["url"]) for event in caller.timeline.named("webhook")]
                assert (asked[1].count("/lost?part=0"), asked[-2], "/lost" in asked[-1]) == (1, address, True)
                _, heard = _model_input(house, fleet.other(killed), caller)
                assert 'Their words were: "turn 1"' in heard[0]
                await caller.ask()
        (record,) = await _records(fleet, caller, 1)
        assert (record["reason"], record["resumed"]) == ("caller_hung_up", 1)


@pytest.mark.thorough  # starts two tasks
@pytest.mark.parametrize("returns", [True, False])
async def test_a_killed_task_s_conversation_has_one_record_of_its_own(
    house: House, tmp_path: Path, *, returns: bool
) -> None:
    """The other task writes it, whether the caller has hung up or talks with that other task."""
    house.score.plan = _words
    start = partial(house.start_phone, program=("tests.support.hurried", "phone_agent"))
    async with phones_behind_edge(start, tmp_path) as fleet:
        async with Caller(house.exchange, fleet.url) as caller:
            await caller.greeted()
            await asyncio.sleep(BEAT_SECONDS / HASTE + 2)
            killed = fleet.holder(caller.sid)
            survivor = fleet.other(killed)
            killed.process.kill()
            if returns:
                await caller.until("stream_started", count=2)
                await caller.until("mark", count=2)
        # At the end of the block the caller hangs up, without `returns` before Twilio has asked for another task.
        (started,) = killed.lines("session_started", call_sid=caller.sid)

        def of_the_killed() -> list[dict[str, Any]]:
            return survivor.lines("session_ended", session_id=started["session_id"])

        await until(lambda: bool(of_the_killed()), (SILENT_SECONDS + 3 * SWEEP_SECONDS) / HASTE)
        await asyncio.sleep(2 * SWEEP_SECONDS / HASTE)
        (record,) = of_the_killed()
        assert (record["reason"], record["call_sid"], record["agent_turns"]) == ("task_lost", caller.sid, 1)
        assert killed.lines("session_ended", call_sid=caller.sid) == []
        # A task that only answered the webhook notes that the stream went to another one.
        ended = [line["reason"] for line in survivor.lines("session_ended", call_sid=caller.sid)]
        assert [one for one in ended if one != "never_connected"] == ["caller_hung_up"] * returns + ["task_lost"]


@pytest.mark.thorough  # starts two tasks
async def test_a_process_that_is_killed_in_the_middle_of_an_answer(house: House, tmp_path: Path) -> None:
    """After a process is killed during a reply, another task continues with the conversation so far."""
    house.score.plan = _words
    async with phones_behind_edge(house.start_phone, tmp_path) as fleet:
        async with Caller(house.exchange, fleet.url) as caller:
            await caller.greeted()
            await caller.speak()
            await caller.until("sound_begins", count=2)
            await until(lambda: not fleet.forgot(caller.sid))
            await asyncio.sleep(0.3)
            killed = fleet.holder(caller.sid)
            killed.process.kill()
            await caller.until("stream_started", count=2)
            await caller.until("mark", count=2)
            assert [event.fields["text"] for event in caller.timeline.named("say")] == [WAIT]
            survivor = fleet.other(killed)
            history, heard = _model_input(house, survivor, caller)
            assert [words for _, words in history] == []
            assert 'Their words were: "turn 1"' in heard[0]
            await caller.ask()
        (record,) = await _records(fleet, caller, 1)
        assert (record["reason"], record["resumed"]) == ("caller_hung_up", 1)
        (lost,) = survivor.lines("call_lost", call_sid=caller.sid)
        assert lost["lost_session_id"] == killed.lines("session_started", call_sid=caller.sid)[0]["session_id"]
        await until(lambda: fleet.forgot(caller.sid))
