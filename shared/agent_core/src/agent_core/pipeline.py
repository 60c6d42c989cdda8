"""The Pipecat pipeline of one conversation: words, turns, tools and interruptions."""

import structlog
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext, LLMSpecificMessage
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.turns.user_start import ExternalUserTurnStartStrategy
from pipecat.turns.user_stop import ExternalUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from agent_core.nova.link import History
from agent_core.nova.service import NovaSonicService
from agent_core.nova.wire import Role

log = structlog.get_logger()

_STOP_SECONDS = 2.0
"""Time for the processors to stop; tear-down as a whole may take five."""


class ConversationPipeline:
    """Runs the pipeline of one conversation.

    Args:
        service: The model.
        context: What has been said; shared with whoever opens the next model session.
        source: Brings the caller's sound as frames, where it comes so.
        sink: Takes the agent's sound as frames, where it goes so.
    """

    def __init__(
        self,
        service: NovaSonicService,
        context: LLMContext,
        *,
        source: FrameProcessor | None = None,
        sink: FrameProcessor | None = None,
    ) -> None:
        # The model decides turns: without this Pipecat loads a local turn detector for every call.
        turns = UserTurnStrategies(
            start=[ExternalUserTurnStartStrategy()], stop=[ExternalUserTurnStopStrategy(wait_for_transcript=False)]
        )
        user = LLMUserAggregatorParams(user_turn_strategies=turns)
        pair = LLMContextAggregatorPair(context, user_params=user, realtime_service_mode=True)
        processors = [source, pair.user(), service, sink, pair.assistant()]
        media_in_frames = sink is not None
        self._worker = PipelineWorker(
            Pipeline([processor for processor in processors if processor is not None]),
            params=PipelineParams(enable_usage_metrics=media_in_frames),
            cancel_timeout_secs=_STOP_SECONDS,
            check_dangling_tasks=False,
            enable_rtvi=media_in_frames,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        self._runner = WorkerRunner(handle_sigint=False, handle_sigterm=False, check_dangling_tasks=False)

    async def run(self) -> None:
        """Run until cancelled or ``cancel`` is called."""
        await self._runner.add_workers(self._worker)
        await self._runner.run()

    async def cancel(self) -> None:
        """Stop at once."""
        await self._runner.cancel()


def history_of(context: LLMContext) -> History:
    """What caller and agent have said, in order."""
    said = []
    for message in context.get_messages():
        if isinstance(message, LLMSpecificMessage):
            continue
        role, content = message.get("role"), message.get("content")
        if role in ("user", "assistant") and isinstance(content, str) and content.strip():
            said.append((Role(role.upper()), content))
    return tuple(said)
