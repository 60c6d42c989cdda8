"""Visitors talk through the whole product: WebRTC on one side, the model's HTTP/2 on the other."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from standins.nova.backend import Step
from standins.nova.session_records import SessionRecord
from tests.integration.webrtc.conftest import Surroundings
from tests.support.score import Turn, note, use
from tests.support.visitor import Visitor
from tests.support.web_process import WebProcess

DISCLOSED = "Hello, this is the AI assistant of Weather Line."
"""The sentence that the product orders word for word."""

pytestmark = pytest.mark.asyncio(loop_scope="session")

type Someone = Callable[[], Visitor]


def sentences(visitor: Visitor) -> list[tuple[str, list[str]]]:
    """Return what a page shows of the agent: each segment's text with its states."""
    segments: dict[int, tuple[str, list[str]]] = {}
    for message in visitor.of("bot-output"):
        text, states = segments.setdefault(message.data["segment_id"], (message.data["text"], []))
        assert text == message.data["text"]
        states.append(message.data["spoken_status"])
    return list(segments.values())


def words(visitor: Visitor) -> list[str]:
    """Return what a page shows of the visitor."""
    return [message.data["text"] for message in visitor.of("user-input")]


def last_session(surroundings: Surroundings) -> SessionRecord:
    """Return the model's side of the last conversation."""
    return list(surroundings.nova.ledger.sessions.values())[-1]


async def test_a_visitor_is_greeted_and_answered(web: WebProcess, visitor: Someone) -> None:
    """A greeting, a question, a reply and a goodbye appear once each, with one model stream and one record."""
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        person.speak()
        await person.until("bot-stopped-speaking", 2)
        assert sentences(person) == [
            (f"400 Hz for 400 ms {DISCLOSED}", ["new", "completed"]),
            ("600 Hz for 400 ms", ["new", "completed"]),
        ]
        for old in ("bot-transcription", "bot-llm-text"):  # what clients from before 2026 show instead
            assert [one.data["text"] for one in person.of(old)] == [
                f"400 Hz for 400 ms {DISCLOSED}",
                "600 Hz for 400 ms",
            ]
        assert words(person) == ["turn 1"]
        assert [message.data["text"] for message in person.of("user-transcription")] == ["turn 1"]
        assert len(person.of("bot-ready")) == 1
        assert [loud for loud, _ in person.sound_changes] == [True, False, True, False][: len(person.sound_changes)]
    record = await web.record(person.session_id)
    assert record["reason"] == "caller_hung_up"
    assert (record["caller_turns"], record["agent_turns"], record["interruptions"]) == (1, 2, 0)
    assert (record["model_streams"], record["audio_dropped_ms"]) == (1, 0)
    assert record["audio_in_ms"] > 400
    assert 800 <= record["audio_out_ms"] < 1000
    assert record["first_audio_ms"] is not None


async def test_each_turn_is_told_in_order(visitor: Someone) -> None:
    """The page gets each state of the agent in order: listening, thinking, speaking."""
    kinds = (
        "user-started-speaking",
        "user-stopped-speaking",
        "user-input",
        "bot-started-speaking",
        "bot-stopped-speaking",
    )
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        person.messages.clear()
        person.speak()
        await person.until("bot-stopped-speaking")
        assert [message.kind for message in person.messages if message.kind in kinds] == list(kinds)


async def test_typed_words_are_answered_once(surroundings: Surroundings, visitor: Someone) -> None:
    """Typed words reach the model unchanged, and the page shows them, exactly once."""
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        person.say("send-text", {"content": "hello from the keyboard"}, "typed")
        await person.until("bot-stopped-speaking", 2)
        assert words(person) == ["hello from the keyboard"]
        assert sentences(person)[1:] == [("600 Hz for 400 ms", ["new", "completed"])]
        heard = [line.text for line in last_session(surroundings).heard]
        assert heard.count("hello from the keyboard") == 1
        assert len(heard) == 2


async def test_a_visitor_who_reads_gets_text_and_no_audio_until_they_want_it(web: WebProcess, visitor: Someone) -> None:
    """A visit in text mode starts without audio; a message enables and disables it and gets a response."""
    async with visitor() as person:
        await person.connect(textOnly=True)
        await person.until("bot-stopped-speaking")
        for count, enabled in enumerate((False, True, False), 2):
            person.say("client-message", {"t": "audio-output", "d": {"enabled": enabled}}, f"audio-{count}")
            answer = await person.until("server-response", count - 1)
            assert (answer.message_id, answer.data["d"]) == (f"audio-{count}", {"enabled": enabled})
            person.say("send-text", {"content": f"question {count}"})
            await person.until("bot-stopped-speaking", count)
        await person.until_sound(sounding=False)
        assert [loud for loud, _ in person.sound_changes] == [True, False]
        assert [states for _, states in sentences(person)] == [["new", "completed"]] * 4
    record = await web.record(person.session_id)
    assert record["agent_turns"] == 4


async def test_talking_over_the_agent_silences_it(surroundings: Surroundings, visitor: Someone) -> None:
    """A barge-in stops the audio, the page gets an event, and the cut sentence never counts as spoken."""
    surroundings.score.plan = long_then_short
    async with visitor() as person:
        await person.connect()
        await person.until_sound(sounding=True)
        person.speak()
        await person.until("bot-interrupted")
        await person.until_sound(sounding=False, seconds=1)
        await person.until("user-input")
        await person.until("bot-stopped-speaking", 2)
        assert sentences(person) == [
            (f"400 Hz for 8000 ms {DISCLOSED}", ["new"]),
            ("600 Hz for 300 ms", ["new", "completed"]),
        ]


async def test_typing_over_the_agent_silences_it(surroundings: Surroundings, visitor: Someone) -> None:
    """Typing is a barge-in, too: the visitor does not have to wait for the end of the sentence."""
    surroundings.score.plan = long_then_short
    async with visitor() as person:
        await person.connect()
        await person.until_sound(sounding=True)
        person.say("send-text", {"content": "stop"})
        await person.until("bot-interrupted")
        await person.until_sound(sounding=False, seconds=1)
        await person.until_sound(sounding=True)
        await person.until("bot-stopped-speaking", 2)
        assert sentences(person)[-1] == ("600 Hz for 300 ms", ["new", "completed"])


def long_then_short(turn: Turn) -> Sequence[Step]:
    """Greet for eight seconds, answer for a third of one."""
    return [note(400, 8000)] if turn.number == 0 else [note(600, 300)]


async def test_a_weather_tool_is_shown_in_full(surroundings: Surroundings, visitor: Someone) -> None:
    """The page draws its card from the tool's own result."""
    surroundings.score.plan = lambda turn: (
        [use("get_current_weather", location="", format="celsius")] if turn.number else [note(400, 200)]
    )
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        person.say("send-text", {"content": "weather"})
        started = await person.until("llm-function-call-started")
        assert started.data == {"function_name": "get_current_weather"}
        running = await person.until("llm-function-call-in-progress")
        assert running.data["arguments"] == {"location": "", "format": "celsius"}
        stopped = await person.until("llm-function-call-stopped")
        assert stopped.data["function_name"] == "get_current_weather"
        assert "error" in stopped.data["result"]
        assert stopped.data["tool_call_id"] == running.data["tool_call_id"]


async def test_other_tools_are_not_shown(surroundings: Surroundings, web: WebProcess, visitor: Someone) -> None:
    """A page sees that another tool runs, but not which; the agent's goodbye plays before the line closes."""
    surroundings.score.plan = lambda turn: [use("end_call", reason="caller_asked")] if turn.number else [note(400, 200)]
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        person.say("send-text", {"content": "goodbye"})
        stopped = await person.until("llm-function-call-stopped")
        assert set(stopped.data) == {"tool_call_id", "cancelled"}
        ended = await person.until("server-message")
        assert ended.data["type"] == "session-ended"
        assert ended.data["reason"] == "agent_ended"
        assert sentences(person)[-1] == ("2000 Hz for 300 ms", ["new", "completed"])
        quiet = await person.until_sound(sounding=False)
        assert quiet < ended.at
        assert (await person.until("signalling")).data == {"type": "peerLeft"}
    assert (await web.record(person.session_id))["reason"] == "agent_ended"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("raw-audio", {"base64Audio": "AAAA", "sampleRate": 16000, "numChannels": 1}),
        ("llm-function-call-result", {"function_name": "end_call", "tool_call_id": "1", "arguments": {}, "result": {}}),
        ("send-text", {"content": "x" * 1001}),
        ("send-text", {"content": "x" * 20_000}),
        ("client-message", {"t": "language", "d": "sv"}),
        ("of another protocol", {}),
    ],
)
async def test_what_a_page_does_not_need_is_refused(
    surroundings: Surroundings, visitor: Someone, kind: str, data: dict[str, Any]
) -> None:
    """The service rejects unsupported RTVI messages with a response, so a client does not wait for one."""
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        person.messages.clear()
        person.say(kind, data, "ab12")
        refusal = await person.until("error-response")
        assert (refusal.message_id, refusal.data["error"][-1]) == ("ab12", ".")
        person.send_raw("no JSON")
        person.send_raw("[1]")
        person.say("send-text", {"content": "still here"}, "last")
        await person.until("bot-stopped-speaking")
        assert len(person.of("error-response")) == 1
        assert words(person) == ["still here"]
        assert len(last_session(surroundings).heard) == 2


async def test_keys_reach_the_model(surroundings: Surroundings, visitor: Someone) -> None:
    """The keypad of a page works like a telephone's."""
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        person.say("dtmf", {"buttons": ["5"]})
        await person.until("bot-stopped-speaking", 2)
        assert "5" in last_session(surroundings).heard[-1].text


async def test_a_visitor_who_wants_a_person_is_shown_how(
    web: WebProcess, surroundings: Surroundings, visitor: Someone
) -> None:
    """The page shows the configured contact; the model offers neither a transfer nor a contact of its own."""
    wishes = ["sales", "desk", "+19005550100"]
    surroundings.score.plan = lambda turn: (
        [use("transfer_to_human", destination=wishes[turn.number - 1], reason="!")]
        if 1 <= turn.number <= len(wishes)
        else [note(400, 300)]
    )
    async with visitor() as person:
        await person.connect()
        await person.greeted()
        for number in range(len(wishes)):
            person.speak()
            await person.until("bot-stopped-speaking", number + 2)
        shown = [message.data for message in person.of("server-message")]
        assert shown == [{"type": "call-back", "name": "sales", "number": "+46850000000", "url": None}]
        assert [text for text, _ in sentences(person)][1:] == [
            "2000 Hz for 300 ms",
            "2500 Hz for 300 ms",
            "2500 Hz for 300 ms",
        ]
    record = await web.record(person.session_id)
    assert (record["reason"], record["tool_failures"]) == ("caller_hung_up", 2)
