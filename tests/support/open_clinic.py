"""The shipped clinic without holidays, beside another agent that is the default one."""

import shutil
from pathlib import Path

from tests.support.agent_tools import AGENTS
from tools.workspace import ROOT


def open_clinic(folder: Path) -> Path:
    """Copy both into a folder, and return the folder of agents."""
    copy, default = folder / "agents" / "clinic", folder / "agents" / "trattoria"
    shutil.copytree(ROOT / "agents/clinic", copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(AGENTS / "trattoria", default)
    with (default / "agent.yaml").open("a") as agent:
        agent.write("page: {path: /}\n")
    practice = copy / "practice.py"
    # Otherwise a test would fail in the week of Thanksgiving.
    practice.write_text(f'{practice.read_text()}\n\ndef closed_on(day: date) -> str:\n    del day\n    return ""\n')
    return copy.parent
