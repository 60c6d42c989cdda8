"""Run Nova Sonic as a Pipecat service.

Pipecat's own Nova Sonic service retries endlessly, waits without deadlines and loses sessions on renewal, so this one
replaces it. The conversation (words, turns, tools, interruptions) travels as Pipecat frames. Audio does so only with a
Pipecat transport; a phone call gets it directly, because one frame per 20 ms costs more than the rest of the call.
"""

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from pipecat.adapters.llm.services.aws_nova_sonic_adapter import AWSNovaSonicLLMAdapter
from pipecat.frames.frames import (
    AggregatedTextFrame,
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    CancelWorkerFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMServiceMetadataFrame,
    LLMTextFrame,
    StartFrame,
    TranscriptionFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.processors.frame_processor import FrameDirection
from pipecat.processors.frameworks.rtvi.frames import RTVISendTextFrame
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings
from pipecat.utils.text.base_text_aggregator import TextType
from pipecat.utils.time import time_now_iso8601

from agent_core.errors import ModelError, ModelUnavailable
from agent_core.events import SessionStats
from agent_core.nova.audio_output import AudioSink, CutVoice, DeclaredRate, FrameAudioSink, HeadStart
from agent_core.nova.facts import (
    AudioStarted,
    Fact,
    Interrupted,
    MarkupPlanned,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    SentenceEnded,
    SpeechEnded,
    StreamStarted,
    TextPlanned,
    TokensUsed,
    ToolRequested,
    TurnEnded,
    TurnStarted,
    TurnTranscribed,
    UnknownEvent,
)
from agent_core.nova.resilient_connection import ResilientConnection
from agent_core.nova.tool_calls import ToolCalls

log = structlog.get_logger()

MAX_UNKNOWN_NAMES = 5
"""Most kinds of unknown events that one conversation logs."""


class SessionCallbacks(Protocol):
    """The conversation that a model service works for."""

    stats: SessionStats
    """Counts turns, interruptions and tokens."""

    async def call_tool(self, name: str, arguments: dict[str, Any] | None, call_id: str) -> dict[str, Any]:
        """Return the result that the model receives; never raises, always returns within the tool's deadline."""

    async def somebody_there(self) -> None:
        """Wait until the caller is connected: a stream to the model costs money from its first second."""

    def answer_heard(self) -> None:
        """Called when the caller has heard a reply to its end; only where audio travels as frames."""

    def model_failed(self, error: ModelError) -> None:
        """Called once, when the model is lost for good."""


class NovaSonicService(LLMService[AWSNovaSonicLLMAdapter]):
    """Puts a ``ResilientConnection`` into a pipeline.

    Args:
        connection: The model's side of this conversation.
        host: Runs the tools and receives the model's notifications.
        output_rate: Hz of the agent's audio.
        voice: Receives that audio directly; None sends it down the pipeline.
        protects: Returns whether a barge-in must not stop that audio now.
    """

    adapter_class = AWSNovaSonicLLMAdapter

    def __init__(
        self,
        connection: ResilientConnection,
        host: SessionCallbacks,
        *,
        output_rate: int,
        voice: AudioSink | None,
        protects: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(settings=_settings())
        self._connection = connection
        self._host = host
        self._stats = host.stats
        self._voice = CutVoice(voice, protects) if voice is not None else None
        self._frames = FrameAudioSink(self.push_frame, output_rate)
        self._tools = ToolCalls(connection, host.call_tool, self.broadcast_frame)
        self._rate = DeclaredRate(output_rate)
        self._head_start = HeadStart(connection.quirks, output_rate)
        self._turns = connection.turns
        self._planned: AggregatedTextFrame | None = None
        self._audible = False
        self._asked_at: float | None = None
        self._unknown: set[str] = set()
        self._is_clean = False
        self._conversing: asyncio.Task[None] | None = None
        self.defect: Exception | None = None
        """A defect of ours that ended the conversation with the model, and the pipeline with it."""

    def service_metadata_frame(self) -> LLMServiceMetadataFrame:
        """Declare to the aggregators that the model decides turns."""
        return LLMServiceMetadataFrame(service_name=self.name, is_realtime_service=True)

    def can_generate_metrics(self) -> bool:
        """Enable Pipecat's reports of tokens and latencies."""
        return True

    async def start(self, frame: StartFrame) -> None:
        """Start the conversation with the model."""
        await super().start(frame)
        if self._conversing is None:
            self._conversing = self.create_task(self._converse())

    async def stop(self, frame: EndFrame) -> None:
        """Close the model connection at the end of the pipeline."""
        await super().stop(frame)
        await self._connection.close()

    async def cancel(self, frame: CancelFrame) -> None:
        """Close the model connection at once."""
        await super().cancel(frame)
        await self._connection.close()

    async def cleanup(self) -> None:
        """Cancel a conversation that still waits for its caller."""
        await super().cleanup()  # type: ignore[no-untyped-call]  # as below
        if self._conversing is not None:
            await self.cancel_task(self._conversing)
        self._is_clean = True

    async def let_go(self) -> None:
        """Clean up if the pipeline has not done so; the link is closed."""
        if not self._is_clean:
            await self.cleanup()

    async def _converse(self) -> None:
        await self._host.somebody_there()
        try:
            await self._connection.run(self._handle)
        except ModelError as error:
            self._host.model_failed(error)
        except Exception as error:  # noqa: BLE001 - `ConversationPipeline.run` raises it
            # Log the stack only: a message may quote what was said.
            log.warning("conversation_task_failed", stack="".join(traceback.format_tb(error.__traceback__)))
            self.defect = error
            await self.push_frame(CancelWorkerFrame(), FrameDirection.UPSTREAM)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Send audio and typed words to the model; pass everything else on."""
        await super().process_frame(frame, direction)
        match frame:
            case InputAudioRawFrame():
                self._connection.hear(frame.audio)
                return
            case RTVISendTextFrame():
                # The same words also arrive as an LLMMessagesAppendFrame, for the context.
                self._connection.read(frame.text, by_caller=True)
                self._tools.new_turn()
                self._asked_at = time.monotonic()
            case InterruptionFrame():
                await self._note_interruption()
            case BotStartedSpeakingFrame():
                self._audible = True
            case BotStoppedSpeakingFrame():
                self._note_silence()
        await self.push_frame(frame, direction)

    def say(self, pcm: bytes, words: str = "") -> None:
        """Play a recording after what is playing, with a caption for pages; it is not a reply of the model."""
        self._stats.phrases += 1
        if self._voice is not None:
            self._voice.say(pcm)
        elif self._conversing is not None:
            self._frames.phrase_only = not self._audible
            self.create_task(self._frames.say(pcm, words))

    def cut(self) -> None:
        """Stop the agent's voice at once, and mute the rest of its reply; only where the audio travels directly."""
        if self._voice is not None:
            self._voice.cut()

    def sounds_for(self) -> float:
        """Return the seconds until everything queued has been played."""
        return (self._voice or self._frames).sounds_for()

    def sounding(self) -> bool:
        """Return whether the caller may be hearing the agent."""
        return self._audible or self.sounds_for() > 0

    def _note_silence(self) -> None:
        self._audible = False
        # Silence within a reply, or after an interruption, does not end the reply.
        if self._frames.fell_silent() and not self._turns.replying and not self._turns.obsolete:
            self._host.answer_heard()

    async def _handle(self, fact: Fact) -> None:
        match fact:
            case ReplyAudio():
                await self._play(fact)
            case TurnStarted(first):
                await self._start_turn(first=first)
            case SpeechEnded():
                self._asked_at = time.monotonic()
            case TurnEnded():
                # Like the start of a turn, of no use to a phone call, which nothing but the model listens to.
                if self._voice is None:
                    await self.broadcast_frame(UserStoppedSpeakingFrame)
            case TurnTranscribed(words):
                self._stats.caller_turns += 1
                frame = TranscriptionFrame(words, user_id="", timestamp=time_now_iso8601())
                await self.push_frame(frame, FrameDirection.UPSTREAM)
            case ToolRequested(use):
                self.create_task(self._tools.use(use))
            case _:
                await self._handle_reply(fact)

    async def _handle_reply(self, fact: Fact) -> None:
        match fact:
            case AudioStarted(sample_rate):
                self._rate.begin(sample_rate)
                self._head_start.begin()
            case ReplyStarted():
                self._stats.agent_turns += 1
                await self.push_frame(LLMFullResponseStartFrame())
                await self.push_frame(TTSStartedFrame())
            case TextPlanned(words):
                await self._plan(words)
            case MarkupPlanned():
                self._connection.break_off(ModelUnavailable("SpokenMarkup", "the model was about to speak markup"))
            case SentenceEnded():
                await self._say_planned()
            case Interrupted():
                await self._interrupt()
            case ReplyEnded():
                await self._end_reply()
            case _:
                await self._handle_report(fact)

    async def _handle_report(self, fact: Fact) -> None:
        """Handle facts about the stream rather than about the conversation."""
        match fact:
            case TokensUsed():
                await self._count_tokens(fact)
            case StreamStarted():
                self._tools.new_stream()
            case UnknownEvent(name):
                self._note_unknown(name)

    def _note_unknown(self, name: str) -> None:
        """Count an event unknown to this version; log each name once, because some arrive many times a second."""
        self._stats.unknown_events += 1
        if name not in self._unknown and len(self._unknown) < MAX_UNKNOWN_NAMES:
            self._unknown.add(name)
            log.info("model_event_unknown", name=name)

    async def _play(self, audio: ReplyAudio) -> None:
        if audio.obsolete:
            return
        # The first audio of this reply is the moment when the caller starts to hear it.
        if audio.first:
            await self._report_latency()
        pcm = self._rate.convert(audio.pcm)
        pcm = self._head_start.before(pcm, asyncio.get_running_loop().time(), self.sounds_for()) + pcm
        if self._voice is not None:
            self._voice.play(pcm)
        else:
            await self._frames.play(pcm)

    async def _start_turn(self, *, first: bool) -> None:
        """Let the caller speak: everything that has not been heard yet is obsolete."""
        self._tools.new_turn()
        if self._voice is not None:
            self._voice.interrupt()
            return
        if self._frames.phrase_only:
            await self.broadcast_interruption()  # type: ignore[no-untyped-call]  # as below
        elif self._audible:
            for fact in self._turns.interrupt():
                await self._handle_reply(fact)
        if first:
            await self.broadcast_frame(UserStartedSpeakingFrame)

    async def _report_latency(self) -> None:
        """Report the time from the end of the caller's turn to the first audio, as Pipecat's time to first byte.

        Both ends are reported together: Pipecat would take an interruption in between for the first byte.
        """
        asked_at, self._asked_at = self._asked_at, None
        if asked_at is not None:
            await self.start_ttfb_metrics(start_time=asked_at)
            await self.stop_ttfb_metrics(end_time=time.monotonic())

    async def _plan(self, words: str) -> None:
        """Announce a sentence that is about to be spoken. Only `_say_planned` adds it to the context."""
        if self._voice is None:  # for pages: `bot-transcription` is made from it; phone calls do not use it
            text = LLMTextFrame(words)
            text.append_to_context = False
            await self.push_frame(text)
        self._planned = AggregatedTextFrame(words, text_type=TextType.SENTENCE)
        self._planned.append_to_context = False
        self._planned.will_be_spoken = True
        await self.push_frame(self._planned)

    async def _say_planned(self) -> None:
        planned, self._planned = self._planned, None
        if planned is not None:
            # The same id on both lets a client show them as one sentence: first planned, then spoken.
            said = TTSTextFrame(planned.text, text_type=TextType.SENTENCE, segment_id=planned.id)
            said.includes_inter_frame_spaces = True
            said.will_be_spoken = True
            await self.push_frame(said)

    async def _end_reply(self) -> None:
        if self._voice is not None:
            self._voice.finish_answer()
        await self.push_frame(LLMFullResponseEndFrame())
        await self.push_frame(TTSStoppedFrame())

    async def _interrupt(self) -> None:
        # Stop the audio first, then update the state.
        if self._voice is not None:
            self._voice.interrupt()
        self._stats.interruptions += 1
        self._planned = None
        # Pipecat lets an interruption overtake frames pushed in the same loop iteration, which would then be heard
        # after it.
        await asyncio.sleep(0)
        await self.broadcast_interruption()  # type: ignore[no-untyped-call]  # Pipecat leaves it unannotated

    async def _note_interruption(self) -> None:
        """Handle an interruption from elsewhere: someone typed while the agent was talking."""
        if not (self._turns.replying or self._audible):
            return
        for fact in self._turns.interrupt():
            # The audio has been stopped already.
            if isinstance(fact, Interrupted):
                self._stats.interruptions += 1
                self._planned = None
            else:
                await self._handle_reply(fact)

    async def _count_tokens(self, fact: TokensUsed) -> None:
        used = fact.usage
        self._stats.speech_input_tokens += used.speech_input
        self._stats.text_input_tokens += used.text_input
        self._stats.speech_output_tokens += used.speech_output
        self._stats.text_output_tokens += used.text_output
        tokens_in, tokens_out = used.speech_input + used.text_input, used.speech_output + used.text_output
        usage = LLMTokenUsage(
            prompt_tokens=tokens_in, completion_tokens=tokens_out, total_tokens=tokens_in + tokens_out
        )
        await self.start_llm_usage_metrics(usage)


def _settings() -> LLMSettings:
    # What Pipecat expects of a model, new each time because it may change its copy; ours are in the session's prompt.
    return LLMSettings(
        model="nova-sonic",
        system_instruction=None,
        temperature=None,
        max_tokens=None,
        top_p=None,
        top_k=None,
        frequency_penalty=None,
        presence_penalty=None,
        seed=None,
        filter_incomplete_user_turns=False,
        user_turn_completion_config=None,
    )
