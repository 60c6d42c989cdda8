"""The start banner says which number and page reach which agent."""

from pathlib import Path

from tests.unit.voice_agent.test_run_plan import plan
from tools.workspace import ROOT
from voice_agent.run.banner import banner
from voice_agent.run.listed_agents import listed_agents


def test_the_default_agent_comes_first_and_a_broken_folder_is_left_out(tmp_path: Path) -> None:
    """The services report what is broken; the banner shows what answers."""
    for name, text in {
        "bella": "name: Bella\nnumbers: ['+15550100008']\n",
        "main": "name: Main\npage: {path: /, questions: ['Are you open?']}\n",
        "broken": "name: [\n",
        "empty": "",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.yaml").write_text(text, encoding="utf-8")
    found = listed_agents(tmp_path)
    assert [(one.folder, one.path, one.question) for one in found] == [
        ("main", "/", "Are you open?"),
        ("bella", "/a/bella", ""),
    ]
    assert listed_agents(tmp_path / "nowhere") == []


def test_the_banner_lists_the_shipped_agents() -> None:
    """Each with number and page, and a call to try for each that is not the default."""
    lines = banner(plan({})).splitlines()
    for agent in listed_agents(ROOT / "agents"):
        (line,) = [each for each in lines if each.endswith(agent.path) and agent.name in each and "http" in each]
        assert all(number in line for number in agent.numbers)
    assert [each for each in lines if "TO=+15550100002" in each and "table for two" in each]
