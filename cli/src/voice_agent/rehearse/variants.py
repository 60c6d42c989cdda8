"""Copies of an agent's folder for the conditions of the matrix, each with a number and files of its own.

A copy for each condition, channel and attempt keeps them apart: a table that one conversation books is not missing in
another one with the same words. Where the tools have to be slow or dead, or see another time than the clock's, the
`tools.py` of the copy is changed.
"""

import ast
import itertools
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from voice_agent.rehearse.conditions import QUIET, SLOW_SECONDS, Condition
from voice_agent.rehearse.rehearsals import InvalidRehearsal

_NUMBERS: Final = "+1555019{:04}"
"""Reserved for fiction (555-01XX), so that no copy has the number of a person."""
_IDLE_SECONDS: Final = 5
"""Silence after which a copy asks whether the caller is there: a rehearsal does not wait for half a minute."""
_LOCAL: Final = ".run/"
_ID: Final = 31
"""Longest name of an agent's folder."""
_BODY: Final = {
    "slow": f"__import__('time').sleep({SLOW_SECONDS})",
    "dead": "raise ConnectionError('a rehearsal has made this tool fail')",
}


@dataclass(frozen=True)
class Copy:
    """One copy of the folder."""

    id: str
    number: str


def agent_file(folder: Path) -> dict[str, Any]:
    """Return an agent's `agent.yaml`; empty if the folder has none.

    Raises:
        InvalidRehearsal: It is not YAML.
    """
    path = folder / "agent.yaml"
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except yaml.YAMLError as error:
        raise InvalidRehearsal(f"{path}: not YAML: {error}") from error
    return read if isinstance(read, dict) else {}


type Channel = Literal["phone", "web"]
type CopyKey = tuple[str, datetime | None, Channel, int]
"""A condition's name, the time that the tools see, the channel, and the number of the attempt."""
_PHONE: Final[tuple[Channel, ...]] = ("phone",)


def make_copies(  # noqa: PLR0913 - each is a dimension
    folder: Path,
    target: Path,
    conditions: Iterable[Condition],
    times: Collection[datetime | None] = (None,),
    *,
    channels: Collection[Channel] = _PHONE,
    attempts: int = 1,
) -> Mapping[CopyKey, Copy]:
    """Copy a folder for each combination, and return the copies.

    Args:
        folder: The agent's folder.
        target: An empty folder, for `AGENTS_DIR`.
        conditions: The conditions.
        times: The times that the rehearsals set; None for that of the clock.
        channels: The channels on which they are held.
        attempts: Attempts of each rehearsal.
    """
    agent = agent_file(folder)
    copies: dict[CopyKey, Copy] = {}
    # One attempt after the other, so that the first copy is the one of the first attempt.
    combinations = itertools.product(range(1, attempts + 1), conditions, times, channels)
    # The conditions are a telephone's.
    held = [one for one in combinations if one[1] is QUIET or one[3] == "phone"]
    for index, (attempt, condition, now, channel) in enumerate(held):
        copy = Copy(_copy_id(folder.name, condition, index), _NUMBERS.format(index))
        copied = target / copy.id
        shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("__pycache__"))
        _change_agent(copied, agent, copy, condition, first=not index)
        if condition.tool or now is not None:
            _change_tools(copied / "tools.py", condition.tool, now)
        copies[condition.name, now, channel, attempt] = copy
    return copies


def _copy_id(name: str, condition: Condition, index: int) -> str:
    # The first has the folder's own name, which an address on the web may contain. The number keeps cut names apart.
    return f"{name}-{condition.name.replace(' ', '-')}"[: _ID - 4] + f"-{index}" if index else name


def _change_agent(copied: Path, agent: Mapping[str, Any], copy: Copy, condition: Condition, *, first: bool) -> None:
    page = dict(agent.get("page") or {})
    # Two agents cannot have the same path, and one of several must be the default agent.
    kept = {key: value for key, value in page.items() if key != "path"} | ({"path": "/"} if first else {})
    variables = agent.get("environment") or {}
    own = _local(variables)
    files = {
        name: str(copied.parent / f"_{copy.id}" / value.removeprefix(_LOCAL)) if name in own else value
        for name, value in variables.items()
    }
    changed = {**agent, "numbers": [copy.number], "page": kept, "environment": files}
    if condition.silence:
        changed["limits"] = {**(agent.get("limits") or {}), "idle_prompt_seconds": _IDLE_SECONDS}
    # Empty keys would only make the copy harder to read.
    written = {key: value for key, value in changed.items() if value not in ({}, None)}
    (copied / "agent.yaml").write_text(yaml.safe_dump(written, allow_unicode=True, sort_keys=False), encoding="utf-8")


def local_files(folder: Path) -> set[str]:
    """Return the variables of an agent that name files of this machine.

    Raises:
        InvalidRehearsal: Its `agent.yaml` is not YAML.
    """
    return _local(agent_file(folder).get("environment") or {})


def _local(variables: Mapping[str, object]) -> set[str]:
    return {name for name, value in variables.items() if isinstance(value, str) and value.startswith(_LOCAL)}


def _change_tools(path: Path, how: str, now: datetime | None) -> None:
    if path.is_file():
        path.write_text(changed_tools(path.read_text(encoding="utf-8"), how, now), encoding="utf-8")


def changed_tools(source: str, how: str = "", now: datetime | None = None) -> str:
    """Return a `tools.py` with statements at the beginning of each tool.

    Args:
        source: The file's text.
        how: `slow` or `dead`; empty for as written.
        now: What `Call.now` shows, in the agent's time zone; None for the time of the clock.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_tool, node.decorator_list)):
            # After the docstring, which is the tool's description.
            first = int(ast.get_docstring(node) is not None)
            node.body[first:first] = [*_dated(node, now), *_broken(node, how)]
    return ast.unparse(ast.fix_missing_locations(tree))


def _broken(node: ast.FunctionDef | ast.AsyncFunctionDef, how: str) -> list[ast.stmt]:
    if not how:
        return []
    wait = f"await __import__('asyncio').sleep({SLOW_SECONDS})"
    return _parsed(wait if how == "slow" and isinstance(node, ast.AsyncFunctionDef) else _BODY[how])


def _dated(node: ast.FunctionDef | ast.AsyncFunctionDef, now: datetime | None) -> list[ast.stmt]:
    call = next((one.arg for one in (*node.args.args, *node.args.kwonlyargs) if _is_call(one.annotation)), None)
    if now is None or call is None:
        return []
    # The service's own clock stays as it is: certificates, deadlines and records need the real one.
    moment = f"__import__('datetime').datetime.fromisoformat({now.isoformat()!r}).replace(tzinfo={call}.now.tzinfo)"
    return _parsed(f"{call} = __import__('dataclasses').replace({call}, now={moment})")


def _is_call(annotation: ast.expr | None) -> bool:
    name = annotation.attr if isinstance(annotation, ast.Attribute) else getattr(annotation, "id", "")
    return name == "Call"


def _parsed(statement: str) -> list[ast.stmt]:
    # Inside a function, because `await` is a statement only there.
    function = ast.parse(f"async def f():\n    {statement}").body[0]
    return function.body if isinstance(function, ast.AsyncFunctionDef) else []


def _is_tool(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "tool"
