"""The shipped restaurant without holidays, beside another agent that is the default one."""

import shutil
from pathlib import Path

from tests.support.agent_tools import AGENTS
from tools.workspace import ROOT


def open_restaurant(folder: Path) -> Path:
    """Copy both into a folder, and return the folder of agents."""
    copy, default = folder / "agents" / "restaurant", folder / "agents" / "trattoria"
    shutil.copytree(ROOT / "agents/restaurant", copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(AGENTS / "trattoria", default)
    with (default / "agent.yaml").open("a") as agent:
        agent.write("page: {path: /}\n")
    tables = copy / "tables.py"
    # Otherwise a test would fail in the week of Christmas.
    tables.write_text(f"{tables.read_text()}\n\nCLOSED.clear()\n")
    return copy.parent
