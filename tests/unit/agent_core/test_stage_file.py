"""Stages in `agent.yaml`: a mistake is reported with file, line and what is right, and a stage gets what it names."""

from pathlib import Path

import pytest

from agent_core.agents import folder
from agent_core.agents.agent import Agent
from agent_core.agents.folder import FolderContext
from agent_core.agents.stages import Exit
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings

YAML = """name: Shop
stages:
  ask:
    instructions: "- Ask, says ${name}."
    tools: [look]
    voice: tiffany
    exits:
      - {to: buy, after: look, known: item}
  buy:
    begin: "${item}?"
    instructions: "- Sell."
    tools: [pay]
    exits:
      - {to: ask, when: The caller wants something else.}
"""
TOOLS = '''
from agent_core.agents import tool

@tool
def look(item: str) -> dict:
    """Look for an item."""
    return {"facts": {"item": item}}

@tool
def pay() -> dict:
    """Pay."""
    return {}
'''


def _read(root: Path, yaml: str) -> Agent:
    made = root / "shop"
    made.mkdir()
    for name, text in {"agent.yaml": yaml, "instructions.md": "Sell things.\n", "tools.py": TOOLS}.items():
        (made / name).write_text(text, encoding="utf-8")
    return folder.read(made, FolderContext(CoreSettings(), {}))


def test_a_stage_has_its_own_tools_and_voice(tmp_path: Path) -> None:
    """The runtime's tools belong to every stage; an exit in words is a tool with these words."""
    agent = _read(tmp_path, YAML)
    ask, buy = agent.stages.values()
    assert [tool.spec.name for tool in ask.tools] == ["look", "end_call"]
    assert [tool.spec.name for tool in buy.tools] == ["pay", "go_to_ask", "end_call"]
    assert buy.tools[1].spec.description == "The caller wants something else."
    assert (ask.voice, buy.voice) == ("tiffany", "")
    assert (ask.exits, buy.exits) == ((Exit("buy", "look", "item"),), (Exit("ask", "go_to_ask"),))
    assert {tool.spec.name for tool in agent.tools} == {"look", "pay", "go_to_ask", "end_call"}


@pytest.mark.parametrize(
    ("wrong", "right", "problem"),
    [
        ("{to: buy, after: look", "{to: by, after: look", "line 8: there is no stage by; the stages are ask, buy"),
        ("{to: buy, after: look", "{to: ask, after: look", "line 8: ask cannot lead to itself"),
        ("{to: buy, after: look", "{to: buy, after: pay", "line 8: pay is no tool of this stage"),
        ("{to: buy, after: look, known: item}", "{to: buy}", "an exit has after: a tool, known: a fact, or both"),
        ("{to: buy, after: look", "{to: buy, afer: look", "afer is not known here; known are to, after, known, when"),
        ("tools: [pay]", "tools: [pai]", "line 12: there is no tool pai; known are look, pay"),
        ("says ${name}", "says ${nam}", "line 4: ${nam} is not filled in"),
        ("voice: tiffany", "voice: nobody", "line 6: amazon.nova-2-5-sonic has no voice nobody"),
        ("voice: tiffany", "voices: tiffany", "voices is not known here; known are instructions, begin, tools, voice"),
        (
            "      - {to: buy, after: look, known: item}",
            "      []",
            "line 9: no exit leads to buy; the first stage is ask",
        ),
        ("  buy:", "  Buy:", "stages"),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path: Path, wrong: str, right: str, problem: str) -> None:
    """Before any call begins, and with what is right."""
    assert wrong in YAML
    with pytest.raises(ConfigurationError) as refused:
        _read(tmp_path, YAML.replace(wrong, right))
    assert problem in refused.value.reason
    assert "agents/shop/agent.yaml, line" in refused.value.reason
