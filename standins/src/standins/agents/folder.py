"""One agent folder as the stand-in knows it."""

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from standins.agents.rehearsals import Line, read_rehearsals
from standins.agents.yaml_file import LARGEST_BYTES, FolderError, read_yaml

DEFAULT_LANGUAGE = "en-US"
_READ = ("*.yaml", "*.md", "*.py", "rehearsals/*.yaml", "knowledge/*.md")
"""The files that make up a version of a folder."""
_ID = re.compile(r"[a-z][a-z0-9-]{0,30}")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LONGEST_CHOICE = 40
_CAPTURED = frozenset({"Email", "Phone", "Date", "Number", "Name", "Postcode"})
"""Types of values that callers spell, as tools import them; an entry of `tools:` has them in lower case."""


@dataclass(frozen=True)
class AgentFolder:
    """What the stand-in knows of an agent."""

    id: str
    version: str
    """Changes with every edit of a file."""
    name: str
    """On whose behalf it speaks."""
    language: str
    """Such as "fr-FR"."""
    tools: frozenset[str]
    lines: tuple[Line, ...]
    knowledge: tuple[str, ...]
    """Sentences of `knowledge/*.md`."""
    choices: tuple[str, ...]
    """Values that `tools.py` lists for its arguments; read from its text, because importing it would run it."""
    captured: frozenset[str] = frozenset()
    """Kinds of values that its tools take by handle: email, phone, date, number, name, postcode."""

    @property
    def speaks_english(self) -> bool:
        """Whether the recogniser and the packaged voice have its language."""
        return self.language.startswith("en")


def agent_folders(root: Path) -> list[Path]:
    """Return the agent folders below `root`, by name; folders that begin with a dot or a dash are not agents."""
    return sorted(path.parent for path in root.glob("*/agent.yaml") if _ID.fullmatch(path.parent.name))


def stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return path, size and time of change of each file: different after an edit, and cheap to compare."""
    found = sorted(path for pattern in _READ for path in folder.glob(pattern))
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in found)


def read_folder(folder: Path) -> AgentFolder:
    """Read a folder.

    Raises:
        FolderError: A file is missing or not valid.
    """
    agent = read_yaml(folder / "agent.yaml")
    if not isinstance(agent, dict) or not agent.get("name"):
        raise FolderError(f"{folder / 'agent.yaml'}: expected a mapping with `name:`")
    # A folder without rehearsals is valid: it has small talk only.
    lines = read_rehearsals(folder / "rehearsals")
    named = agent.get("tools") or []
    # A tool can also be a mapping, such as {mcp: …}; its names arrive with the prompt.
    tools = {tool for tool in named if isinstance(tool, str)} if isinstance(named, list) else set()
    return AgentFolder(
        id=folder.name,
        version=_version(folder),
        name=str(agent["name"]),
        language=str(agent.get("language") or DEFAULT_LANGUAGE),
        tools=frozenset(tools | {str(line.tool) for line in lines if line.calls_tool}),
        lines=lines,
        knowledge=tuple(_sentences(folder)),
        choices=tuple(dict.fromkeys(_choices(folder))),
        captured=frozenset({*_captured(folder), *_declared(named)}),
    )


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for path, *_ in stamp(folder):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:12]


def _sentences(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "knowledge").glob("*.md")):
        text = path.read_text(encoding="utf-8", errors="replace")[:LARGEST_BYTES]
        for sentence in _SENTENCE_END.split(text):
            if plain := sentence.strip(" -#*|\t"):
                yield plain


def _captured(folder: Path) -> Iterator[str]:
    """Yield the kinds of values that the code imports the types of."""
    for tree in _trees(folder):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agent_core."):
                yield from (one.name.lower() for one in node.names if one.name in _CAPTURED)


def _declared(tools: object) -> Iterator[str]:
    """Yield the kinds of values that entries of `tools:` capture, by parameter or by tool and parameter."""
    kinds = {name.lower() for name in _CAPTURED}
    for entry in tools if isinstance(tools, list) else []:
        waiting = [entry.get("captured")] if isinstance(entry, dict) else []
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                waiting += one.values()
            elif isinstance(one, str) and one in kinds:
                yield one


def _trees(folder: Path) -> Iterator[ast.Module]:
    for path in sorted(folder.glob("*.py")):
        try:
            yield ast.parse(path.read_text(encoding="utf-8")[:LARGEST_BYTES])
        except (SyntaxError, ValueError):
            continue  # the runtime reports it with its line


def _choices(folder: Path) -> Iterator[str]:
    for tree in _trees(folder):
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
                listed = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                for one in listed:
                    if (
                        isinstance(one, ast.Constant)
                        and isinstance(one.value, str)
                        and len(one.value) < _LONGEST_CHOICE
                    ):
                        yield one.value
