"""A page's pipeline carries the agent's text besides the audio, for clients of every version."""

import asyncio

import pytest
from pipecat.frames.frames import AggregatedTextFrame, Frame, LLMTextFrame, MetricsFrame
from pipecat.metrics.metrics import LLMUsageMetricsData, TTFBMetricsData
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agent_core.nova.audio_output import RECORDING
from agent_core.nova.resilient_connection import ResilientConnection
from agent_core.nova.service import NovaSonicService
from agent_core.nova.transcript import ConversationTranscript
from agent_core.pipeline import ConversationPipeline, SoundInFrames
from tests.support import scripted_model as say
from tests.support.scripted_model import ScriptedModel
from tests.support.scripted_source import ScriptedSource, unwatched
from tests.support.waiting import until
from tests.unit.agent_core.test_nova_service import SOUND, Desk, Ear

_USED = {
    "delta": {
        "input": {"speechTokens": 100, "textTokens": 20},
        "output": {"speechTokens": 30, "textTokens": 15},
    }
}


class Wire(FrameProcessor):
    """Passes frames on, and keeps the model's texts and the measurements."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tokens: list[tuple[int, int]] = []
        self.latencies: list[float] = []
        self.captions: list[tuple[str, str]] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass one on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            self.texts.append(frame.text)
        elif isinstance(frame, AggregatedTextFrame):
            self.captions.append((type(frame).__name__, str(frame.text_type)))
        for one in frame.data if isinstance(frame, MetricsFrame) else ():
            if isinstance(one, LLMUsageMetricsData):
                self.tokens.append((one.value.prompt_tokens, one.value.completion_tokens))
            elif isinstance(one, TTFBMetricsData):
                self.latencies.append(one.value)
        await self.push_frame(frame, direction)


@pytest.mark.parametrize("is_page", [True, False])
async def test_a_page_gets_each_sentence_as_text_and_a_telephone_none(*, is_page: bool) -> None:
    """The context holds each sentence once in either case: the text frames are only for clients of a page."""
    model, desk, wire, context = ScriptedModel(), Desk(), Wire(), LLMContext()
    connection = ResilientConnection(
        ScriptedSource(model), ConversationTranscript(), desk.stats, *unwatched(), input_rate=8000, renew_after=360
    )
    service = NovaSonicService(connection, desk, output_rate=8000, voice=None if is_page else Ear())
    sound = SoundInFrames(Wire(), wire, (), on_sound=lambda _: None)
    pipeline = ConversationPipeline(service, context, sound)
    running = asyncio.create_task(pipeline.run())
    try:
        stream = await model.stream()
        stream.say(say.event("completionStart"))
        for words in ("Hello", "How can I help?"):  # the first one ends without a full stop
            stream.say(*say.answer(words, SOUND))
        await until(lambda: len(context.get_messages()) == 2)
        assert [message["content"] for message in context.get_messages()] == ["Hello", "How can I help?"]  # type: ignore[index]
        assert wire.texts == (["Hello", "How can I help?"] if is_page else [])
    finally:
        await pipeline.cancel()
        await connection.close()
        await asyncio.wait({running}, timeout=5)


async def test_a_page_gets_the_tokens_and_the_latency_of_each_answer() -> None:
    """Pipecat reports these only for a service that claims support; the greeting answers no turn."""
    model, desk, wire = ScriptedModel(), Desk(), Wire()
    connection = ResilientConnection(
        ScriptedSource(model), ConversationTranscript(), desk.stats, *unwatched(), input_rate=8000, renew_after=360
    )
    service = NovaSonicService(connection, desk, output_rate=8000, voice=None)
    sound = SoundInFrames(Wire(), wire, (), on_sound=lambda _: None)
    pipeline = ConversationPipeline(service, LLMContext(), sound)
    running = asyncio.create_task(pipeline.run())
    try:
        stream = await model.stream()
        stream.say(say.event("completionStart"), *say.answer("Hello!", SOUND), *say.heard("Oslo?"))
        await until(lambda: desk.stats.agent_turns == 1)
        assert (wire.tokens, wire.latencies) == ([], [])
        await asyncio.sleep(0.8)
        stream.say(*say.answer("It rains.", SOUND), say.event("usageEvent", details=_USED))
        await until(lambda: bool(wire.tokens))
        assert wire.tokens == [(120, 45)]
        assert wire.latencies == [pytest.approx(0.8, abs=0.3)]
    finally:
        await pipeline.cancel()
        await connection.close()
        await asyncio.wait({running}, timeout=5)


async def test_a_recording_has_a_caption_that_is_no_sentence_of_the_model() -> None:
    """A caption is planned and spoken under a type of its own, and is neither text of the model nor in its context."""
    model, desk, wire, context = ScriptedModel(), Desk(), Wire(), LLMContext()
    connection = ResilientConnection(
        ScriptedSource(model), ConversationTranscript(), desk.stats, *unwatched(), input_rate=8000, renew_after=360
    )
    service = NovaSonicService(connection, desk, output_rate=8000, voice=None)
    sound = SoundInFrames(Wire(), wire, (), on_sound=lambda _: None)
    pipeline = ConversationPipeline(service, context, sound)
    running = asyncio.create_task(pipeline.run())
    try:
        await model.stream()
        service.say(SOUND, "Let me look that up.")
        service.say(SOUND)
        await until(lambda: len(wire.captions) == 2)
        assert wire.captions == [("AggregatedTextFrame", RECORDING), ("TTSTextFrame", RECORDING)]
        assert (wire.texts, context.get_messages()) == ([], [])
    finally:
        await pipeline.cancel()
        await connection.close()
        await asyncio.wait({running}, timeout=5)
