"""Record which lines of the code under test have run, at little cost: each line reports itself once only."""

import sys
from collections.abc import Sequence
from types import CodeType
from typing import Self

_MONITORING = sys.monitoring
_TOOL = 3
"""A free tool number: 0 to 2 and 5 belong to debuggers, coverage tools, profilers and optimizers."""


class Coverage:
    """Knows whether a case reached a new line.

    Args:
        folders: Parts of paths; only files whose path holds one of them count.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._lines = 0
        self._seen = 0

    def __enter__(self) -> Self:
        """Start to record."""
        _MONITORING.use_tool_id(_TOOL, "fuzzing")
        _MONITORING.register_callback(_TOOL, _MONITORING.events.LINE, self._line)
        _MONITORING.restart_events()
        _MONITORING.set_events(_TOOL, _MONITORING.events.LINE)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop recording."""
        _MONITORING.set_events(_TOOL, 0)
        _MONITORING.register_callback(_TOOL, _MONITORING.events.LINE, None)
        _MONITORING.free_tool_id(_TOOL)

    def _line(self, code: CodeType, _number: int) -> object:
        if any(folder in code.co_filename for folder in self._folders):
            self._lines += 1
        return _MONITORING.DISABLE

    @property
    def lines(self) -> int:
        """Lines that have run so far."""
        return self._lines

    def is_new(self) -> bool:
        """Return whether a new line has run since the last call."""
        new, self._seen = self._lines > self._seen, self._lines
        return new
