"""Rehearsals: conversations with an agent that must succeed, read from the YAML files of its folder."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

NO_TOOL: Final = "none"
"""Value of `tool` where the agent must answer without one."""

_ENTRY: Final = ("rehearsal", "says", "then", "keys", "expect", "answers", "now")
_EXPECT: Final = ("tool", "with", "hears", "says", "within", "transfer", "ends", "stage")
_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)?")
_LINE: Final = "__line__"


class InvalidRehearsal(Exception):
    """A rehearsal cannot be read; the message names file, line and what is expected there."""


@dataclass(frozen=True)
class Expectation:
    """What one turn must lead to. Empty values expect nothing."""

    tool: str = ""
    """Name of a tool that must be called; `NO_TOOL` if none may be."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    """Arguments that this call must have; it may have more."""
    hears: tuple[str, ...] = ()
    """Words that the agent must have understood."""
    says: tuple[str, ...] = ()
    """Words of its reply."""
    within: float | None = None
    """Longest time in seconds from the end of the caller's words to the reply."""
    transfer: str = ""
    """Name of the person that the caller must reach."""
    ends: bool = False
    """Whether the agent must end the conversation."""
    stage: str = ""
    """Stage of the conversation after the turn."""
    before: tuple[str, ...] = ()
    """Tools that must be called before that tool: the first of them leads to the stage that the others belong to."""


@dataclass(frozen=True)
class Turn:
    """One turn of the caller: words, or keys of the telephone."""

    says: str
    keys: str
    expect: Expectation
    line: int

    @property
    def label(self) -> str:
        """Describe the turn for a person."""
        return f"“{self.says}”" if self.says else f"keys {self.keys}"


@dataclass(frozen=True)
class Rehearsal:
    """One conversation."""

    name: str
    turns: tuple[Turn, ...]
    path: Path
    now: datetime | None = None
    """Time that the agent's tools see, in the agent's time zone; None for the time at which it is held."""

    @property
    def slug(self) -> str:
        """Return the name as part of a file's name."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "rehearsal"


def read_rehearsals(folder: Path, only: str = "") -> list[Rehearsal]:
    """Return the rehearsals of an agent's folder, in the order of files and lines.

    Args:
        folder: The agent's folder.
        only: Part of the names to select; empty for all.

    Raises:
        InvalidRehearsal: There is none, or one cannot be read.
    """
    if not folder.is_dir():
        raise InvalidRehearsal(f"{folder} is not a folder: name an agent's folder, such as agents/restaurant")
    found = [one for path in sorted(folder.glob("rehearsals/*.yaml")) for one in read_file(path)]
    if not found:
        raise InvalidRehearsal(f"{folder / 'rehearsals'} has no *.yaml file with a rehearsal")
    # A part of a name is enough: names are sentences.
    chosen = [one for one in found if only.lower() in one.name.lower()]
    if not chosen:
        raise InvalidRehearsal(f"no rehearsal is named {only!r}; there are: {', '.join(one.name for one in found)}")
    return chosen


def read_file(path: Path) -> list[Rehearsal]:
    """Return the rehearsals of one file.

    Raises:
        InvalidRehearsal: It cannot be read.
    """
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), _WithLines)  # noqa: S506 - a SafeLoader that adds lines
    except OSError as error:
        raise InvalidRehearsal(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise InvalidRehearsal(f"{place}: not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(entries, list):
        raise InvalidRehearsal(f"{path}:1: expected a list of entries that begin with “- rehearsal:”")
    made = [*_conversations(entries, path)]
    # A report, a test and a file of audio are found by their name.
    names = [one.name for one in made]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise InvalidRehearsal(f"{path}: two rehearsals are named {repeated!r}")
    return made


def _conversations(entries: Sequence[object], path: Path) -> Iterator[Rehearsal]:
    name, turns = "", list[Turn]()
    now, begun_at = None, None
    for entry in entries:
        if not isinstance(entry, dict):
            raise InvalidRehearsal(f"{path}: expected “rehearsal:”, “then:” or “keys:” in each entry, not {entry!r}")
        reader = _Entry(entry, path)
        if "now" in entry:
            now = reader.now()
            continue
        if "rehearsal" in entry:
            if turns:
                yield Rehearsal(name, tuple(turns), path, begun_at)
            name, turns, begun_at = reader.text("rehearsal"), [], now
        elif not turns:
            raise InvalidRehearsal(f"{reader.place}: the first entry must have “rehearsal:” with a name")
        turns.append(reader.turn())
    if turns:
        yield Rehearsal(name, tuple(turns), path, begun_at)


class _Entry:
    """Reads one entry of a file."""

    def __init__(self, entry: dict[str, Any], path: Path) -> None:
        self._entry = entry
        self.line = int(entry.get(_LINE, 1))
        self.place = f"{path}:{self.line}"
        self._known(entry, _ENTRY)

    def turn(self) -> Turn:
        # A turn that both speaks and presses keys would have no order.
        says = [key for key in ("says", "then", "keys") if key in self._entry]
        if len(says) != 1:
            raise InvalidRehearsal(f"{self.place}: expected one of “says:”, “then:” and “keys:”")
        keys = self.text("keys") if "keys" in self._entry else ""
        if keys and not re.fullmatch(r"[0-9*#]+", keys):
            raise InvalidRehearsal(f"{self.place}: keys: expected digits, * or #, not {keys!r}")
        return Turn("" if keys else self.text(says[0]), keys, self._expectation(), self.line)

    def now(self) -> datetime:
        # Beside other keys it would seem to hold for one conversation or one turn.
        if [*self._entry] != ["now", _LINE]:
            raise InvalidRehearsal(f"{self.place}: now: expected alone in an entry, for all rehearsals below it")
        try:
            now = datetime.fromisoformat(str(self._entry["now"]))
        except ValueError:
            now = None
        if now is None or now.tzinfo is not None:
            raise InvalidRehearsal(
                f"{self.place}: now: expected the agent's local time, such as 2026-12-02 10:00, not"
                f" {self._entry['now']!r}"
            )
        return now

    def text(self, key: str) -> str:
        value = self._entry[key]
        # YAML reads 0 as a number, and an unquoted key of the telephone is one.
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not text:
            raise InvalidRehearsal(f"{self.place}: {key}: expected text, not {value!r}")
        return text

    def _expectation(self) -> Expectation:
        given = self._entry.get("expect", {})
        if not isinstance(given, dict):
            raise InvalidRehearsal(f"{self.place}: expect: expected a mapping such as {{tool: book_table}}")
        self._known(given, _EXPECT)
        arguments = _without_lines(self._mapping(given, "with"))
        *before, tool = self._words(given, "tool") or ("",)
        # Arguments without a tool would be compared with nothing, and pass.
        if arguments and tool in ("", NO_TOOL):
            raise InvalidRehearsal(f"{self.place}: with: needs the name of a tool in “tool:”")
        return Expectation(
            tool=tool,
            before=tuple(before),
            arguments=arguments,
            hears=self._words(given, "hears"),
            says=self._words(given, "says"),
            within=self._seconds(given),
            transfer=str(given.get("transfer", "")),
            ends=given.get("ends") is True,
            stage=str(given.get("stage", "")),
        )

    def _known(self, given: Mapping[str, object], known: Sequence[str]) -> None:
        for key in given:
            if key not in (*known, _LINE):
                raise InvalidRehearsal(f"{self.place}: unknown key {key!r}; known are {', '.join(known)}")

    def _mapping(self, given: Mapping[str, object], key: str) -> dict[str, object]:
        value = given.get(key, {})
        if not isinstance(value, dict):
            raise InvalidRehearsal(f"{self.place}: {key}: expected a mapping, not {value!r}")
        return value

    def _words(self, given: Mapping[str, object], key: str) -> tuple[str, ...]:
        value = given.get(key, ())
        values = value if isinstance(value, list | tuple) else [value]
        return tuple(str(word) for word in values)

    def _seconds(self, given: Mapping[str, object]) -> float | None:
        if "within" not in given:
            return None
        found = _SECONDS.fullmatch(str(given["within"]).strip())
        if found is None:
            raise InvalidRehearsal(f"{self.place}: within: expected a time such as 3s or 800ms")
        return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _without_lines(value: Any) -> Any:  # noqa: ANN401 - any value of YAML
    if isinstance(value, dict):
        return {key: _without_lines(member) for key, member in value.items() if key != _LINE}
    return [_without_lines(member) for member in value] if isinstance(value, list) else value


class _WithLines(yaml.SafeLoader):
    """Adds to each mapping the line on which it begins."""


def _mapping_with_line(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    return {**loader.construct_mapping(node, deep=True), _LINE: node.start_mark.line + 1}


_WithLines.add_constructor("tag:yaml.org,2002:map", _mapping_with_line)
