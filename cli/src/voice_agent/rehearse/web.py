"""Hold one rehearsal on the web page's wire, with typed words, and observe it."""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from voice_agent.rehearse.observed import Observed, ObservedTurn, ToolUse
from voice_agent.rehearse.rehearsals import NO_TOOL, Rehearsal, Turn
from voice_agent.rehearse.visitor import Message, NotConnectedError, WebVisitor

_GREETING_SECONDS: Final = 15.0
_REPLY_SECONDS: Final = 20.0
_END_SECONDS: Final = 30.0
"""Longest reply; also the time from a goodbye to the end of the conversation."""
_SETTLE_SECONDS: Final = 1.0
"""Silence that ends a reply: one reply can consist of several sentences."""
_TRANSFER: Final = "transfer_to_human"
_UNSHOWN: Final = "a tool that the page does not show"


async def hold_on_web(rehearsal: Rehearsal, url: str, agent: str) -> Observed:
    """Visit, type every turn, leave, and return what happened; tools are those that the page is shown.

    Args:
        rehearsal: The rehearsal; a page has no keys.
        url: The web service.
        agent: Which agent answers; empty for the default agent.
    """
    observed = Observed()
    try:
        async with WebVisitor(url, agent) as visitor:
            began = time.monotonic()
            observed.greeting = await visitor.until(
                lambda: visitor.since("bot-stopped-speaking", began), _GREETING_SECONDS
            )
            starts = [await _take_turn(visitor, turn, observed) for turn in rehearsal.turns if not visitor.ended]
            if rehearsal.turns[-1].expect.ends:
                await visitor.until(lambda: visitor.ended, _END_SECONDS)
            observed.ended_by_agent = visitor.ended
            _complete(visitor, observed, rehearsal, starts)
    except NotConnectedError as error:
        observed.failure = str(error)
    return observed


async def _take_turn(visitor: WebVisitor, turn: Turn, observed: Observed) -> float:
    """Type one turn, wait for the whole reply, and return when the turn began."""
    at = time.monotonic()
    # Typed, so that the web needs no recogniser: what is said is what is understood.
    visitor.type_text(turn.says)
    seen = ObservedTurn(heard=turn.says)
    observed.turns.append(seen)
    if await visitor.until(lambda: visitor.since("bot-started-speaking", at), _REPLY_SECONDS):
        seen.wait = visitor.since("bot-started-speaking", at)[0].at - at
        await _reply_over(visitor, at)
    return at


async def _reply_over(visitor: WebVisitor, at: float) -> None:
    deadline = time.monotonic() + _END_SECONDS
    while (left := deadline - time.monotonic()) > 0 and not visitor.ended:
        if not await visitor.until(lambda: _is_silent(visitor, at), left):
            return
        starts = len(visitor.since("bot-started-speaking", at))
        # The reply is over if no sentence follows within the pause between two of them.
        if not await visitor.until(lambda s=starts: _goes_on(visitor, at, s), _SETTLE_SECONDS):  # type: ignore[misc]
            return


def _is_silent(visitor: WebVisitor, at: float) -> bool:
    # Between two sentences of a reply there is silence too, which a busy machine makes longer.
    return _all_ended(visitor, at, "bot-started-speaking", "bot-stopped-speaking") and _all_ended(
        visitor, at, "bot-llm-started", "bot-llm-stopped"
    )


def _all_ended(visitor: WebVisitor, at: float, began: str, ended: str) -> bool:
    return len(visitor.since(ended, at)) >= len(visitor.since(began, at))


def _goes_on(visitor: WebVisitor, at: float, starts: int) -> bool:
    return len(visitor.since("bot-started-speaking", at)) > starts


def _complete(visitor: WebVisitor, observed: Observed, rehearsal: Rehearsal, starts: Sequence[float]) -> None:
    """Add words, tools and audio to each turn."""
    for turn, seen, (start, stop) in zip(
        rehearsal.turns, observed.turns, pairwise([*starts, float("inf")]), strict=False
    ):
        within = [message for message in visitor.messages if start <= message.at < stop]
        seen.said = " ".join(str(one.data.get("text", "")) for one in within if one.kind == "bot-transcription")
        seen.tools = tools_shown(within, turn, ended=observed.ended_by_agent and stop == float("inf"))
        seen.agent_audio = visitor.heard(start, None if stop == float("inf") else stop)
        # On the page a transfer shows how to reach the person, without a connection.
        if turn.expect.transfer and any(use.name == _TRANSFER for use in seen.tools):
            observed.transferred, seen.transfer = True, turn.expect.transfer


def tools_shown(messages: Sequence[Message], turn: Turn, *, ended: bool) -> list[ToolUse]:
    """Return the tools of a turn.

    Args:
        messages: Those of the page within the turn. They name the tools that are marked `shown`, and hide the others.
        turn: The turn.
        ended: Whether the agent ended the conversation in this turn.
    """
    stopped = [one.data for one in messages if one.kind == "llm-function-call-stopped"]
    results = {str(data.get("tool_call_id")): data for data in stopped}
    used: list[ToolUse] = []
    # The page names the tools that are marked `shown`: another call can only be one of the others that are expected.
    shown = {str(one.data.get("function_name", "")) for one in messages}
    others = [name for name in (*turn.expect.before, turn.expect.tool) if name not in {"", NO_TOOL, *shown}]
    for message in messages:
        if message.kind != "llm-function-call-in-progress":
            continue
        name = str(message.data.get("function_name", ""))
        if not name:
            name = _ending(turn, ended=ended) or (others.pop(0) if others else _UNSHOWN)
        result: Any = results.get(str(message.data.get("tool_call_id")), {}).get("result")
        used.append(ToolUse(name, message.data.get("arguments") or {}, result if isinstance(result, dict) else None))
    return used


def _ending(turn: Turn, *, ended: bool) -> str:
    """Return the tool that leaves the agent, if this call was one: the end of the conversation shows `end_call`."""
    if ended and turn.expect.ends:
        return "end_call"
    return _TRANSFER if turn.expect.transfer or turn.expect.tool == _TRANSFER else ""
