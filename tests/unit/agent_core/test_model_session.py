"""One session with the model: order, bounds, and an end with a deadline."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent_core.errors import ModelUnavailable
from agent_core.nova import model_session, wire
from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.wire import ModelEvent, Role
from tests.support import scripted_model as say
from tests.support.scripted_model import ScriptedModel, ScriptedStream
from tests.support.waiting import until

PROMPT = SessionPrompt(system="Be brief.", voice="matthew")
SECOND = b"\x01\x00" * 8000
HISTORY = ((Role.USER, "hello"), (Role.ASSISTANT, "good day"))


async def _opened(prompt: SessionPrompt = PROMPT) -> tuple[ModelSession, ScriptedStream]:
    model = ScriptedModel()
    session = await ModelSession.open(model, "a-model", prompt)
    assert model.models == ["a-model"]
    return session, model.streams[0]


def _collector() -> tuple[list[ModelEvent], Callable[[ModelEvent], Awaitable[None]]]:
    events: list[ModelEvent] = []

    async def handle(event: ModelEvent) -> None:
        events.append(event)

    return events, handle


async def test_opening_says_everything_in_the_documented_order() -> None:
    """The order is session, prompt, system text, history, then audio, as the documentation requires."""
    _, stream = await _opened(SessionPrompt(system="Be brief.", voice="matthew", history=HISTORY))
    block = ["contentStart", "textInput", "contentEnd"]
    assert stream.names() == ["sessionStart", "promptStart", *block * 3, "contentStart"]
    assert stream.texts("SYSTEM") == ["Be brief."]
    assert stream.texts("USER") == ["hello"]
    assert stream.texts("ASSISTANT") == ["good day"]
    assert stream.sent[-1][1]["type"] == "AUDIO"
    starts = [body for name, body in stream.sent if name == "contentStart"]
    assert [start["interactive"] for start in starts] == [False, False, False, True]
    assert len({start["contentName"] for start in starts}) == 4
    assert len({body["promptName"] for name, body in stream.sent if "promptName" in body}) == 1


async def test_closing_closes_from_the_inside_out() -> None:
    """Closing ends audio, prompt and session in this order; the model rejects any other."""
    session, stream = await _opened()
    microphone = stream.sent[-1][1]["contentName"]
    await session.close()
    assert stream.names()[-3:] == ["contentEnd", "promptEnd", "sessionEnd"]
    assert stream.sent[-3][1]["contentName"] == microphone
    assert stream.closed


async def test_a_session_that_waits_is_told_the_history_when_it_begins() -> None:
    """A pre-warmed session gets the history when it begins."""
    model = ScriptedModel()
    session = await ModelSession.open_ready(model, "a-model", PROMPT)
    block = ["contentStart", "textInput", "contentEnd"]
    assert model.streams[0].names() == ["sessionStart", "promptStart", *block]
    session.begin(((Role.USER, "hello"), (Role.ASSISTANT, "good day")))
    session.hear(b"\x01\x00")
    _, handle = _collector()
    running = asyncio.create_task(session.run(handle))
    await model.streams[0].until_sent("audioInput")
    assert model.streams[0].names()[5:] == [*block * 2, "contentStart", "audioInput"]
    await session.close()
    await running


async def test_a_session_that_never_began_is_closed_without_a_microphone() -> None:
    """A session that never opened audio does not close it."""
    model = ScriptedModel()
    session = await ModelSession.open_ready(model, "a-model", PROMPT)
    await session.close()
    assert model.streams[0].names()[5:] == ["promptEnd", "sessionEnd"]


async def test_a_session_that_is_closed_as_it_begins_is_closed_in_order() -> None:
    """If the caller hangs up during a renewal, what was begun is ended, and nothing else is sent."""
    model = ScriptedModel()
    session = await ModelSession.open_ready(model, "a-model", PROMPT)
    session.begin(((Role.USER, "hello"),))
    session.hear(b"\x01\x00")
    await session.close()
    assert model.streams[0].names()[5:] == ["contentStart", "textInput", "contentEnd", "promptEnd", "sessionEnd"]


async def test_closing_twice_says_goodbye_once() -> None:
    """A second close sends nothing."""
    session, stream = await _opened()
    await session.close()
    sent = len(stream.sent)
    await session.close()
    session.hear(SECOND)
    session.read("anybody there?")
    assert len(stream.sent) == sent


async def test_a_model_that_reads_nothing_cannot_hold_the_end_up() -> None:
    """A session whose model reads nothing abandons its goodbye, and releases the stream all the same."""
    session, stream = await _opened()
    stream.takes_events.clear()
    async with asyncio.timeout(model_session.CLOSE_SECONDS + 2):
        await session.close()
    assert stream.closed
    assert "sessionEnd" not in stream.names()


async def test_an_opening_that_fails_leaves_no_stream() -> None:
    """Whatever was begun is released, after a failure and after a cancellation."""
    model = ScriptedModel(lambda stream: stream.takes_events.clear())
    opening = asyncio.create_task(ModelSession.open(model, "a-model", PROMPT))
    await model.stream()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert model.open_streams == 0


async def test_an_opening_has_a_deadline() -> None:
    """A model that accepts nothing is abandoned with an error that allows a retry."""
    model = ScriptedModel(lambda stream: stream.takes_events.clear())
    async with asyncio.timeout(model_session.OPEN_SECONDS + 2):
        with pytest.raises(ModelUnavailable, match="OpenTimeout"):
            await ModelSession.open(model, "a-model", PROMPT)
    assert model.open_streams == 0


async def test_sound_words_and_results_go_out_in_order() -> None:
    """Items are sent in the order in which they were posted."""
    session, stream = await _opened()
    before = len(stream.sent)
    _, handle = _collector()
    running = asyncio.create_task(session.run(handle))
    session.hear(b"\x01\x02")
    session.read("hello")
    session.hear(b"\x03\x04")
    await stream.until_sent("audioInput", count=2)
    assert stream.names()[before:] == ["audioInput", "contentStart", "textInput", "contentEnd", "audioInput"]
    assert stream.sound() == b"\x01\x02\x03\x04"
    assert stream.texts("USER") == ["hello"]
    stream.end()
    await running


async def test_a_tool_is_answered_once_and_only_if_asked() -> None:
    """The model accepts one result for each of its tool uses, and ends the stream at any other."""
    session, stream = await _opened()
    events, handle = _collector()
    running = asyncio.create_task(session.run(handle))
    assert not session.answer_tool("use-1", {})
    stream.say(*say.tool_use("get_weather", "use-1", {"city": "Oslo"}))
    await until(lambda: len(events) == 3)
    assert session.answer_tool("use-1", {"temperature": 7})
    assert not session.answer_tool("use-1", {"temperature": 8})
    await stream.until_sent("toolResult")
    stream.end()
    await running
    assert stream.names().count("toolResult") == 1


async def test_events_are_handed_over_and_nonsense_is_unknown() -> None:
    """A broken event is skipped, and the conversation continues."""
    session, stream = await _opened()
    events, handle = _collector()
    stream.say(say.event("completionStart"), b'{"event": {"audioOutput": ', say.event("moodRingEvent"))
    stream.end()
    await session.run(handle)
    assert events == [
        wire.CompletionStarted("model-session"),
        wire.UnknownModelEvent("malformed"),
        wire.UnknownModelEvent("moodRingEvent"),
    ]


async def test_a_failing_handler_ends_the_run() -> None:
    """A defect in a handler is raised, and the session's tasks end."""
    session, stream = await _opened()

    async def broken(_event: ModelEvent) -> None:
        raise ZeroDivisionError

    stream.say(say.event("completionStart"))
    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        await session.run(broken)
    assert asyncio.all_tasks() == before


async def test_what_breaks_while_a_run_is_given_up_is_nobodys_error() -> None:
    """An error during a cancellation is not logged, since it belongs to no call."""
    session, stream = await _opened()
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    running = asyncio.create_task(session.run(_collector()[1]))
    await asyncio.sleep(0)
    stream.fail(ModelUnavailable("NoResponse"))
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    del running
    gc.collect()
    assert complaints == []


async def test_a_model_that_stops_reading_is_found_out() -> None:
    """A send that takes too long ends the run, and leaves no task behind."""
    session, stream = await _opened()
    stream.takes_events.clear()
    _, handle = _collector()
    session.hear(SECOND)
    before = asyncio.all_tasks()
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(model_session.SEND_SECONDS + model_session.CLOSE_SECONDS + 2):
        with pytest.raises(ModelUnavailable, match="SendTimeout"):
            await session.run(handle)
    assert asyncio.get_running_loop().time() - began >= model_session.SEND_SECONDS - 0.1
    assert asyncio.all_tasks() == before


async def test_the_model_s_own_reason_is_the_one_that_counts() -> None:
    """A stream that the model ends can often not be written any longer before its reason has been read."""
    session, stream = await _opened()

    def refuse(_name: str, _body: dict[str, Any]) -> None:
        asyncio.get_running_loop().call_later(0.1, stream.fail, ModelUnavailable("System instability detected"))
        raise ModelUnavailable("StreamClosed")

    stream.on_event = refuse
    session.hear(SECOND)
    with pytest.raises(ModelUnavailable, match="System instability detected"):
        await session.run(_collector()[1])


async def test_a_stream_that_breaks_without_a_reason_is_not_waited_for() -> None:
    """A model that neither reads nor says why costs the caller half a second."""
    session, stream = await _opened()

    def refuse(_name: str, _body: dict[str, Any]) -> None:
        raise ModelUnavailable("StreamClosed")

    stream.on_event = refuse
    session.hear(SECOND)
    began = asyncio.get_running_loop().time()
    with pytest.raises(ModelUnavailable, match="StreamClosed"):
        await session.run(_collector()[1])
    assert asyncio.get_running_loop().time() - began < 1


async def test_the_backlog_is_bounded_and_what_is_lost_is_counted() -> None:
    """Five seconds of the caller's audio wait for a slow model; older audio would be answered too late."""
    session, stream = await _opened()
    for _ in range(8):
        session.hear(SECOND)
    assert session.dropped_audio_ms == 3000
    _, handle = _collector()
    running = asyncio.create_task(session.run(handle))
    await stream.until_sent("audioInput", count=5)
    session.hear(SECOND)
    await stream.until_sent("audioInput", count=6)
    assert session.dropped_audio_ms == 3000
    assert len(stream.sound()) == 6 * len(SECOND)
    stream.end()
    await running


async def test_the_backlog_shrinks_while_it_is_sent() -> None:
    """Each sent packet makes room in the backlog, not only the last one."""
    session, stream = await _opened()
    stream.takes_events.clear()
    _, handle = _collector()
    running = asyncio.create_task(session.run(handle))
    for _ in range(5):
        session.hear(SECOND)
    await asyncio.sleep(0)
    gate = stream.takes_events
    stream.on_event = lambda _name, _body: gate.clear() if stream.names().count("audioInput") == 3 else None
    gate.set()
    await stream.until_sent("audioInput", count=3)
    session.hear(SECOND)
    assert session.dropped_audio_ms == 0
    running.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("cancels", [1, 2, 3])
async def test_who_gives_up_on_closing_still_has_it_closed(cancels: int) -> None:
    """A session whose close is cancelled, as by watchdog and timeout in the same second, still closes its stream."""
    session, stream = await _opened()
    running = asyncio.create_task(session.run(_collector()[1]))
    await asyncio.sleep(0)
    stream.takes_events.clear()
    for _ in range(cancels):
        running.cancel()
        await asyncio.sleep(0.01)
    closing = asyncio.create_task(session.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({running}, timeout=model_session.CLOSE_SECONDS + 2)
    assert running.cancelled()
    assert stream.closed


@pytest.mark.parametrize("ready", [False, True], ids=["at once", "in advance"])
async def test_audio_follows_the_history_after_a_pause(ready: bool) -> None:  # noqa: FBT001 - pytest passes it so
    """Audio follows the history after a pause: under load the model rejects audio that comes at once."""
    times: list[tuple[str, float]] = []

    def note(name: str, body: dict[str, Any]) -> None:
        times.append((f"{name} {body.get('type', '')}", asyncio.get_running_loop().time()))

    def script(stream: ScriptedStream) -> None:
        stream.on_event = note

    model = ScriptedModel(script)
    prompt = SessionPrompt("Be brief.", "matthew", history=() if ready else HISTORY)
    session = await (ModelSession.open_ready if ready else ModelSession.open)(model, "a-model", prompt)
    running = asyncio.create_task(session.run(_collector()[1]))
    session.begin(HISTORY)
    await until(lambda: "contentStart AUDIO" in dict(times))
    last = max(at for name, at in times if name == "contentEnd ")
    assert dict(times)["contentStart AUDIO"] - last > model_session.SETTLE_SECONDS - 0.01
    running.cancel()
    await asyncio.wait({running})


async def test_a_session_that_ends_during_the_pause_says_goodbye_without_a_microphone() -> None:
    """A session that ends during the pause leaves no message half sent."""
    model = ScriptedModel()
    session = await ModelSession.open_ready(model, "a-model", SessionPrompt("Be brief.", "matthew"))
    stream = model.streams[0]
    running = asyncio.create_task(session.run(_collector()[1]))
    session.begin(HISTORY)
    await stream.until_sent("textInput", count=2)
    await session.close()
    assert [body["type"] for name, body in stream.sent if name == "contentStart"] == ["TEXT"] * 3
    assert stream.names().count("contentEnd") == 3
    assert stream.names()[-2:] == ["promptEnd", "sessionEnd"]
    running.cancel()
    await asyncio.wait({running})


async def test_audio_waits_for_a_tool_where_the_model_refuses_it_meanwhile() -> None:
    """Audio that waits for a tool is not lost: it follows the result."""
    session, stream = await _opened()
    session.holds_audio = True
    running = asyncio.create_task(session.run(_collector()[1]))
    session.hear(b"\x01\x00")
    stream.say(*say.tool_use("get_weather", "use-1", {}), *say.tool_use("get_weather", "use-2", {}))
    await until(lambda: session._open_tools == {"use-1", "use-2"})
    session.hear(b"\x02\x00")
    session.answer_tool("use-1", {})
    session.hear(b"\x03\x00")
    await stream.until_sent("toolResult")
    assert stream.sound() == b"\x01\x00"
    session.answer_tool("use-2", {})
    session.hear(b"\x04\x00")
    await stream.until_sent("audioInput", count=4)
    assert stream.sound() == b"\x01\x00\x02\x00\x03\x00\x04\x00"
    names = stream.names()
    assert [place for place, name in enumerate(names) if name == "audioInput"][1] > names.index("toolResult") + 2
    stream.end()
    await running


async def test_what_waits_for_a_tool_is_bounded_and_the_newest() -> None:
    """While a tool works, the newest audio waits; older audio is dropped and counted."""
    session, stream = await _opened()
    session.holds_audio = True
    running = asyncio.create_task(session.run(_collector()[1]))
    stream.say(*say.tool_use("get_weather", "use-1", {}))
    await until(lambda: bool(session._open_tools))
    for _ in range(int(model_session.HELD_SECONDS) + 3):
        session.hear(SECOND)
    assert session.dropped_audio_ms == 3000
    session.answer_tool("use-1", {})
    await until(lambda: len(stream.sound()) == int(model_session.HELD_SECONDS) * len(SECOND))
    stream.end()
    await running
