"""Report a tool call as frames, and return its result to the model."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
import structlog
from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    FunctionCallInProgressFrame,
    FunctionCallResultFrame,
    FunctionCallsStartedFrame,
)

from agent_core.errors import ModelUnavailable
from agent_core.nova import wire
from agent_core.nova.resilient_connection import ResilientConnection

log = structlog.get_logger()

MAX_IN_A_TURN = 5
"""Most tool calls of the model for one caller turn; a question needs one or two."""
MAX_ALIKE = 2
"""The same for calls of one tool with the same arguments."""
_MAX_REFUSED = 3
"""Calls beyond these limits, each answered with an instruction to speak, before the stream is replaced. Nova 2 was seen
to call the same tools endlessly (AWS re:Post, "infinite tool calling loop").
"""
CARD = "card"
"""Key of a result that only the visitor's page receives: what is in the model's context may be spoken."""
_ENOUGH = {"error": "enough_tool_calls", "next": "Answer the caller now with what you have."}


class TurnBudget:
    """Counts the tool calls of one turn."""

    def __init__(self) -> None:
        self._alike: Counter[tuple[str, bytes]] = Counter()
        self._refused = 0

    def renew(self) -> None:
        """Reset the counters: a new turn, or the same turn on another stream."""
        self._alike.clear()
        self._refused = 0

    def allows(self, use: wire.ToolUse) -> bool:
        """Count a call, and return whether it may be made."""
        arguments = orjson.dumps(use.arguments, option=orjson.OPT_SORT_KEYS)
        self._alike[use.name, arguments] += 1
        if self._alike.total() <= MAX_IN_A_TURN and self._alike[use.name, arguments] <= MAX_ALIKE:
            return True
        self._refused += 1
        return False

    @property
    def spent(self) -> bool:
        """Whether the model keeps calling tools although the results instruct it to stop."""
        return self._refused > _MAX_REFUSED


class Broadcast(Protocol):
    """Sends a frame in both directions of the pipeline."""

    async def __call__(self, frame_cls: type[Frame], **fields: Any) -> None:  # noqa: ANN401 - a frame's own
        """Make and send one frame for each direction."""


type CallTool = Callable[[str, dict[str, Any] | None, str], Awaitable[dict[str, Any]]]
"""Runs a tool: its name, its arguments, the id of the call."""


class ToolCalls:
    """Has the host run a tool, and reports to the pipeline and the model.

    Args:
        connection: Receives the results.
        call_tool: Runs a tool, see ``SessionCallbacks``.
        broadcast: The service's own.
    """

    def __init__(self, connection: ResilientConnection, call_tool: CallTool, broadcast: Broadcast) -> None:
        self._connection = connection
        self._call_tool = call_tool
        self._broadcast = broadcast
        self._budget = TurnBudget()
        self._known: set[str] = set()

    def new_turn(self) -> None:
        """Reset the limits: the caller has said something."""
        self._budget.renew()
        self._known.clear()

    def new_stream(self) -> None:
        """Reset the limits: another stream has taken over, which has not been instructed to speak yet."""
        self._budget.renew()

    async def use(self, use: wire.ToolUse) -> None:
        """Run one tool call; a repeated id is ignored."""
        if use.tool_use_id in self._known:
            log.warning("tool_use_repeated", tool=use.name)
            return
        self._known.add(use.tool_use_id)
        call = FunctionCallFromLLM(use.name, use.tool_use_id, use.arguments or {}, context=None)
        # Pipecat's clients and observers expect these three frames for every call, in this order.
        await self._broadcast(FunctionCallsStartedFrame, function_calls=[call])
        await self._broadcast(
            FunctionCallInProgressFrame,
            function_name=use.name,
            tool_call_id=use.tool_use_id,
            arguments=use.arguments,
            cancel_on_interruption=True,
        )
        if self._budget.allows(use):
            result = await self._call_tool(use.name, use.arguments, use.tool_use_id)
        else:
            log.warning("tool_calls_limited", tool=use.name)
            result = dict(_ENOUGH)
            if self._budget.spent:
                self._budget.renew()
                self._connection.break_off(ModelUnavailable("ToolLoop", "the model called tools and did not answer"))
        # An interrupted caller may still want the result, and the model waits for it in any case.
        if not self._connection.answer_tool(use.tool_use_id, {key: result[key] for key in result if key != CARD}):
            log.info("tool_result_late", tool=use.name)
        await self._broadcast(
            FunctionCallResultFrame,
            function_name=use.name,
            tool_call_id=use.tool_use_id,
            arguments=use.arguments,
            result=result,
            run_llm=False,
        )
