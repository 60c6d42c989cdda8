"""The model inside a Pipecat pipeline: what is emitted where, and above all in which order."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from pipecat.processors.aggregators.llm_context import LLMContext, LLMSpecificMessage

from agent_core.errors import ModelError, ModelRejected
from agent_core.events import SessionStats
from agent_core.nova.facts import Fact, StreamStarted
from agent_core.nova.resilient_connection import ResilientConnection
from agent_core.nova.service import NovaSonicService
from agent_core.nova.transcript import ConversationTranscript
from agent_core.pipeline import ConversationPipeline
from tests.support import scripted_model as say
from tests.support.scripted_model import ScriptedModel, ScriptedStream
from tests.support.scripted_source import ScriptedSource
from tests.support.waiting import until

SOUND = b"\x01\x00" * 80
OTHER_SOUND = b"\x02\x00" * 80
LONG_ANSWER = [*say.text_block("ASSISTANT", "A long answer.", speculative=True), say.audio_start(), say.audio(SOUND)]


class Ear:
    """Receives the agent's voice and records events in order."""

    def __init__(self) -> None:
        self.happened: list[str | bytes] = []
        self.on_interrupt: Callable[[], None] = lambda: None

    def play(self, pcm: bytes) -> None:
        """Record audio."""
        self.happened.append(pcm)

    def say(self, pcm: bytes) -> None:
        """Record an announcement."""
        self.happened.append(b"phrase" + pcm)

    def sounds_for(self) -> float:
        """Return zero: playing takes no time here."""
        return 0.0

    def interrupt(self) -> None:
        """Record that the audio was dropped."""
        self.happened.append("interrupt")
        self.on_interrupt()

    def finish_answer(self) -> None:
        """Record the end of an answer."""
        self.happened.append("finish")


class Desk:
    """Holds the conversation: runs tools as the test scripts."""

    def __init__(self) -> None:
        self.stats = SessionStats()
        self.failures: list[ModelError] = []
        self.model_sessions: list[str] = []
        self.tool_calls: list[tuple[str, dict[str, Any] | None]] = []
        self.tool_done = asyncio.Event()
        self.tool_done.set()

    async def somebody_there(self) -> None:
        """Return at once."""

    async def call_tool(self, name: str, arguments: dict[str, Any] | None, call_id: str) -> dict[str, Any]:
        """Return seven degrees, when the test lets it."""
        assert call_id
        self.tool_calls.append((name, arguments))
        await self.tool_done.wait()
        return {"temperature": 7}

    def answer_heard(self) -> None:
        """Do nothing: audio is not sent as frames here."""

    def model_failed(self, error: ModelError) -> None:
        """Record it."""
        self.failures.append(error)

    def take(self, fact: Fact) -> None:
        """Record the model's sessions."""
        if isinstance(fact, StreamStarted):
            self.model_sessions.append(fact.model_session_id)


class Talk:
    """A running pipeline."""

    def __init__(self) -> None:
        self.model = ScriptedModel()
        self.ear = Ear()
        self.desk = Desk()
        self.context = LLMContext()
        self.connection = ResilientConnection(
            ScriptedSource(self.model),
            ConversationTranscript(),
            self.desk.stats,
            self.desk.take,
            lambda: True,
            input_rate=8000,
            renew_after=360,
        )
        service = NovaSonicService(self.connection, self.desk, output_rate=8000, voice=self.ear)
        self.pipeline = ConversationPipeline(service, self.context, sound=None)

    @property
    def said(self) -> list[tuple[str, str]]:
        """Return the context as (role, words)."""
        messages = [message for message in self.context.get_messages() if not isinstance(message, LLMSpecificMessage)]
        said = [(str(message["role"]).upper(), message.get("content")) for message in messages]
        return [(role, words) for role, words in said if role in ("USER", "ASSISTANT") and isinstance(words, str)]

    async def heard(self, count: int) -> None:
        """Wait until the voice has recorded so many events."""
        await until(lambda: len(self.ear.happened) >= count)


@asynccontextmanager
async def _talking() -> AsyncIterator[tuple[Talk, ScriptedStream]]:
    talk = Talk()
    running = asyncio.create_task(talk.pipeline.run())
    try:
        stream = await talk.model.stream()
        stream.say(say.event("completionStart"))
        yield talk, stream
    finally:
        await talk.pipeline.cancel()
        await talk.connection.close()
        await asyncio.wait({running}, timeout=5)
        assert running.done()


async def test_an_answer_is_played_and_marked() -> None:
    """Audio goes straight to the voice, and the end of the answer is reported once."""
    async with _talking() as (talk, stream):
        stream.say(*say.answer("Hello.", SOUND))
        await talk.heard(2)
        assert talk.ear.happened == [SOUND, "finish"]
        assert talk.desk.stats.agent_turns == 1
        assert talk.desk.model_sessions == ["model-session"]


async def test_sentences_of_one_answer_are_one_turn() -> None:
    """Several blocks of one answer form one turn."""
    async with _talking() as (talk, stream):
        stream.say(*say.text_block("ASSISTANT", "One.", speculative=True), *say.audio_block(SOUND, stop="PARTIAL_TURN"))
        stream.say(*say.text_block("ASSISTANT", "Two.", speculative=True), *say.audio_block(OTHER_SOUND))
        await talk.heard(3)
        assert talk.ear.happened == [SOUND, OTHER_SOUND, "finish"]
        assert talk.desk.stats.agent_turns == 1


async def test_words_enter_the_context_in_order() -> None:
    """The context has the caller's words as heard and the agent's as spoken, in order: the next session gets it."""
    async with _talking() as (talk, stream):
        stream.say(*say.answer("Hello, how can I help?", SOUND))
        await until(lambda: len(talk.said) == 1)
        stream.say(*say.heard("what is the weather"), *say.heard("in Oslo"))
        stream.say(*say.answer("Seven degrees.", SOUND))
        await until(lambda: len(talk.said) == 3)
        stream.say(*say.heard("thank you"))
        stream.say(*say.answer("Goodbye.", SOUND))
        await until(lambda: len(talk.said) == 5)
        assert talk.said == [
            ("ASSISTANT", "Hello, how can I help?"),
            ("USER", "what is the weather in Oslo"),
            ("ASSISTANT", "Seven degrees."),
            ("USER", "thank you"),
            ("ASSISTANT", "Goodbye."),
        ]
        assert (talk.desk.stats.caller_turns, talk.desk.stats.agent_turns) == (2, 3)


async def test_final_words_do_not_repeat_planned_ones() -> None:
    """The model sends a sentence twice, planned and spoken; the context holds it once."""
    async with _talking() as (talk, stream):
        stream.say(*say.answer("Hello.", SOUND))
        stream.say(*say.text_block("ASSISTANT", "Hello.", speculative=False, stop="END_TURN"))
        await until(lambda: len(talk.said) == 1)
        stream.say(*say.heard("hi"), *say.answer("Yes?", SOUND))
        await until(lambda: len(talk.said) == 3)
        assert [words for _, words in talk.said] == ["Hello.", "hi", "Yes?"]


async def test_an_interruption_reaches_the_ear_before_anything_else() -> None:
    """The voice stops before the barge-in is counted and before any frame is sent."""
    async with _talking() as (talk, stream):
        counted: list[int] = []
        stream.say(*LONG_ANSWER)
        await talk.heard(1)
        talk.ear.on_interrupt = lambda: counted.append(talk.desk.stats.interruptions)
        stream.say(*say.interruption())
        await until(lambda: talk.desk.stats.interruptions == 1)
        assert counted == [0]
        assert talk.ear.happened[:2] == [SOUND, "interrupt"]


async def test_after_an_interruption_nothing_of_that_answer_is_played() -> None:
    """Audio on its way is dropped, and the next answer is heard again."""
    async with _talking() as (talk, stream):
        stream.say(*LONG_ANSWER)
        await talk.heard(1)
        stream.say(*say.interruption(), say.audio(SOUND), say.audio(SOUND), *say.heard("wait"))
        stream.say(*say.answer("Yes?", OTHER_SOUND))
        await until(lambda: OTHER_SOUND in talk.ear.happened)
        assert talk.ear.happened.count(SOUND) == 1
        assert talk.desk.stats.interruptions == 1
        assert talk.desk.stats.agent_turns == 2


async def test_two_signs_of_one_interruption_count_once() -> None:
    """One barge-in that both the older text and the newer stop reason report counts once."""
    async with _talking() as (talk, stream):
        stream.say(*LONG_ANSWER)
        stream.say(say.event("contentEnd", contentId="sound", type="AUDIO", stopReason="INTERRUPTED"))
        stream.say(*say.interruption())
        stream.say(*say.heard("wait"), *say.answer("Yes?", OTHER_SOUND))
        await until(lambda: OTHER_SOUND in talk.ear.happened)
        assert talk.desk.stats.interruptions == 1


async def test_words_that_were_planned_but_cut_off_are_not_remembered() -> None:
    """Words that were planned but not heard stay out of the next session's history."""
    async with _talking() as (talk, stream):
        stream.say(*say.answer("First.", SOUND))
        stream.say(*say.text_block("ASSISTANT", "Never said.", speculative=True), say.audio_start(), say.audio(SOUND))
        stream.say(*say.interruption(), *say.heard("wait"), *say.answer("Yes?", OTHER_SOUND))
        await until(lambda: ("ASSISTANT", "Yes?") in talk.said)
        assert "Never said." not in " ".join(words for _, words in talk.said)


async def test_a_tool_is_called_and_answered() -> None:
    """The model gets the result with the identifier of its own use."""
    async with _talking() as (talk, stream):
        stream.say(*say.heard("weather in Oslo"), *say.tool_use("get_weather", "use-1", {"city": "Oslo"}))
        result = await stream.until_sent("toolResult")
        start = next(body for name, body in stream.sent if body.get("type") == "TOOL")
        assert start["toolResultInputConfiguration"]["toolUseId"] == "use-1"
        assert result["content"] == '{"temperature":7}'
        assert talk.desk.tool_calls == [("get_weather", {"city": "Oslo"})]
        assert talk.desk.stats.caller_turns == 1


async def test_a_slow_tool_holds_up_nothing() -> None:
    """The model continues to talk while a tool works."""
    async with _talking() as (talk, stream):
        talk.desk.tool_done.clear()
        stream.say(*say.tool_use("get_weather", "use-1", {}), *say.answer("One moment.", SOUND))
        await talk.heard(2)
        assert "toolResult" not in stream.names()
        talk.desk.tool_done.set()
        await stream.until_sent("toolResult")


async def test_an_interrupted_caller_still_gets_the_result() -> None:
    """A barge-in does not cancel the question, and the model waits for its answer."""
    async with _talking() as (talk, stream):
        talk.desk.tool_done.clear()
        stream.say(*say.tool_use("get_weather", "use-1", {}), say.audio_start(), say.audio(SOUND), *say.interruption())
        await until(lambda: talk.desk.stats.interruptions == 1)
        talk.desk.tool_done.set()
        await stream.until_sent("toolResult")


async def test_a_result_that_comes_after_its_session_is_dropped() -> None:
    """A late result is dropped: the next session did not request it, and would end."""
    async with _talking() as (talk, stream):
        talk.desk.tool_done.clear()
        stream.say(*say.tool_use("get_weather", "use-1", {}))
        await until(lambda: len(talk.desk.tool_calls) == 1)
        stream.end()
        second = await talk.model.stream(1)
        talk.desk.tool_done.set()
        second.say(*say.answer("Hello again.", SOUND))
        await until(lambda: SOUND in talk.ear.happened)
        assert "toolResult" not in second.names()


async def test_arguments_that_are_no_object_reach_the_tools_as_none() -> None:
    """Arguments that are not an object reach the registry as none, which reports them to the model."""
    async with _talking() as (talk, stream):
        stream.say(say.event("toolUse", toolUseId="use-1", toolName="get_weather", content="{"))
        await stream.until_sent("toolResult")
        assert talk.desk.tool_calls == [("get_weather", None)]


async def test_a_model_lost_for_good_is_told_once() -> None:
    """Losing the model ends its part, not the pipeline: the conversation decides what follows."""
    async with _talking() as (talk, stream):
        talk.model.refusals.extend(ModelRejected("AccessDeniedException") for _ in range(2))
        stream.fail(ModelRejected("AccessDeniedException"))
        await until(lambda: len(talk.desk.failures) == 1)
        assert talk.desk.failures[0].reason == "nova_sonic: AccessDeniedException"


async def test_tokens_are_counted() -> None:
    """Tokens of speech and of text are counted apart, because their prices differ."""
    async with _talking() as (talk, stream):
        used = {"input": {"speechTokens": 3, "textTokens": 4}, "output": {"speechTokens": 5, "textTokens": 6}}
        for _ in range(2):
            stream.say(say.event("usageEvent", details={"delta": used}))
        stats = talk.desk.stats
        await until(lambda: stats.text_output_tokens == 12)
        assert (stats.speech_input_tokens, stats.text_input_tokens, stats.speech_output_tokens) == (6, 8, 10)


async def test_a_model_that_calls_tools_without_end_is_stopped() -> None:
    """After a handful of calls in one turn the model must speak, then it is replaced; the tool's service is spared."""
    async with _talking() as (talk, first):

        def loop(stream: ScriptedStream) -> None:
            def ask() -> None:
                stream.uses += 1
                stream.say(*say.tool_use("get_weather", f"use-{id(stream)}-{stream.uses}", {"city": "Paris"}))

            def again(name: str, body: dict[str, Any]) -> None:
                if name == "toolResult" or body.get("type") == "AUDIO":
                    asyncio.get_running_loop().call_later(0.3, ask)

            stream.on_event = again

        talk.model._script = loop
        loop(first)
        first.say(*say.heard("weather in Paris?"), *say.tool_use("get_weather", "use-0", {"city": "Paris"}))
        await until(lambda: len(talk.desk.failures) == 1, 25)
        assert talk.desk.failures[0].kind == "ToolLoop"
        assert len(talk.model.streams) <= 4
        assert len(talk.desk.tool_calls) <= 2 * len(talk.model.streams)
        results = [json.loads(body["content"]) for name, body in first.sent if name == "toolResult"]
        assert results[:2] == [{"temperature": 7}] * 2
        assert {result["error"] for result in results[2:]} == {"enough_tool_calls"}


async def test_an_order_to_speak_that_the_model_follows_costs_nothing() -> None:
    """After an order to speak that the model follows, the stream continues, and the next turn may call tools."""
    async with _talking() as (talk, stream):
        for turn in range(3):
            stream.say(*say.heard("weather in Paris?"))
            for number in range(3):
                stream.say(*say.tool_use("get_weather", f"use-{turn}-{number}", {"city": "Paris"}))
                await stream.until_sent("toolResult", count=3 * turn + number + 1)
            stream.say(*say.answer("Seven degrees.", SOUND))
            await talk.heard(2 * (turn + 1))
        assert len(talk.desk.tool_calls) == 6
        assert len(talk.model.streams) == 1


async def test_different_tools_may_be_called_in_one_turn() -> None:
    """Five different calls are allowed, as for a question about five cities."""
    async with _talking() as (talk, stream):
        stream.say(*say.heard("weather in all of them?"))
        for number in range(6):
            stream.say(*say.tool_use("get_weather", f"use-{number}", {"city": f"city {number}"}))
        await stream.until_sent("toolResult", count=6)
        assert len(talk.desk.tool_calls) == 5


async def test_a_tool_use_that_comes_twice_is_one() -> None:
    """One call and one result follow from a tool use that arrives twice."""
    async with _talking() as (talk, stream):
        stream.say(*say.tool_use("get_weather", "use-1", {}) * 2)
        await stream.until_sent("toolResult")
        await asyncio.sleep(1)
        assert len(talk.desk.tool_calls) == 1
        assert stream.names().count("toolResult") == 1


async def test_audio_of_another_rate_is_played_at_ours() -> None:
    """A second of audio that is declared as 24 kHz lasts a second."""
    second = bytes(2 * 24_000)
    async with _talking() as (talk, stream):
        stream.say(
            *say.text_block("ASSISTANT", "Hello.", speculative=True),
            say.event(
                "contentStart",
                contentId="sound",
                type="AUDIO",
                role="ASSISTANT",
                audioOutputConfiguration={"sampleRateHertz": 24_000},
            ),
            say.audio(second),
            say.event("contentEnd", contentId="sound", type="AUDIO", stopReason="END_TURN"),
        )
        await talk.heard(2)
        assert abs(len(talk.ear.happened[0]) / 2 - 8000) < 200
        stream.say(*say.answer("Again.", SOUND))
        await talk.heard(4)
        assert talk.ear.happened[2] == SOUND


@pytest.mark.parametrize("reason", ["CONTENT_FILTERED", None])
async def test_an_answer_ends_with_any_reason(reason: str | None) -> None:
    """An unknown stop reason ends an answer too; otherwise a healthy stream would be replaced after eight seconds."""
    async with _talking() as (talk, stream):
        why = {} if reason is None else {"stopReason": reason}
        stream.say(
            *say.text_block("ASSISTANT", "Hello.", speculative=True),
            say.audio_start(),
            say.audio(SOUND),
            say.event("contentEnd", contentId="sound", type="AUDIO", **why),
        )
        await talk.heard(2)
        assert talk.ear.happened == [SOUND, "finish"]
        await asyncio.sleep(30)
        assert len(talk.model.streams) == 1


@pytest.mark.parametrize("sign", ['{"interrupted":true}', '{ "interrupted" : true }', ' {"interrupted": true}\n'])
async def test_a_barge_in_is_seen_in_any_spelling(sign: str) -> None:
    """The barge-in text counts with and without blanks, and never as words."""
    async with _talking() as (talk, stream):
        stream.say(*say.text_block("ASSISTANT", "Hello.", speculative=True), say.audio_start(), say.audio(SOUND))
        stream.say(*say.text_block("ASSISTANT", sign, speculative=False, stop="PARTIAL_TURN"))
        await until(lambda: "interrupt" in talk.ear.happened)
        assert all("interrupted" not in words for _, words in talk.connection._transcript.history)


async def test_unknown_events_are_counted_and_named_once() -> None:
    """Fifty unknown events a second produce one line per kind, for a few kinds."""
    with structlog.testing.capture_logs() as lines:
        async with _talking() as (talk, stream):
            for number in range(200):
                stream.say(say.event("moodRingEvent", colour="teal"), say.event(f"event{number}"))
            await until(lambda: talk.desk.stats.unknown_events == 400)
    named = [line["name"] for line in lines if line["event"] == "model_event_unknown"]
    assert named == ["moodRingEvent", "event0", "event1", "event2", "event3"]


async def test_a_tool_call_is_not_read_out() -> None:
    """The text of a tool call precedes its audio, so the stream is replaced in time and the question asked again."""
    async with _talking() as (talk, stream):
        stream.say(*say.heard("weather in Paris?"))
        stream.say(*say.answer("<tools><function=get_weather>{}</function></tools>", SOUND))
        second = await talk.model.stream(1)
        await second.until_sent("textInput", count=2)
        assert second.texts("USER") == ["weather in Paris?"]
        second.say(*say.answer("It is <b>warm</b>, 3 < 4.", SOUND))
        await talk.heard(3)
        assert [one for one in talk.ear.happened if one != "interrupt"][-2:] == [SOUND, "finish"]
        assert talk.ear.happened.count(SOUND) == 1
