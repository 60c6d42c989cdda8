"""Imports that Ctrl-C interrupts without a traceback; Python would print the import stack of some library."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

INTERRUPTED: Final = 130


@contextmanager
def interruptible() -> Iterator[None]:
    """Exit immediately on Ctrl-C inside the block, in which nothing has started that needs an orderly shutdown."""
    # Python delivers signals to the main thread only, and a program that has its own handler keeps it.
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit(_number: int, _frame: FrameType | None) -> None:
    # `sys.exit` would raise inside the import, and a library could catch it.
    os._exit(INTERRUPTED)
