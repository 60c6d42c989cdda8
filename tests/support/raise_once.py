"""Let any one function of the product raise once: everything that a conversation holds must be released.

The interpreter reports each start of a function (`sys.monitoring`), and an error in its callback is raised in that
function. So nothing is patched, and closures, properties and coroutines are reached as well as methods.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Final

_TOOL: Final = 4
"""Not a tool number of debuggers, coverage or profilers."""
_START: Final = sys.monitoring.events.PY_START


class InjectedError(Exception):
    """The injected error."""


@contextmanager
def started_functions(*folders: Path) -> Iterator[dict[CodeType, None]]:
    """Collect the functions of these folders that start in the block, in the order of their first start."""
    found: dict[CodeType, None] = {}
    beginnings = tuple(f"{folder}/" for folder in folders)

    def start(code: CodeType, _offset: int) -> object:
        if code.co_filename.startswith(beginnings) and not code.co_name.startswith("<module"):
            found[code] = None
        return sys.monitoring.DISABLE

    with _tool(start):
        sys.monitoring.set_events(_TOOL, _START)
        sys.monitoring.restart_events()
        try:
            yield found
        finally:
            sys.monitoring.set_events(_TOOL, sys.monitoring.events.NO_EVENTS)


@contextmanager
def raising_once(code: CodeType) -> Iterator[list[str]]:
    """Raise at the next start of a function, and never again; the list holds its name once that has happened."""
    raised: list[str] = []

    def start(_code: CodeType, _offset: int) -> object:
        if raised:
            return sys.monitoring.DISABLE
        raised.append(name_of(code))
        raise InjectedError(raised[0])

    with _tool(start):
        sys.monitoring.set_local_events(_TOOL, code, _START)
        sys.monitoring.restart_events()
        try:
            yield raised
        finally:
            sys.monitoring.set_local_events(_TOOL, code, sys.monitoring.events.NO_EVENTS)


@contextmanager
def _tool(start: object) -> Iterator[None]:
    sys.monitoring.use_tool_id(_TOOL, "raise-once")
    sys.monitoring.register_callback(_TOOL, _START, start)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.monitoring.register_callback(_TOOL, _START, None)
        sys.monitoring.free_tool_id(_TOOL)


def name_of(code: CodeType) -> str:
    """Return the module and qualified name of a function."""
    path = Path(code.co_filename)
    package = path.parts[path.parts.index("src") + 1 :]
    return ".".join([*package[:-1], path.stem, code.co_qualname])
