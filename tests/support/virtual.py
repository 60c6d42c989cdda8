"""The clock of the tests, see ``tests/preload/virtual_clock.py``."""

import sys
from typing import Any


def shared_clock() -> Any:  # noqa: ANN401 - its module is loaded by every Python that the tests start, by another name
    """Give the clock that this process goes by, None where there is none."""
    module = sys.modules.get("virtual_clock")
    return module.shared if module is not None else None


def waits_are_skipped() -> bool:
    """Whether the running test goes by virtual time."""
    clock = shared_clock()
    return clock is not None and clock.virtual
