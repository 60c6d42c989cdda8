"""The clock of the tests, see ``tests/preload/virtual_clock.py``."""

import os
import signal
import sys
from contextlib import nullcontext
from typing import Any


def shared_clock() -> Any:  # noqa: ANN401 - its module is loaded by every Python that the tests start, by another name
    """Give the clock that this process goes by, None where there is none."""
    module = sys.modules.get("virtual_clock")
    return module.shared if module is not None else None


def waits_are_skipped() -> bool:
    """Whether the running test goes by virtual time."""
    clock = shared_clock()
    return clock is not None and clock.virtual


def stop(pid: int) -> None:
    """Suspend a process, but not while it holds the clock's lock, which no other would ever get."""
    clock = shared_clock()
    with clock.locked() if clock is not None else nullcontext():
        os.kill(pid, signal.SIGSTOP)
