"""The lines of an agent's rehearsals: what callers say, and what should follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from standins.agents.yaml_file import FolderError, read_yaml

NO_TOOL = "none"
END_CALL, TRANSFER, CAPTURE = "end_call", "transfer_to_human", "capture"
BUILT_IN = frozenset({END_CALL, TRANSFER, CAPTURE})
"""Tools that the runtime adds to every agent, so that they tell nothing about which one it is."""


@dataclass(frozen=True)
class Line:
    """One line of a caller.

    `tool` is None if the rehearsal does not say whether one is called; "none" if none may be.
    """

    rehearsal: str
    says: str
    opens: bool
    """Whether it starts the conversation; a line after `then:` continues it."""
    tool: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    answers: str = ""
    """What to say where no tool's result has a sentence."""
    expected_words: tuple[str, ...] = ()
    """Words that the reply should contain."""
    ends: bool = False
    leads_to: str = ""
    """The tool that the next such line of the rehearsal calls: what a line is about that calls none itself."""

    @property
    def calls_tool(self) -> bool:
        """Whether it leads to a tool."""
        return bool(self.tool) and self.tool != NO_TOOL

    @property
    def is_built_in(self) -> bool:
        """Whether it leads to a tool that the runtime adds to every agent."""
        return self.tool in BUILT_IN


def read_rehearsals(folder: Path) -> tuple[Line, ...]:
    """Return the lines of all files, in the order of their names.

    Raises:
        FolderError: A file is not a list of rehearsals; the message names it and the entry.
    """
    lines = [line for path in sorted(folder.glob("*.yaml")) for line in _lines(path)]
    later: dict[str, str] = {}
    led: list[Line] = []
    # Backwards, so that each line finds the tool of the nearest line behind it.
    for line in reversed(lines):
        if line.calls_tool and not line.is_built_in:
            later[line.rehearsal] = str(line.tool)
        led.append(replace(line, leads_to=later.get(line.rehearsal, "")))
    return tuple(reversed(led))


def _lines(path: Path) -> Iterator[Line]:
    entries = read_yaml(path) or []
    if not isinstance(entries, list):
        raise FolderError(f"{path}: expected a list of entries that begin with `rehearsal:` or `then:`")
    name = ""
    for number, entry in enumerate(entries, start=1):
        # The time that the agent's tools see says nothing about words.
        if isinstance(entry, dict) and entry.keys() == {"now"}:
            continue
        if not isinstance(entry, dict) or not {"rehearsal", "then", "keys"} & entry.keys():
            raise FolderError(f"{path}: entry {number} has neither `rehearsal:`, `then:` nor `keys:`")
        opens = "rehearsal" in entry
        name = str(entry["rehearsal"]) if opens else name
        said = entry.get("says") if opens else entry.get("then")
        # An entry with `keys:` needs no understanding: the runtime reports typed keys itself.
        if said is not None:
            yield _line(path, number, name, str(said), entry)


def _line(path: Path, number: int, name: str, said: str, entry: Mapping[str, Any]) -> Line:
    expected = entry.get("expect") or {}
    arguments = expected.get("with") or {} if isinstance(expected, dict) else None
    if not isinstance(arguments, dict):
        raise FolderError(f"{path}: entry {number}: `expect:` and its `with:` have to be mappings")
    words = expected.get("says") or []
    tool, person = expected.get("tool"), expected.get("transfer")
    # The first tools of several lead to the part of the conversation in which the last one can be called.
    tool = tool[-1] if isinstance(tool, list) and tool else tool
    if person is not None:
        tool, arguments = TRANSFER, {"destination": person, **arguments}
    return Line(
        rehearsal=name,
        says=said,
        opens="rehearsal" in entry,
        tool=None if tool is None else str(tool),
        arguments={str(key): value for key, value in arguments.items()},
        answers=str(entry.get("answers") or ""),
        expected_words=tuple(map(str, words if isinstance(words, list) else [words])),
        ends=bool(expected.get("ends")),
    )
