"""The tool in the README works in a conversation, unchanged."""

import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from agent_core.agents.toolkit import make_tool
from agent_core.events import EndReason
from agent_core.tools.call import ToolSurroundings
from agent_core.tools.registry import Tool, ToolRegistry
from tests.support import scripted_model as say
from tests.support.session_stage import running_session

README = Path(__file__).parents[3] / "README.md"
MOST_LINES = 12


def example() -> tuple[str, Tool]:
    """Return the README's code, and the tool that it makes."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)  # noqa: S102 - the test runs the README's own code
    return code, make_tool(made["get_opening_hours"], ToolSurroundings("shop", "en-US", UTC))


def test_it_is_short() -> None:
    """The example has at most twelve lines, without blank ones."""
    code, _ = example()
    assert len([line for line in code.splitlines() if line.strip()]) <= MOST_LINES


@pytest.mark.parametrize(
    ("day", "spoken"), [("saturday", "We are open from ten to two."), ("sunday", "We are closed on Sundays.")]
)
async def test_it_answers(day: str, spoken: str) -> None:
    """The registry calls the example, as it calls every tool."""
    _, tool = example()
    result = await ToolRegistry([tool]).call("get_opening_hours", {"day": day})
    assert (result.outcome, result.value) == ("ok", {"speak": spoken})


async def test_what_the_model_sends_is_validated() -> None:
    """An argument of a wrong type is an error that the model can correct."""
    _, tool = example()
    result = await ToolRegistry([tool]).call("get_opening_hours", {"day": "someday"})
    assert (result.outcome, result.value["error"]) == ("error", "invalid_arguments")


async def test_a_conversation_uses_it() -> None:
    """The model reads its name, docstring and types at the start, calls it, and gets the result."""
    _, tool = example()
    async with running_session(more=[tool]) as (stage, _):
        stream = await stage.model.stream()
        prompt = await stream.until_sent("promptStart")
        specs = {one["toolSpec"]["name"]: one["toolSpec"] for one in prompt["toolConfiguration"]["tools"]}
        assert specs["get_opening_hours"]["description"] == "Get the opening hours of the shop on a day."
        assert "saturday" in specs["get_opening_hours"]["inputSchema"]["json"]
        stream.say(*say.heard("when are you open on saturday"))
        stream.say(*say.tool_use("get_opening_hours", "use-1", {"day": "saturday"}))
        result = await stream.until_sent("toolResult")
        assert "ten to two" in result["content"]
        stage.session.end(EndReason.CALLER_HUNG_UP)
