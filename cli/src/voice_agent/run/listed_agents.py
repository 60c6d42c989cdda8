"""List the agents of a folder for the start banner: what they answer, and what one could say to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class ListedAgent:
    """One agent, as its ``agent.yaml`` describes it."""

    folder: str
    name: str
    numbers: Sequence[str]
    path: str
    question: str
    """What a caller might say to it; empty if it names nothing."""


def listed_agents(folder: Path) -> list[ListedAgent]:
    """Return the agents in a folder, the default one first.

    A file that cannot be read is left out: the services report it with file and line.
    """
    found = []
    for path in sorted(folder.glob("[a-z]*/agent.yaml")):
        try:
            found.append(_agent(path.parent.name, yaml.safe_load(path.read_text(encoding="utf-8"))))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError):
            continue
    # A stable sort, so that the others stay in the order of their names.
    return sorted(found, key=lambda agent: agent.path != "/")


def _agent(folder: str, file: dict[str, Any]) -> ListedAgent:
    page = file.get("page") or {}
    questions = page.get("questions") or [""]
    numbers = [str(number) for number in file.get("numbers") or ()]
    return ListedAgent(folder, str(file["name"]), numbers, str(page.get("path") or f"/a/{folder}"), str(questions[0]))
