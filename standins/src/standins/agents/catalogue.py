"""All agent folders below one directory, and which of them a prompt belongs to."""

import re
from collections.abc import Callable, Collection
from pathlib import Path

from standins.agents.folder import AgentFolder, agent_folders, read_folder, stamp
from standins.agents.rehearsals import BUILT_IN
from standins.agents.yaml_file import FolderError

_ANSWERS_FOR = re.compile(r"\AYou answer for (.+?)\.?[ \t]*$", re.MULTILINE)


class Catalogue:
    """The agents of a directory. A folder that cannot be read any more keeps its last valid version.

    Args:
        root: Directory of the folders; None for no agents.
        report: Called with each error once.
    """

    def __init__(self, root: Path | None, report: Callable[[str], None] = lambda _: None) -> None:
        self._root = root
        self._report = report
        self._stamps: dict[str, object] = {}
        self._agents: dict[str, AgentFolder] = {}

    @property
    def agents(self) -> list[AgentFolder]:
        """The valid agents, by ID."""
        return [self._agents[name] for name in sorted(self._agents)]

    def refresh(self) -> list[AgentFolder]:
        """Read the folders that have changed, and return them. Cheap if none has."""
        folders = agent_folders(self._root) if self._root is not None else []
        for gone in self._stamps.keys() - {folder.name for folder in folders}:
            self._agents.pop(gone, None)
            del self._stamps[gone]
        return [agent for folder in folders if (agent := self._changed(folder)) is not None]

    def _changed(self, folder: Path) -> AgentFolder | None:
        try:
            now = stamp(folder)
            if self._stamps.get(folder.name) == now:
                return None
            # Stored before reading, so that a broken folder is reported once and not before each conversation.
            self._stamps[folder.name] = now
            agent = read_folder(folder)
        except (FolderError, OSError) as error:
            self._report(str(error))
            return None
        self._agents[folder.name] = agent
        return agent

    def choose(self, tools: Collection[str], system: str) -> AgentFolder | None:
        """Return the agent of a prompt: by the name in its first line, otherwise by the tools that it declares."""
        own = set(tools) - BUILT_IN
        found = _ANSWERS_FOR.search(system)
        named = [agent for agent in self.agents if found and _same(agent.name, found[1])]
        candidates = named or [agent for agent in self.agents if own & agent.tools]
        # Two branches of a company may share a name; their tools then decide.
        return max(candidates, key=lambda agent: _overlap(own, agent.tools), default=None)


def _same(name: str, other: str) -> bool:
    return name.strip().rstrip(".").casefold() == other.strip().rstrip(".").casefold()


def _overlap(tools: Collection[str], others: Collection[str]) -> float:
    every = set(tools) | set(others)
    return len(set(tools) & set(others)) / len(every) if every else 0.0
