"""Let one process at a time make the environment."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

if sys.platform == "win32":
    import msvcrt

    def _take(file: TextIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: TextIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def one_at_a_time(lock: Path, waiting: Callable[[], None], patience: float = 1200) -> Iterator[None]:
    """Hold a lock file while the body runs. The system lets go of it when a process dies.

    Args:
        lock: the file; it stays behind, empty.
        waiting: called once if another process holds it.
        patience: seconds to wait for that process.

    Raises:
        TimeoutError: it was still held after `patience`.
    """
    with lock.open("a", encoding="utf-8") as file:
        deadline = time.monotonic() + patience
        told = False
        while not _free(file):
            if time.monotonic() > deadline:
                msg = f"another process has held {lock.name} for {patience:.0f} s"
                raise TimeoutError(msg)
            if not told:
                waiting()
                told = True
            time.sleep(0.2)
        yield


def _free(file: TextIO) -> bool:
    try:
        _take(file)
    except OSError:
        return False
    return True
