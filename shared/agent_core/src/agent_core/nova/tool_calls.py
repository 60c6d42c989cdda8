"""A tool call as frames, for whoever shows it, and as what the model gets back."""

from typing import Any, Protocol

import structlog
from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    FunctionCallInProgressFrame,
    FunctionCallResultFrame,
    FunctionCallsStartedFrame,
)

from agent_core.nova import wire
from agent_core.nova.host import Host
from agent_core.nova.link import ModelLink

log = structlog.get_logger()


class Broadcast(Protocol):
    """Sends a frame both ways along the pipeline."""

    async def __call__(self, frame_cls: type[Frame], **fields: Any) -> None:  # noqa: ANN401 - a frame's own
        """Make one for each way."""


class ToolCalls:
    """Has the host run a tool, and tells the pipeline and the model.

    Args:
        link: Takes the results.
        host: Runs the tools.
        broadcast: The service's.
    """

    def __init__(self, link: ModelLink, host: Host, broadcast: Broadcast) -> None:
        self._link = link
        self._host = host
        self._broadcast = broadcast

    async def use(self, use: wire.ToolUse) -> None:
        """Call one tool."""
        call = FunctionCallFromLLM(use.name, use.tool_use_id, use.arguments or {}, context=None)
        await self._broadcast(FunctionCallsStartedFrame, function_calls=[call])
        await self._broadcast(
            FunctionCallInProgressFrame,
            function_name=use.name,
            tool_call_id=use.tool_use_id,
            arguments=use.arguments,
            cancel_on_interruption=True,
        )
        result = await self._host.call_tool(use.name, use.arguments, use.tool_use_id)
        # An interrupted caller may still want to know, and the model waits for its answer either way.
        if not self._link.answer_tool(use.tool_use_id, result):
            log.info("tool_result_late", tool=use.name)
        await self._broadcast(
            FunctionCallResultFrame,
            function_name=use.name,
            tool_call_id=use.tool_use_id,
            arguments=use.arguments,
            result=result,
            run_llm=False,
        )
