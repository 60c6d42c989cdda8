"""The tool of docs/howto/add-a-tool.md and the test on that page work unchanged."""

import re
from dataclasses import fields
from typing import Any

from agent_core.agents.toolkit import ToolOptions
from tools.workspace import ROOT

PAGE = ROOT / "docs/howto/add-a-tool.md"


def code() -> dict[str, Any]:
    """Run the page's blocks, one after the other, in one module."""
    names: dict[str, Any] = {"__name__": "opening_hours"}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - a page of this repository
    return names


async def test_the_page_s_own_test_passes() -> None:
    """A city without a branch gets an answer with what to say."""
    (test,) = [value for name, value in code().items() if name.startswith("test_")]
    await test()


async def test_the_model_sees_the_function_as_the_page_says() -> None:
    """The model sees name, first paragraph and the parameter's description; a valid question gets its answer."""
    names = code()
    surroundings = names["ToolSurroundings"]("branches", "en-US", names["UTC"])
    registry = names["ToolRegistry"]([names["make_tool"](names["get_opening_hours"], surroundings)])
    (spec,) = registry.specs
    assert (spec.name, spec.description) == ("get_opening_hours", "Get today's opening hours of a branch.")
    assert spec.properties["branch"] == {
        "type": "string",
        "description": "City of the branch, as the caller named it",
    }
    answer = await registry.call("get_opening_hours", {"branch": "Stockholm"})
    assert answer.value == {"opens": "09:00", "closes": "18:00"}


def test_the_page_has_each_argument_of_a_tool() -> None:
    """The table has each argument of the decorator."""
    text = PAGE.read_text(encoding="utf-8")
    optional = [field.name for field in fields(ToolOptions)]
    assert sorted(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)) == sorted(optional)
