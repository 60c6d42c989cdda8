"""Build and run the Pipecat pipeline of one conversation: words, turns, tools and interruptions."""

import asyncio
import os
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from pipecat.frames.frames import Frame, OutputAudioRawFrame, StartFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext, LLMContextMessage
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.processors.frameworks.rtvi import RTVIFunctionCallReportLevel, RTVIObserverParams
from pipecat.turns.user_start import ExternalUserTurnStartStrategy
from pipecat.turns.user_stop import ExternalUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from agent_core.extensions import Extensions
from agent_core.nova.service import NovaSonicService
from agent_core.rtvi import SentenceProcessor

log = structlog.get_logger()

MAX_MESSAGES = 50
"""Most messages in Pipecat's own record of a conversation."""
MAX_CHARACTERS = 32_000
"""Most characters of all these messages; the newest is kept, however long it is."""
_STOP_SECONDS = 2.0
"""Time for the processors to stop; the whole tear-down may take five seconds."""


_NO_EXTENSIONS = Extensions()


class _SentSound(FrameProcessor):
    """Follows the sink: audio that arrives here has been handed to the network and is dropped."""

    def __init__(self, on_sound: Callable[[int], None]) -> None:
        super().__init__()
        self._on_sound = on_sound

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputAudioRawFrame):
            self._on_sound(len(frame.audio) * 500 // frame.sample_rate)
            return
        await self.push_frame(frame, direction)


@dataclass(frozen=True, slots=True)
class SoundInFrames:
    """What a pipeline needs when it carries the audio, together with a visitor's page.

    Args:
        source: Brings the caller's audio.
        sink: Sends the agent's audio.
        shown_tools: Tools whose arguments and results the page may show.
        on_sound: Called with the milliseconds of agent audio just handed to the network.
    """

    source: FrameProcessor
    sink: FrameProcessor
    shown_tools: Iterable[str]
    on_sound: Callable[[int], None]


_PIPELINE: ContextVar["ConversationPipeline | None"] = ContextVar("pipeline", default=None)
_abandoned: set[asyncio.Task[None]] = set()
_MOST_CANCELS = 5
"""A cancelled Pipecat task waits in its clean-up for other tasks, which were cancelled with it."""
_END_SECONDS = 0.5


class RecentContext(LLMContext):
    """Keeps only the newest messages: Pipecat drops none, and the model has its own memory."""

    def add_message(self, message: LLMContextMessage) -> None:
        """Add a message."""
        self.add_messages([message])

    def add_messages(self, messages: list[LLMContextMessage]) -> None:
        """Add messages, and drop the oldest beyond the bounds."""
        super().add_messages(messages)
        kept = _newest(self.messages)
        if kept < len(self.messages):
            self.set_messages(self.messages[-kept:])


def _newest(messages: list[LLMContextMessage]) -> int:
    """Return how many of the newest messages are within the bounds; examines no more than those."""
    characters = kept = 0
    for message in reversed(messages):
        content = message.get("content") if isinstance(message, dict) else None
        characters += len(content if isinstance(content, str) else str(content))
        if kept and (characters > MAX_CHARACTERS or kept == MAX_MESSAGES):
            break
        kept += 1
    return kept


class ConversationPipeline:
    """Runs the pipeline of one conversation.

    Args:
        service: The model.
        context: What has been said; shared with the code that opens the next model session.
        sound: How audio travels as frames, where it does.
        extensions: What an adopter adds.
    """

    def __init__(
        self,
        service: NovaSonicService,
        context: LLMContext,
        sound: SoundInFrames | None,
        extensions: Extensions = _NO_EXTENSIONS,
    ) -> None:
        # The model decides turns: without this, Pipecat loads a local turn detector for every call.
        turns = UserTurnStrategies(
            start=[ExternalUserTurnStartStrategy()], stop=[ExternalUserTurnStopStrategy(wait_for_transcript=False)]
        )
        user = LLMUserAggregatorParams(user_turn_strategies=turns)
        pair = LLMContextAggregatorPair(context, user_params=user, realtime_service_mode=True)
        before: list[FrameProcessor] = [pair.user(), *extensions.caller_side, service, *extensions.agent_side]
        self._service = service
        self.ready = asyncio.Event()
        """Set when every processor of a pipeline that carries audio has started; earlier messages are lost."""
        if sound is None:
            self._worker = _worker([*before, pair.assistant()], extensions)
        else:
            self._worker = _worker_with_sound(before, pair.assistant(), sound, extensions, self.ready.set)
        self._runner = WorkerRunner(handle_sigint=False, handle_sigterm=False, check_dangling_tasks=False)

    async def run(self) -> None:
        """Run until cancelled or ``cancel`` is called.

        Raises:
            Exception: a defect of ours ended the conversation with the model; Pipecat alone would continue without an
                agent.
        """
        _PIPELINE.set(self)  # for all tasks that Pipecat creates from here on
        await self._runner.add_workers(self._worker)
        await self._runner.run()
        if self._service.defect is not None:
            raise self._service.defect

    async def cancel(self) -> None:
        """Stop at once."""
        await self._runner.cancel()

    def abandon(self) -> None:
        """Cancel what ``cancel`` has not ended in time, in the background.

        A task that is no longer referenced is garbage-collected while it waits, and asyncio reports that as an error.
        """
        left = {
            task for task in asyncio.all_tasks() if task.get_context().get(_PIPELINE) is self and _is_of_pipecat(task)
        }
        if left:
            ending = asyncio.create_task(_end(left), name="pipeline-abandoned")
            _abandoned.add(ending)
            ending.add_done_callback(_abandoned.discard)


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    for _ in range(_MOST_CANCELS):
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=_END_SECONDS)
        if not tasks:
            return


def _is_of_pipecat(task: asyncio.Task[Any]) -> bool:
    """Return whether Pipecat created a task; one of ours may be closing the model's stream and ends on its own."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and f"{os.sep}pipecat{os.sep}" in code.co_filename


def _worker(
    processors: list[FrameProcessor], extensions: Extensions, rtvi: RTVIObserverParams | None = None
) -> PipelineWorker:
    return PipelineWorker(
        Pipeline(processors),
        observers=list(extensions.observers),
        params=PipelineParams(
            enable_metrics=rtvi is not None,
            enable_usage_metrics=rtvi is not None,
            send_initial_empty_metrics=False,  # zeros, which a client would count as replies
        ),
        cancel_timeout_secs=_STOP_SECONDS,
        check_dangling_tasks=False,
        enable_rtvi=rtvi is not None,
        rtvi_observer_params=rtvi,
        rtvi_processor=None if rtvi is None else SentenceProcessor(),
        enable_turn_tracking=False,
        # The session has an idle timeout of its own.
        idle_timeout_secs=None,
    )


def _worker_with_sound(
    words: list[FrameProcessor],
    assistant: FrameProcessor,
    sound: SoundInFrames,
    extensions: Extensions,
    on_ready: Callable[[], None],
) -> PipelineWorker:
    # Arguments and results of other tools may contain what a visitor must not see.
    levels = dict.fromkeys(sound.shown_tools, RTVIFunctionCallReportLevel.FULL)
    levels["*"] = RTVIFunctionCallReportLevel.NONE
    worker = _worker(
        [sound.source, *words, sound.sink, _SentSound(sound.on_sound), assistant],
        extensions,
        RTVIObserverParams(function_call_report_level=levels),
    )

    async def started(_worker: PipelineWorker, _frame: StartFrame) -> None:
        on_ready()

    worker.add_event_handler("on_pipeline_started", started)
    return worker
