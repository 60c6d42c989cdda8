"""Model faults: the caller soon hears something, retries are bounded, and every resource is released.

The name of each test has the number of its fault in the catalogue.
"""

import asyncio
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from agent_core.announcements import Announcement, Recordings
from agent_core.quota.throttle import MOST_SECONDS
from standins.nova.faults import ModelFault
from standins.twilio.timeline import Event
from tests.integration.conftest import House
from tests.support import ledger
from tests.support.books import balance
from tests.support.caller import Caller
from tests.support.find_sound import find
from tests.support.phone_process import PhoneProcess
from tests.support.score import note, use

# Whole calls for each fault of the catalogue, as in tests/faults.
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.thorough]

FIRST_WORD_SECONDS = 4.0
"""The promised limit from the start of the stream to the first audio."""
SPARE = 1.5
"""Margin for other programs on the machine; a separate benchmark measures the promise."""


def _first_word(caller: Caller) -> float:
    """Return the seconds from the start of the media stream to the first audio on the line."""
    (started, *_), (heard, *_) = caller.timeline.named("stream_started"), caller.timeline.named("sound_begins")
    return heard.at - started.at


def _is_heard_whole(caller: Caller, phrase: Announcement) -> bool:
    """Return whether the caller heard a recording unchanged: not cut, not clipped, not mixed."""
    return find(Recordings().pcm(phrase, 8000), caller.recording.pcm()).likeness > 0.99


def _silences(caller: Caller) -> list[float]:
    """Return the seconds of silence between the audio segments that the caller heard."""
    begins, ends = caller.timeline.named("sound_begins"), caller.timeline.named("sound_ends")
    return [begin.at - end.at for begin, end in zip(begins[1:], ends, strict=False)]


async def _is_put_through(caller: Caller, seconds: float) -> Event:
    """Wait for Twilio's fallback verbs after the stream; the apology comes before them."""
    said = await caller.until("say", seconds)
    assert _is_heard_whole(caller, Announcement.SORRY)
    return said


async def test_fault_02_throttled_for_good(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """After three throttled tries, the last after a back-off, the agent apologises and Twilio's fallback runs."""
    house.nova.faults.add(ModelFault(on="open", times=None, error="ThrottlingException"))
    refused = house.nova.ledger.streams_refused
    async with dial() as caller:
        await _is_put_through(caller, 12)
        await caller.until("ended", 15)
        assert _first_word(caller) < FIRST_WORD_SECONDS + SPARE
    record = await balance(phone, house, caller.sid)
    assert record["reason"] == "model_unavailable"
    assert record["phrases"] in (1, 2)  # the hold announcement plays a second after the first throttled try
    assert house.nova.ledger.streams_refused - refused == 3
    assert await phone.status("/health") == HTTPStatus.OK
    await asyncio.sleep(MOST_SECONDS)  # until then the service rejects callers at no cost


async def test_fault_02_throttled_once(phone: PhoneProcess, house: House, dial: Callable[[], Caller]) -> None:
    """A second try succeeds after one throttled try, and the caller notices nothing."""
    house.nova.faults.add(ModelFault(on="open", times=1, error="ThrottlingException"))
    async with dial() as caller:
        await caller.greeted()
        assert caller.notes() == [400]
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["model_streams"]) == ("caller_hung_up", 2)


@pytest.mark.parametrize("error", ["AccessDeniedException", "ResourceNotFoundException"])
async def test_fault_03_refused_for_good(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], error: str
) -> None:
    """The agent does not retry a permanent failure; the caller hears it, and the health check reports it."""
    house.nova.faults.add(ModelFault(on="open", times=None, error=error))
    refused = house.nova.ledger.streams_refused
    async with dial() as caller:
        await _is_put_through(caller, 10)
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["phrases"]) == ("model_rejected", 1)
    assert house.nova.ledger.streams_refused - refused == 1
    async with httpx.AsyncClient(trust_env=False) as client:
        ready = await client.get(f"{phone.url}/ready")
    assert ready.json()["dependencies"]["nova_sonic"] == error


@pytest.mark.parametrize("action", ["close", "disconnect"])
async def test_fault_01_lost_in_the_middle_of_an_answer(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], action: str
) -> None:
    """After a stream is lost during a reply, the caller hears a hold announcement, then the whole reply.

    The new stream knows the rest of the conversation.
    """
    house.score.plan = lambda turn: [note(400 + 200 * turn.number, 2000 if turn.number == 1 else 400)]
    house.nova.faults.add(ModelFault.model_validate({"on": "answer", "skip": 1, "after_ms": 300, "action": action}))
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("mark", count=3)
        await caller.ask()
        assert caller.timeline.last("say") is None
        assert max(_silences(caller)[:-1], default=0) < 2 + SPARE
        assert _is_heard_whole(caller, Announcement.HOLD)
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["model_streams"], record["phrases"]) == ("caller_hung_up", 2, 1)
    second = house.nova.ledger.sessions[phone.model_sessions(caller.sid)[1]]
    assert second.history == [] or second.history[0][0] == "USER"
    assert any("turn 1" in words.text for words in second.heard)


@pytest.mark.parametrize(
    "text",
    [
        "System instability detected. Please retry your request.",
        "InternalErrorCode=531::RST_STREAM closed stream. HTTP/2 error code: NO_ERROR",
    ],
)
async def test_fault_04_unstable_for_a_moment(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], text: str
) -> None:
    """After a short failure of the model service, another stream answers at once without an announcement."""
    house.score.plan = lambda turn: [note(400 + 200 * turn.number, 2000 if turn.number == 1 else 400)]
    fault = {"on": "answer", "skip": 1, "after_ms": 300, "action": "exception"}
    house.nova.faults.add(ModelFault.model_validate({**fault, "error": "validationException", "message": text}))
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("mark", count=3)
        await caller.ask()
        assert caller.timeline.last("say") is None
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["model_streams"], record["phrases"]) == ("caller_hung_up", 2, 0)


@pytest.mark.parametrize("message", ["Malformed input.", "Tool Response parsing error"])
async def test_fault_05_one_refusal_in_an_open_stream(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], message: str
) -> None:
    """A rejected input replaces the open stream, and the caller gets the reply: healthy calls see this, too."""
    fault = ModelFault(on="answer", skip=1, action="exception", error="validationException", message=message)
    house.nova.faults.add(fault)
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("mark", count=2)
        await caller.ask()
        assert caller.timeline.last("say") is None
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["model_streams"]) == ("caller_hung_up", 2)


@pytest.mark.parametrize("error", ["validationException", "modelStreamErrorException"])
@pytest.mark.parametrize("after_ms", [0, 300])
async def test_fault_05_a_refusal_in_every_answer(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], error: str, after_ms: int
) -> None:
    """Repeated rejections end after four streams with one announcement, one apology and the fallback."""
    house.score.plan = lambda turn: [note(400, 3000 if turn.text.startswith("turn") else 400)]
    fault = ModelFault(on="answer", times=None, skip=1, action="exception", error=error, after_ms=after_ms)
    house.nova.faults.add(fault)
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await _is_put_through(caller, 25)
    record = await balance(phone, house, caller.sid)
    assert record["reason"] in ("model_rejected", "model_unavailable")
    assert record["model_streams"] in range(2, 5)
    assert record["phrases"] in (1, 2)


async def test_fault_05_a_model_that_calls_tools_without_end(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """A model that calls tools endlessly is ordered to speak, then replaced, then given up for the fallback."""
    loop = use("get_current_weather", location="Paris", format="celsius")
    house.score.plan = lambda turn: [loop] if turn.text.startswith("turn") else [note(400, 400)]
    house.nova.faults.add(ModelFault(on="tool_use", times=None, action="ask_again"))
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await _is_put_through(caller, 40)
    record = await balance(phone, house, caller.sid)
    assert record["reason"] == "model_unavailable"
    assert record["model_streams"] in range(2, 5)
    tools = record["tools"]
    assert isinstance(tools, dict)
    assert tools["get_current_weather"] <= 2 * 3


async def test_fault_11_a_first_stream_that_never_answers(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """After four seconds of silence, the agent plays the hold announcement and another stream greets."""
    house.nova.faults.add(ModelFault(on="open", times=1, action="freeze"))
    async with dial() as caller:
        await caller.until("mark", 10)
        assert caller.notes()[-1] == 400
        assert _is_heard_whole(caller, Announcement.HOLD)
        assert _first_word(caller) < FIRST_WORD_SECONDS + SPARE
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["model_streams"], record["phrases"]) == ("caller_hung_up", 2, 1)


async def test_fault_11_a_model_that_never_answers(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """With a dead model the caller hears an announcement after 4 s and the fallback within 12 s.

    All model streams are released.
    """
    house.nova.faults.add(ModelFault(on="open", times=None, action="freeze"))
    async with dial() as caller:
        said = await _is_put_through(caller, 20)
        assert _first_word(caller) < FIRST_WORD_SECONDS + SPARE
        assert said.at - caller.timeline.named("stream_started")[0].at < 12 + SPARE
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["phrases"]) == ("model_unavailable", 2)


async def test_fault_11_a_model_that_stops_in_the_middle(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """When a model stops reading and speaking, another stream answers and the stalled one is released."""
    house.nova.faults.add(ModelFault(on="answer", skip=1, action="freeze"))
    async with dial() as caller:
        await caller.greeted()
        await caller.ask(20)
        await caller.ask()
    record = await balance(phone, house, caller.sid)
    assert (record["reason"], record["model_streams"]) == ("caller_hung_up", 2)


async def test_fault_13_odd_events_are_left_alone(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """An unknown or malformed event costs at most itself."""
    async with dial() as caller:
        await caller.greeted()
        for action in ("unknown_event", "bad_json", "odd_audio", "empty_audio"):
            house.nova.faults.add(ModelFault.model_validate({"on": "answer", "after_ms": 50, "action": action}))
            await caller.ask()
        assert caller.notes() == [400, 600, 800, 1000, 1200]
    record = await balance(phone, house, caller.sid)
    assert (record["model_streams"], record["unknown_events"]) == (1, 2)


def _resident_kb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


async def test_fault_14_a_flood_of_sound_is_played_in_order_and_cut_short_at_once(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """A minute of speech that arrives in six seconds plays in order, and a barge-in stops it at once."""
    house.nova.faults.add(ModelFault(on="answer", skip=1, action="flood", seconds=60, speed=10))
    house.score.plan = lambda turn: [note(400 + 200 * turn.number, 400)]
    before = _resident_kb(phone.process.pid)
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("sound_begins", count=2)
        await asyncio.sleep(4.0)
        heard = len(caller.timeline.named("mark"))
        await caller.speak()
        cleared = await caller.until("clear")
        assert int(str(cleared.fields["dropped_ms"])) > 20_000
        await caller.until("mark", count=heard + 1)
        assert caller.notes() == [400, 600, 800]
    record = await balance(phone, house, caller.sid)
    assert (record["interruptions"], record["model_streams"]) == (1, 1)
    assert _resident_kb(phone.process.pid) - before < 20_000


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("no_such_tool", {"city": "Oslo"}),
        ("get_current_weather", {}),
        ("get_current_weather", {"location": "Oslo", "format": "kelvin"}),
        ("get_current_weather", {"town": "Oslo", "format": "celsius"}),
    ],
)
async def test_fault_21_a_tool_that_is_asked_for_wrongly(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller], tool: str, arguments: dict[str, object]
) -> None:
    """The model gets the error of a wrong tool call and answers; the stream and the call continue."""
    house.score.plan = lambda turn: [use(tool, **arguments) if turn.number == 1 else note(400, 300)]
    async with dial() as caller:
        await caller.greeted()
        await caller.ask()
        assert caller.notes() == [400, 2500]
        await caller.ask()
    record = await balance(phone, house, caller.sid)
    assert (record["model_streams"], record["tool_failures"], record["phrases"]) == (1, 1, 0)
    (run,) = house.nova.ledger.sessions[phone.model_sessions(caller.sid)[0]].tools
    assert run.result is not None
    assert run.result["error"] in ("unknown_tool", "invalid_arguments")


async def test_fault_22_cut_short_while_a_tool_works(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """A barge-in during a tool call gets its reply; the model keeps the late result and does not speak it."""
    weather = use("get_current_weather", location="Oslo", format="celsius")
    house.score.plan = lambda turn: [weather if turn.number == 1 else note(400 + 200 * turn.number, 300)]
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("sound_begins", count=2)  # "Let me look that up."
        await caller.ask()
        assert caller.timeline.last("clear") is not None
        assert not _is_heard_whole(caller, Announcement.LOOK_UP)
        assert caller.notes()[-1] == 800
        await asyncio.sleep(3.0)
        assert caller.notes()[-1] == 800
    record = await balance(phone, house, caller.sid)
    assert (record["model_streams"], record["tools"]) == (1, {"get_current_weather": 1})


async def test_fault_22_hung_up_while_a_tool_works(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """A hang-up during a tool call releases everything that waits for its result."""
    weather = use("get_current_weather", location="Oslo", format="celsius")
    house.score.plan = lambda turn: [weather if turn.number == 1 else note(400, 300)]
    before = ledger.Held.by(phone.process.pid)
    async with dial() as caller:
        await caller.greeted()
        await caller.speak()
        await caller.until("sound_begins", count=2)
    record = await balance(phone, house, caller.sid, tools_given_up=1)
    assert record["reason"] == "caller_hung_up"
    ledger.nothing_is_held(before, ledger.Held.by(phone.process.pid))


async def test_fault_18_a_slow_look_up_is_covered_by_words(
    phone: PhoneProcess, house: House, dial: Callable[[], Caller]
) -> None:
    """During a slow look-up the caller hears words within two seconds, and after five that it failed."""
    weather = use("get_current_weather", location="Oslo", format="celsius")
    house.score.plan = lambda turn: [weather if turn.number == 1 else note(400, 300)]
    async with dial() as caller:
        await caller.greeted()
        await caller.ask()
        assert caller.notes()[-1] == 2500
        assert len(caller.timeline.named("sound_begins")) == 3
        assert _is_heard_whole(caller, Announcement.LOOK_UP)
    record = await balance(phone, house, caller.sid)
    assert (record["phrases"], record["agent_turns"]) == (1, 2)
