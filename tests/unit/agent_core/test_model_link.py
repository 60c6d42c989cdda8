"""The model's side of a conversation over several streams: replaced, bounded, and never open after the end."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from agent_core import prompts
from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.events import SessionStats
from agent_core.nova import stream_watchdog
from agent_core.nova.error_policy import MAX_TRIES, Quirks
from agent_core.nova.facts import Fact, ReplyAudio, ReplyEnded, StreamStarted, ToolRequested
from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.resilient_connection import ResilientConnection, backoff
from agent_core.nova.transcript import ConversationTranscript, History
from agent_core.nova.wire import Role
from tests.support import scripted_model as say
from tests.support.model_conversation import Conversation
from tests.support.scripted_model import ScriptedModel, ScriptedStream
from tests.support.scripted_source import ScriptedSource, unwatched
from tests.support.waiting import until

LOST = ModelUnavailable("InternalServerException")
SOUND = b"\x01\x00" * 80


def _refusing(error: Callable[[], ModelError], times: int) -> ScriptedModel:
    model = ScriptedModel()
    model.refusals.extend(error() for _ in range(times))
    return model


class Slow(ScriptedSource):
    """Opens no session before its gate is open."""

    def __init__(self, model: ScriptedModel) -> None:
        super().__init__(model)
        self.gate = asyncio.Event()

    async def open(self, history: History) -> ModelSession:
        """Wait for the gate, then open a session."""
        await self.gate.wait()
        return await super().open(history)


def _connection(source: ScriptedSource) -> ResilientConnection:
    return ResilientConnection(
        source, ConversationTranscript(), SessionStats(), *unwatched(), input_rate=8000, renew_after=360
    )


def _said(words: str) -> list[bytes]:
    return [*say.answer(words, SOUND), *say.text_block("ASSISTANT", words, speculative=False, stop="END_TURN")]


async def _ignore(_fact: Fact) -> None:
    """Do nothing."""


async def test_a_session_that_is_open_is_used() -> None:
    """A pre-warmed session is used, and no second stream is opened."""
    model = ScriptedModel()
    first = await ModelSession.open(model, "a-model", SessionPrompt("Be brief.", "matthew"))
    talk = Conversation(model, first)
    async with talk.talking():
        talk.connection.hear(b"\x01\x00")
        await model.streams[0].until_sent("audioInput")
    assert len(model.streams) == talk.stats.model_streams == 1


@pytest.mark.parametrize("lose", [lambda stream: stream.fail(LOST), ScriptedStream.end], ids=["error", "end"])
async def test_a_broken_stream_is_replaced_with_the_history(lose: Callable[[ScriptedStream], None]) -> None:
    """The next session gets the history; an end without an error is a loss too."""
    talk = Conversation(ScriptedModel())
    talk.transcript.add(Role.USER, "hello")
    talk.transcript.add(Role.ASSISTANT, "good day")
    async with talk.talking():
        lose(await talk.model.stream(0))
        second = await talk.model.stream(1)
        await second.until_sent("contentStart", count=4)
        assert talk.model.streams[0].closed
        assert second.texts("USER") == ["hello"]
        assert second.texts("ASSISTANT") == ["good day"]
    assert talk.stats.model_streams == 2
    assert talk.model.open_streams == 0


async def test_an_unanswered_question_is_asked_again() -> None:
    """The next stream answers the question that the lost one had understood, so the caller need not repeat it."""
    talk = Conversation(ScriptedModel())
    talk.transcript.add(Role.USER, "hello")
    talk.transcript.add(Role.ASSISTANT, "good day")
    talk.transcript.add(Role.USER, "weather in Oslo?")
    async with talk.talking():
        (await talk.model.stream(0)).fail(LOST)
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=4)
        starts = [
            body["interactive"] for name, body in second.sent if name == "contentStart" and body["role"] == "USER"
        ]
        assert second.texts("USER") == ["hello", "weather in Oslo?"]
        assert starts == [False, True, True]


async def test_written_words_without_an_answer_are_given_again() -> None:
    """A greeting ordered from a stream that broke is ordered from the next one."""
    talk = Conversation(ScriptedModel())
    talk.connection.read("Greet the caller.")
    async with talk.talking():
        first = await talk.model.stream(0)
        await first.until_sent("textInput", count=2)
        first.fail(LOST)
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=2)
        assert second.texts("USER") == ["Greet the caller."]


async def test_half_a_character_in_written_words_is_left_out() -> None:
    """An unpaired surrogate from a page breaks neither the conversation nor the history of later streams."""
    talk = Conversation(ScriptedModel())
    async with talk.talking():
        first = await talk.model.stream(0)
        talk.connection.read("a\ud83d", by_caller=True)
        await first.until_sent("textInput", count=2)
        assert first.texts("USER") == ["a"]
        first.fail(LOST)
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=2)
        assert second.texts("USER") == ["a"]


async def test_written_words_with_an_answer_are_not_given_again() -> None:
    """Written words that were answered are not sent again, so a caller is not greeted twice."""
    talk = Conversation(ScriptedModel())
    talk.connection.read("Greet the caller.")
    async with talk.talking():
        first = await talk.model.stream(0)
        first.say(say.event("completionStart"), *say.answer("Hello.", b"\x01\x00" * 80))
        await until(lambda: talk.count(ReplyEnded) == 1)
        first.fail(LOST)
        second = await talk.model.stream(1)
        await second.until_sent("contentStart", count=2)
        assert second.texts("USER") == []


async def test_fault_02_the_tries_are_three_and_spaced() -> None:
    """The second attempt comes at once, the third about a second later, then the conversation ends: no retry storm."""
    clock = asyncio.get_running_loop().time
    opened: list[float] = []

    class Noting(ScriptedSource):
        async def open(self, history: History) -> ModelSession:
            opened.append(clock())
            return await super().open(history)

    model = _refusing(lambda: ModelUnavailable("ThrottlingException"), 9)
    connection = _connection(Noting(model))
    with pytest.raises(ModelUnavailable):
        async with asyncio.timeout(8):
            await connection.run(_ignore)
    assert len(model.models) == MAX_TRIES
    first, second, third = opened
    assert second - first < 0.5
    assert 0.75 <= third - second < 1.5
    await connection.close()


async def test_a_completed_answer_forgives_earlier_failures() -> None:
    """After an answer the model has its three attempts again: two losses, an answer, two losses."""
    talk = Conversation(_refusing(lambda: LOST, 2))
    async with talk.talking() as running:
        stream = await talk.model.stream(0, seconds=8)
        stream.say(*say.answer("Hello.", SOUND), *say.heard("hm"), *say.answer("Yes?", SOUND))
        await until(lambda: talk.count(ReplyAudio) == 2)
        talk.model.refusals.append(LOST)
        stream.fail(LOST)
        await talk.model.stream(1, seconds=8)
        assert not running.done()


TEXTS = [
    "RequestId=70368399445: Error 1: This request has been blocked by our content filters.",
    "Tool Response parsing error",
    "Chat history should be sent completely before streaming audio.",
    "Chat history is over max limit. Trim chat history and try again.",
    "Invalid input request, please fix your input and try again.",
    "InternalErrorCode=531: Request timeout",
    "System instability detected. Please retry your request.",
    "a text that is not known",
]
ERRORS: list[Callable[[], ModelError | None]] = [
    *(partial(ModelRejected, "ValidationException", text) for text in TEXTS),
    partial(ModelRejected, "AccessDeniedException"),
    partial(ModelRejected, "ServiceQuotaExceededException"),
    partial(ModelUnavailable, "ThrottlingException"),
    partial(ModelUnavailable, "ModelStreamErrorException"),
    partial(ModelUnavailable, "InternalServerException"),
    partial(ModelUnavailable, "ModelTimeoutException"),
    lambda: None,  # closes the stream without an error
]
WAYS: dict[str, Callable[[ScriptedStream], None]] = {
    "as it is asked": lambda _stream: None,
    "behind its first sound": lambda stream: stream.say(
        *say.text_block("ASSISTANT", "It is", speculative=True), say.audio_start(), say.audio(SOUND)
    ),
    "in a tool use": lambda stream: stream.say(*say.tool_use("get_weather", "use-1", {})),
}


def _breaks(stream: ScriptedStream, error: ModelError | None) -> None:
    if error is None:
        stream.end()
    else:
        stream.fail(error)


def _breaks_tried() -> Iterator[Any]:
    """Return every error in every way at the first answer, and every error in one of the ways in the tenth minute."""
    for place, error in enumerate(ERRORS):
        for number, way in enumerate(WAYS):
            yield pytest.param(error, 0, way, id=f"{place}-0-{way}")
            if number == place % len(WAYS):  # ten minutes of silence take a second to work through
                marks = (pytest.mark.thorough,) if place else ()
                yield pytest.param(error, 10, way, id=f"{place}-10-{way}", marks=marks)


@pytest.mark.parametrize(("error", "minutes", "way"), list(_breaks_tried()))
async def test_a_model_that_breaks_in_every_answer_is_left_after_four_streams(
    error: Callable[[], ModelError | None], minutes: int, way: str
) -> None:
    """Whatever the error, at the first answer or in the tenth minute, the caller hears a single announcement."""
    talk = Conversation(ScriptedModel(), renew_after=100_000)
    talk.connection.read("Greet the caller.")
    async with talk.talking() as running:
        stream = await talk.model.stream(0)
        stream.say(say.event("completionStart"), *say.answer("Hello.", SOUND))
        await asyncio.sleep(60 * minutes + 1)
        before = len(talk.model.streams)

        def misbehave(stream: ScriptedStream) -> None:
            def on_event(name: str, body: dict[str, object]) -> None:
                if name == "contentStart" and body["type"] == "AUDIO":
                    WAYS[way](stream)
                    _breaks(stream, error())

            stream.on_event = on_event

        talk.model._script = misbehave
        stream.say(*say.heard("weather in Oslo?"))
        WAYS[way](stream)
        _breaks(stream, error())
        with pytest.raises((ModelRejected, ModelUnavailable)):
            async with asyncio.timeout(25):
                await running
        assert len(talk.model.streams) - before + 1 <= 4
        assert len(talk.said) <= 1


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_one_refusal_in_an_open_call_costs_one_stream(text: str) -> None:
    """A call that has worked is not ended by an error text that the model also sends in healthy calls."""
    talk = Conversation(ScriptedModel())
    talk.connection.read("Greet the caller.")
    async with talk.talking() as running:
        first = await talk.model.stream(0)
        first.say(say.event("completionStart"), *say.answer("Hello.", SOUND))
        await until(lambda: talk.count(ReplyAudio) == 1)
        first.say(*say.heard("weather in Oslo?"))
        first.fail(ModelRejected("ValidationException", text))
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=2)
        second.say(*say.answer("Seven degrees.", SOUND))
        await asyncio.sleep(30)
        assert not running.done()
        assert len(talk.model.streams) == 2
        assert talk.said == []


async def test_words_that_are_blocked_are_not_said_again() -> None:
    """Blocked words are left out of history and question; otherwise the next stream would be rejected too."""
    talk = Conversation(ScriptedModel())
    async with talk.talking():
        first = await talk.model.stream(0)
        first.say(say.event("completionStart"), *say.heard("hello"), *_said("Good day."), *say.heard("a bad word"))
        await until(lambda: talk.transcript.history[-1:] == ((Role.USER, "a bad word"),))
        first.fail(ModelRejected("ValidationException", TEXTS[0]))
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=4)
        assert second.texts("USER") == ["hello", prompts.load("blocked")]


async def test_a_history_that_is_refused_is_halved_then_left_out() -> None:
    """The next conversation of this process begins with half of the history."""
    quirks = Quirks()
    model = ScriptedModel()

    def refuse_history(stream: ScriptedStream) -> None:
        def on_event(name: str, body: dict[str, object]) -> None:
            if name == "contentStart" and body["type"] == "AUDIO" and stream.texts("ASSISTANT"):
                stream.fail(ModelRejected("ValidationException", TEXTS[3]))

        stream.on_event = on_event

    talk = Conversation(model, quirks=quirks)
    for number in range(30):
        talk.transcript.add(Role.USER, f"question {number} " + "word " * 40)
        talk.transcript.add(Role.ASSISTANT, f"answer {number} " + "word " * 40)
    async with talk.talking():
        first = await model.stream(0)
        first.say(say.event("completionStart"), *say.heard("and in Oslo?"))
        await until(lambda: talk.transcript.history[-1][1] == "and in Oslo?")
        model._script = refuse_history
        first.fail(LOST)
        third = await model.stream(2)
        await third.until_sent("textInput", count=2)
    lengths = [
        sum(len(words) for words in stream.texts("USER") + stream.texts("ASSISTANT")) for stream in model.streams
    ]
    assert lengths[0] > 7000
    assert 2500 < lengths[1] <= 8000
    assert third.texts("ASSISTANT") == []
    assert third.texts("USER") == ["and in Oslo?"]
    assert quirks.history_bytes < 8000


async def test_the_model_is_nudged_only_while_a_tool_works() -> None:
    """The nudge is not a question: no caller waits for an answer to it, and a new stream does not get it again."""
    quirks = Quirks()
    talk = Conversation(ScriptedModel(), quirks=quirks)
    async with talk.talking():
        first = await talk.model.stream(0)
        assert not talk.connection.nudge("Say that you look.")
        first.say(say.event("completionStart"), *say.heard("weather?"), *say.tool_use("get_weather", "use-1", {}))
        await until(lambda: talk.connection.turns.tools == {"use-1"})
        assert talk.connection.nudge("Say that you look.")
        await first.until_sent("textInput", count=2)
        assert first.texts("USER") == ["Say that you look."]
        first.say(*_said("I am looking."))
        await until(lambda: talk.transcript.history[-1][1] == "I am looking.")
        first.fail(LOST)
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=2)
        assert second.texts("USER") == ["weather?"]
        second.say(*say.tool_use("get_weather", "use-2", {}))
        await until(lambda: talk.connection.turns.tools == {"use-2"})
        assert talk.connection.nudge("Say that you look.")
        second.fail(ModelRejected("ValidationException", TEXTS[4]))
        third = await talk.model.stream(2)
        third.say(*say.tool_use("get_weather", "use-3", {}))
        await until(lambda: talk.connection.turns.tools == {"use-3"})
        assert not talk.connection.nudge("Say that you look.")
    assert not quirks.takes_nudges
    assert not quirks.holds_audio


async def test_a_question_whose_tool_has_answered_is_asked_again() -> None:
    """The question is asked again although the agent has said that it is looking something up."""
    talk = Conversation(ScriptedModel())
    async with talk.talking():
        first = await talk.model.stream(0)
        first.say(say.event("completionStart"), *say.heard("weather?"), *say.tool_use("get_weather", "use-1", {}))
        first.say(*_said("I am looking."))
        await until(lambda: talk.transcript.history[-1:] == ((Role.ASSISTANT, "I am looking."),))
        assert talk.connection.answer_tool("use-1", {"temperature": 7})
        await first.until_sent("toolResult")
        first.fail(LOST)
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=2)
        assert second.texts("USER") == ["weather?"]


async def test_audio_is_held_after_it_was_refused_during_a_tool() -> None:
    """Audio waits for a tool for the rest of the conversation, and in later ones of the process; none of it is lost."""
    quirks = Quirks()
    talk = Conversation(ScriptedModel(), quirks=quirks)
    async with talk.talking():
        first = await talk.model.stream(0)
        first.say(say.event("completionStart"), *say.heard("weather?"), *say.tool_use("get_weather", "use-1", {}))
        await until(lambda: talk.connection.turns.tools == {"use-1"})
        talk.connection.hear(b"\x01\x00" * 160)
        first.fail(ModelRejected("ValidationException", TEXTS[4]))
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=2)
        second.say(*say.tool_use("get_weather", "use-2", {}))
        await until(lambda: talk.connection.turns.tools == {"use-2"})
        before = len(second.sound())
        talk.connection.hear(b"\x02\x00" * 160)
        await asyncio.sleep(1)
        assert len(second.sound()) == before
        assert talk.connection.answer_tool("use-2", {})
        await until(lambda: second.sound()[before:] == b"\x02\x00" * 160)
    assert quirks.holds_audio


async def test_a_refusal_of_what_is_taken_up_is_tried_again() -> None:
    """The conversation worked before in another session, so the rejection of its history is retried."""
    model = _refusing(lambda: ModelRejected("ValidationException", "Chat history should be sent completely"), 1)
    source = ScriptedSource(model)
    said = ConversationTranscript(((Role.USER, "Oslo"), (Role.ASSISTANT, "It rains.")))
    connection = ResilientConnection(source, said, SessionStats(), *unwatched(), input_rate=8000, renew_after=360)
    running = asyncio.create_task(connection.run(_ignore))
    await until(lambda: model.open_streams == 1)
    await connection.close()
    await running


@pytest.mark.parametrize(
    "refusing",
    [
        lambda: _refusing(lambda: ModelRejected("AccessDeniedException"), 1),
        lambda: ScriptedModel(lambda stream: stream.fail(ModelRejected("ValidationException"))),
    ],
    ids=["at the opening", "in an open stream"],
)
async def test_a_refusal_is_not_tried_again(refusing: Callable[[], ScriptedModel]) -> None:
    """Denied access is not retried, whether it shows at the opening or later."""
    talk = Conversation(refusing())
    with pytest.raises(ModelRejected):
        await talk.connection.run(talk.take)
    assert len(talk.model.models) == 1
    await talk.connection.close()
    assert talk.model.open_streams == 0


async def test_what_the_caller_says_meanwhile_is_kept() -> None:
    """Audio that arrives without a session reaches the next one, in order."""
    talk = Conversation(ScriptedModel())
    talk.connection.hear(b"\x01\x00")
    talk.connection.hear(b"\x02\x00")
    async with talk.talking():
        stream = await talk.model.stream(0)
        await stream.until_sent("audioInput", count=2)
        talk.connection.hear(b"\x03\x00")
        await stream.until_sent("audioInput", count=3)
        assert stream.sound() == b"\x01\x00\x02\x00\x03\x00"


async def test_what_is_kept_is_bounded_and_the_newest() -> None:
    """Five seconds of audio wait; older audio is dropped and counted."""
    talk = Conversation(ScriptedModel())
    for number in range(8):
        talk.connection.hear(bytes([number, 0]) * 8000)
    assert talk.stats.audio_dropped_ms == 3000
    async with talk.talking():
        stream = await talk.model.stream(0)
        await stream.until_sent("audioInput", count=5)
        assert stream.sound()[:2] == b"\x03\x00"


async def test_what_a_session_dropped_is_counted() -> None:
    """The end record says how much audio the model never heard."""
    talk = Conversation(ScriptedModel(lambda stream: stream.say(say.event("completionStart"))))
    async with talk.talking():
        stream = await talk.model.stream(0)
        await until(lambda: talk.count(StreamStarted) == 1)
        stream.takes_events.clear()
        for _ in range(7):
            talk.connection.hear(b"\x01\x00" * 8000)
    assert talk.stats.audio_dropped_ms == 2000


async def test_a_model_that_does_not_answer_is_taken_for_dead() -> None:
    """A model that is silent when it should speak costs the caller four seconds, not the call."""
    talk = Conversation(ScriptedModel())
    talk.connection.read("Greet the caller.")
    async with talk.talking():
        first = await talk.model.stream(0)
        first.say(say.event("completionStart"))
        second = await talk.model.stream(1, seconds=stream_watchdog.ANSWER_SECONDS + 2)
        await second.until_sent("textInput", count=2)
        assert first.closed
        assert second.texts("USER") == ["Greet the caller."]


async def test_words_before_the_report_of_their_interruption_expect_an_answer() -> None:
    """Nova may report the interruption after the words that interrupted: the model that then says nothing is dead."""
    talk = Conversation(ScriptedModel())
    async with talk.talking():
        first = await talk.model.stream()
        first.say(*say.answer("The weather in", SOUND), *say.heard("No, wait"), *say.interruption())
        second = await talk.model.stream(1, seconds=stream_watchdog.TURN_SECONDS + 2)
        await until(lambda: second.texts("USER") != [])
        assert second.texts("USER")[-1] == "No, wait"


async def test_what_is_asked_while_a_session_opens_is_asked() -> None:
    """A page that becomes ready while the session opens is greeted all the same."""
    model = ScriptedModel()
    source = Slow(model)
    connection = _connection(source)
    running = asyncio.create_task(connection.run(_ignore))
    await asyncio.sleep(0)
    connection.read("Greet the caller.")
    source.gate.set()
    stream = await model.stream()
    await stream.until_sent("textInput", count=2)
    assert stream.texts("USER") == ["Greet the caller."]
    await connection.close()
    await running


async def test_no_session_is_opened_after_the_end() -> None:
    """A conversation that ends while its next session opens closes that session."""
    model = ScriptedModel()
    source = Slow(model)
    connection = _connection(source)
    running = asyncio.create_task(connection.run(_ignore))
    await asyncio.sleep(0)
    await connection.close()
    source.gate.set()
    async with asyncio.timeout(3):
        await running
    assert model.open_streams == 0
    assert len(model.streams) == 1


async def test_closing_ends_the_run_without_an_error() -> None:
    """The agent's own goodbye does not count as a failure of the model."""
    talk = Conversation(ScriptedModel())
    running = asyncio.create_task(talk.connection.run(talk.take))
    stream = await talk.model.stream(0)
    await until(lambda: "contentStart" in stream.names())
    await talk.connection.close()
    stream.end()
    async with asyncio.timeout(3):
        await running
    assert len(talk.model.streams) == 1


async def test_a_late_tool_result_finds_nobody() -> None:
    """A result for a closed session is rejected, not sent to the next one."""
    talk = Conversation(ScriptedModel())
    assert not talk.connection.answer_tool("use-1", {})
    async with talk.talking():
        first = await talk.model.stream(0)
        first.say(*say.tool_use("get_weather", "use-1", {}))
        await until(lambda: talk.count(ToolRequested) == 1)
        first.fail(LOST)
        second = await talk.model.stream(1)
        await second.until_sent("contentStart", count=2)
        assert not talk.connection.answer_tool("use-1", {"temperature": 7})
        assert "toolResult" not in second.names()


def test_waits_between_tries_grow_and_vary() -> None:
    """The second attempt comes at once, the third after about a second, with jitter to keep tasks apart."""
    assert backoff(1) == 0
    waits = [backoff(2) for _ in range(50)]
    assert all(0.75 <= wait <= 1.25 for wait in waits)
    assert len(set(waits)) > 1
