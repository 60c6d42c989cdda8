"""Access to the clock of the tests, see ``tests/preload/virtual_clock.py``."""

import os
import signal
import sys
from contextlib import nullcontext
from typing import Any


def shared_clock() -> Any:  # noqa: ANN401 - every Python that the tests start loads its module under another name
    """Return the clock that this process uses, or None."""
    module = sys.modules.get("virtual_clock")
    return module.shared if module is not None else None


def waits_are_skipped() -> bool:
    """Return whether the running test uses virtual time."""
    clock = shared_clock()
    return clock is not None and clock.virtual


def stop(pid: int) -> None:
    """Suspend a process, but not while it holds the clock's lock, which would block all others."""
    clock = shared_clock()
    with clock.locked() if clock is not None else nullcontext():
        os.kill(pid, signal.SIGSTOP)
