"""Copies of shipped agents without holidays, each beside another agent that is the default one."""

import shutil
from pathlib import Path

from tests.support.agent_tools import AGENTS
from tools.workspace import ROOT


def open_restaurant(folder: Path) -> Path:
    """Copy the restaurant into a folder, and return the folder of agents."""
    return _open(folder, "restaurant", "tables.py", "CLOSED.clear()")


def open_clinic(folder: Path) -> Path:
    """Copy the clinic into a folder, and return the folder of agents."""
    never = 'def closed_on(day: date) -> str:\n    del day\n    return ""'
    return _open(folder, "clinic", "practice.py", never)


def _open(folder: Path, agent: str, file: str, without_holidays: str) -> Path:
    copy, default = folder / "agents" / agent, folder / "agents" / "trattoria"
    shutil.copytree(ROOT / "agents" / agent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(AGENTS / "trattoria", default)
    with (default / "agent.yaml").open("a") as other:
        other.write("page: {path: /}\n")
    # Otherwise a test would fail in the week of a holiday.
    (copy / file).write_text(f"{(copy / file).read_text()}\n\n{without_holidays}\n")
    return copy.parent
