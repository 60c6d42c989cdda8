"""A phone call in several parts: each has a session of its own, and tools see one conversation."""

from datetime import UTC
from typing import Any

from agent_core.agents import Call, tool
from agent_core.agents.toolkit import make_tool
from agent_core.events import EndReason
from agent_core.tools.call import ToolSurroundings
from tests.support.session_stage import Stage, running_session


async def test_a_repetition_in_another_part_has_the_same_key() -> None:
    """A second task that repeats a booking does not book twice, even if nothing was stored of the first."""
    calls: list[Call] = []

    @tool(acts=True)
    def book(people: int, call: Call) -> dict[str, Any]:
        """Book a table."""
        calls.append(call)
        return {"people": people}

    made = make_tool(book, ToolSurroundings("restaurant", "en-US", UTC))
    sessions = []
    for people in (2, 2, 3):
        async with running_session(more=[made]) as (stage, _):
            sessions.append(stage.session.session_id)
            await _use(stage, people)
    first, again, other = calls
    assert len(set(sessions)) == 3
    assert (first.key, first.session_id) == (again.key, again.session_id)
    assert (first.key != other.key, first.session_id) == (True, "CA1")


async def _use(stage: Stage, people: int) -> None:
    await stage.session.call_tool("book", {"people": people}, "1")
    stage.session.end(EndReason.CALLER_HUNG_UP)
