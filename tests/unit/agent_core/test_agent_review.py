"""The review of an agent's words finds what the prompting guide warns of, and nothing in the shipped agents."""

from pathlib import Path

import pytest

from agent_core.agents import folder
from agent_core.agents.__main__ import main
from agent_core.agents.agent import Agent
from agent_core.agents.folder import FolderContext
from agent_core.agents.review import MOST_WORDS, review
from agent_core.settings import CoreSettings
from tools.workspace import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "agents").glob("*/agent.yaml"))


def found(instructions: str) -> list[tuple[str, str]]:
    """Return line and beginning of each remark about instructions."""
    agent = Agent.of_tools([], instructions=instructions)
    return [(remark.where.rpartition(" ")[2], remark.what) for remark in review(agent)]


@pytest.mark.parametrize(
    ("instructions", "line", "what"),
    [
        ("Sell pies.\nNever sell tea.", "2", "says what not to do"),
        ("Don't mention prices.", "1", "says what not to do"),
        ("Ignore other requests.", "1", "ignore"),
        ("Say the price () in euro.", "1", "empty brackets"),
        ("Write <thinking> first.", "1", "think aloud"),
        ("Sound like Marilyn.", "1", "imitate a voice"),
        ("Greet them since you usually know them.", "1", "claims to know the caller"),
        ("Answer with a numbered list.", "1", "a list cannot be spoken"),
        ("We close next week.", "1", "a relative date"),
        ("Say that the table is TABLE_FREE.", "1", "a value of a program"),
        ("Ask for the day and the time first.\nSell.\nAsk for the day and the time first.", "3", "the same rule"),
        ("## Pies\nSell.\n**Tea**\nServe.", "3", "headers have several styles"),
        ("word " * (MOST_WORDS + 1), "1", "each turn is slower"),
        ("Call all tools silently.", "1", "hang up without a goodbye"),
    ],
)
def test_what_the_guide_warns_of_is_found(instructions: str, line: str, what: str) -> None:
    """Each remark names the line and what to write instead."""
    assert any(where == line and what in text for where, text in found(instructions)), found(instructions)


def test_plain_instructions_have_no_remark() -> None:
    """What follows the guide is left alone."""
    assert found("## Pies\n- A pie costs $5.\n- Ask how many, then order them with ${name}.\n") == []


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)
def test_the_shipped_agents_follow_the_guide(path: Path) -> None:
    """They are the examples that others copy."""
    agent = folder.read(path, FolderContext(CoreSettings(), {}))
    assert [f"{remark.where}: {remark.what}" for remark in review(agent)] == []


def test_the_command_says_which_folder_is_not_usable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, with the place; usable folders are listed with what they answer."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/agent.yaml").write_text("nam: Shop\n", encoding="utf-8")
    assert main([str(FOLDERS[0]), str(tmp_path / "shop")]) == 1
    said = capsys.readouterr().out
    assert f"✓ {FOLDERS[0].name}" in said
    assert "✗ shop\n    agents/shop/agent.yaml, line 1: name is missing" in said
    assert main([str(path) for path in FOLDERS]) == 0
