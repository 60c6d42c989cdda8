"""Imports that Ctrl-C ends without a traceback: Python would print where in some library it had got to."""

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
    """Exit at once on Ctrl-C inside the block, which has started nothing that would have to be stopped in order."""
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
    os._exit(INTERRUPTED)
