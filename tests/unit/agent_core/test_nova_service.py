"""The model inside a Pipecat pipeline: what is said where, and above all in which order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from pipecat.processors.aggregators.llm_context import LLMContext, LLMSpecificMessage

from agent_core.errors import ModelError, ModelRejected
from agent_core.events import Tally
from agent_core.nova.link import ModelLink
from agent_core.nova.service import NovaSonicService
from agent_core.nova.transcript import Transcript
from agent_core.pipeline import ConversationPipeline
from tests.support import scripted_model as say
from tests.support.scripted_model import ScriptedModel, ScriptedStream
from tests.support.scripted_source import ScriptedSource, patience
from tests.support.waiting import until

SOUND = b"\x01\x00" * 80
OTHER_SOUND = b"\x02\x00" * 80
LONG_ANSWER = [*say.text_block("ASSISTANT", "A long answer.", speculative=True), say.audio_start(), say.audio(SOUND)]


class Ear:
    """Takes the agent's voice and remembers what happened to it, in order."""

    def __init__(self) -> None:
        self.happened: list[str | bytes] = []
        self.on_interrupt: Callable[[], None] = lambda: None

    def play(self, pcm: bytes) -> None:
        """Hear sound."""
        self.happened.append(pcm)

    def say(self, pcm: bytes) -> None:
        """Hear a recording."""
        self.happened.append(b"phrase" + pcm)

    def sounds_for(self) -> float:
        """Nothing takes time here."""
        return 0.0

    def interrupt(self) -> None:
        """Hear no more of it."""
        self.happened.append("interrupt")
        self.on_interrupt()

    def finish_answer(self) -> None:
        """Hear that it is over."""
        self.happened.append("finish")


class Desk:
    """Holds the conversation: runs tools as the test says."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.failures: list[ModelError] = []
        self.model_sessions: list[str] = []
        self.tool_calls: list[tuple[str, dict[str, Any] | None]] = []
        self.tool_done = asyncio.Event()
        self.tool_done.set()

    async def somebody_there(self) -> None:
        """Somebody is, at once."""

    async def call_tool(self, name: str, arguments: dict[str, Any] | None) -> dict[str, Any]:
        """Give seven degrees, when the test lets it."""
        self.tool_calls.append((name, arguments))
        await self.tool_done.wait()
        return {"temperature": 7}

    def caller_turn_ended(self) -> None:
        """Nothing: nobody measures here."""

    def answer_began(self) -> None:
        """Nothing: nobody measures here."""

    def answer_heard(self) -> None:
        """Nothing: sound does not travel as frames here."""

    def model_failed(self, error: ModelError) -> None:
        """Note it."""
        self.failures.append(error)

    def model_session_started(self, model_session_id: str) -> None:
        """Note it."""
        self.model_sessions.append(model_session_id)


class Talk:
    """A pipeline that runs."""

    def __init__(self) -> None:
        self.model = ScriptedModel()
        self.ear = Ear()
        self.desk = Desk()
        self.context = LLMContext()
        self.link = ModelLink(
            ScriptedSource(self.model), Transcript(), self.desk.tally, patience([]), input_rate=8000, renew_after=360
        )
        service = NovaSonicService(self.link, self.desk, output_rate=8000, voice=self.ear)
        self.pipeline = ConversationPipeline(service, self.context, sound=None)

    @property
    def said(self) -> list[tuple[str, str]]:
        """What the context holds, as (role, words)."""
        messages = [message for message in self.context.get_messages() if not isinstance(message, LLMSpecificMessage)]
        said = [(str(message["role"]).upper(), message.get("content")) for message in messages]
        return [(role, words) for role, words in said if role in ("USER", "ASSISTANT") and isinstance(words, str)]

    async def heard(self, count: int) -> None:
        """Wait until so many things have happened to the voice."""
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
        await talk.link.close()
        await asyncio.wait({running}, timeout=5)
        assert running.done()


async def test_an_answer_is_played_and_marked() -> None:
    """Sound goes straight to the voice; the end of the answer is told once."""
    async with _talking() as (talk, stream):
        stream.say(*say.answer("Hello.", SOUND))
        await talk.heard(2)
        assert talk.ear.happened == [SOUND, "finish"]
        assert talk.desk.tally.agent_turns == 1
        assert talk.desk.model_sessions == ["model-session"]


async def test_sentences_of_one_answer_are_one_turn() -> None:
    """An answer may come in several blocks."""
    async with _talking() as (talk, stream):
        stream.say(*say.text_block("ASSISTANT", "One.", speculative=True), *say.audio_block(SOUND, stop="PARTIAL_TURN"))
        stream.say(*say.text_block("ASSISTANT", "Two.", speculative=True), *say.audio_block(OTHER_SOUND))
        await talk.heard(3)
        assert talk.ear.happened == [SOUND, OTHER_SOUND, "finish"]
        assert talk.desk.tally.agent_turns == 1


async def test_words_enter_the_context_in_order() -> None:
    """The caller's as they were heard, the agent's as they were spoken: this is what a next session is told."""
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
        assert (talk.desk.tally.caller_turns, talk.desk.tally.agent_turns) == (2, 3)


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
    """When the voice is told to stop, nothing has been counted yet and no frame has been sent."""
    async with _talking() as (talk, stream):
        counted: list[int] = []
        stream.say(*LONG_ANSWER)
        await talk.heard(1)
        talk.ear.on_interrupt = lambda: counted.append(talk.desk.tally.interruptions)
        stream.say(*say.interruption())
        await until(lambda: talk.desk.tally.interruptions == 1)
        assert counted == [0]
        assert talk.ear.happened[:2] == [SOUND, "interrupt"]


async def test_after_an_interruption_nothing_of_that_answer_is_played() -> None:
    """Sound that was on its way is dropped; the next answer is heard again."""
    async with _talking() as (talk, stream):
        stream.say(*LONG_ANSWER)
        await talk.heard(1)
        stream.say(*say.interruption(), say.audio(SOUND), say.audio(SOUND), *say.heard("wait"))
        stream.say(*say.answer("Yes?", OTHER_SOUND))
        await until(lambda: OTHER_SOUND in talk.ear.happened)
        assert talk.ear.happened.count(SOUND) == 1
        assert talk.desk.tally.interruptions == 1
        assert talk.desk.tally.agent_turns == 2


async def test_two_signs_of_one_interruption_count_once() -> None:
    """The older text and the newer stop reason may come together."""
    async with _talking() as (talk, stream):
        stream.say(*LONG_ANSWER)
        stream.say(say.event("contentEnd", contentId="sound", type="AUDIO", stopReason="INTERRUPTED"))
        stream.say(*say.interruption())
        stream.say(*say.heard("wait"), *say.answer("Yes?", OTHER_SOUND))
        await until(lambda: OTHER_SOUND in talk.ear.happened)
        assert talk.desk.tally.interruptions == 1


async def test_words_that_were_planned_but_cut_off_are_not_remembered() -> None:
    """The next session must not believe that the caller has heard them."""
    async with _talking() as (talk, stream):
        stream.say(*say.answer("First.", SOUND))
        stream.say(*say.text_block("ASSISTANT", "Never said.", speculative=True), say.audio_start(), say.audio(SOUND))
        stream.say(*say.interruption(), *say.heard("wait"), *say.answer("Yes?", OTHER_SOUND))
        await until(lambda: ("ASSISTANT", "Yes?") in talk.said)
        assert "Never said." not in " ".join(words for _, words in talk.said)


async def test_a_tool_is_called_and_answered() -> None:
    """The model gets the result under the identifier of its own use."""
    async with _talking() as (talk, stream):
        stream.say(*say.heard("weather in Oslo"), *say.tool_use("get_weather", "use-1", {"city": "Oslo"}))
        result = await stream.until_sent("toolResult")
        start = next(body for name, body in stream.sent if body.get("type") == "TOOL")
        assert start["toolResultInputConfiguration"]["toolUseId"] == "use-1"
        assert result["content"] == '{"temperature":7}'
        assert talk.desk.tool_calls == [("get_weather", {"city": "Oslo"})]
        assert talk.desk.tally.caller_turns == 1


async def test_a_slow_tool_holds_up_nothing() -> None:
    """The model goes on talking while a tool works."""
    async with _talking() as (talk, stream):
        talk.desk.tool_done.clear()
        stream.say(*say.tool_use("get_weather", "use-1", {}), *say.answer("One moment.", SOUND))
        await talk.heard(2)
        assert "toolResult" not in stream.names()
        talk.desk.tool_done.set()
        await stream.until_sent("toolResult")


async def test_an_interrupted_caller_still_gets_the_result() -> None:
    """Cutting in does not take the question back, and the model waits for its answer."""
    async with _talking() as (talk, stream):
        talk.desk.tool_done.clear()
        stream.say(*say.tool_use("get_weather", "use-1", {}), say.audio_start(), say.audio(SOUND), *say.interruption())
        await until(lambda: talk.desk.tally.interruptions == 1)
        talk.desk.tool_done.set()
        await stream.until_sent("toolResult")


async def test_a_result_that_comes_after_its_session_is_dropped() -> None:
    """The next session never asked; to answer it would end it."""
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
    """It is the registry that tells the model what is wrong with them."""
    async with _talking() as (talk, stream):
        stream.say(say.event("toolUse", toolUseId="use-1", toolName="get_weather", content="{"))
        await stream.until_sent("toolResult")
        assert talk.desk.tool_calls == [("get_weather", None)]


async def test_a_model_lost_for_good_is_told_once() -> None:
    """And ends the talking, not the pipeline: whoever holds the conversation decides."""
    async with _talking() as (talk, stream):
        stream.fail(ModelRejected("AccessDeniedException"))
        await until(lambda: len(talk.desk.failures) == 1)
        assert talk.desk.failures[0].reason == "nova_sonic: AccessDeniedException"


async def test_tokens_are_counted() -> None:
    """Speech and text apart, for they cost differently."""
    async with _talking() as (talk, stream):
        used = {"input": {"speechTokens": 3, "textTokens": 4}, "output": {"speechTokens": 5, "textTokens": 6}}
        for _ in range(2):
            stream.say(say.event("usageEvent", details={"delta": used}))
        tally = talk.desk.tally
        await until(lambda: tally.text_output_tokens == 12)
        assert (tally.speech_input_tokens, tally.text_input_tokens, tally.speech_output_tokens) == (6, 8, 10)


async def test_unknown_events_are_counted_and_named_once() -> None:
    """A new event of AWS's, fifty a second: one line of each kind, and no more than a few kinds."""
    with structlog.testing.capture_logs() as lines:
        async with _talking() as (talk, stream):
            for number in range(200):
                stream.say(say.event("moodRingEvent", colour="teal"), say.event(f"event{number}"))
            await until(lambda: talk.desk.tally.unknown_events == 400)
    named = [line["name"] for line in lines if line["event"] == "model_event_unknown"]
    assert named == ["moodRingEvent", "event0", "event1", "event2", "event3"]
