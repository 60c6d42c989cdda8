"""Query the kernel whether a process runs: whether one of its threads does, or a child that was just started.

The query runs thousands of times a second, so the files below ``/proc`` stay open as long as the threads are the same.
"""

import os
from contextlib import suppress
from typing import Final

_BUSY: Final = frozenset(b"RDt")
"""Running or ready to, waiting for a disk, and held by a debugger."""
_GONE: Final = frozenset(b"ZX")
_MOST_BYTES: Final = 256
_TRIES: Final = 5
_KERNEL_PIDS: Final = 100
_BEGAN: Final = 19
"""The position of a process's start time in its line, counted from its state; in hundredths of a second since boot."""
_MOMENT_BITS: Final = 40


class RunningThreads:
    """The threads of one process.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._folder = f"/proc/{pid}/task"
        self._files: dict[int, tuple[int, int]] = {}
        """By thread: the open files with its state and with the number of its context switches."""
        self._links = 0

    def close(self) -> None:
        """Close the files."""
        # A signal handler may raise an error in between: no file must stay in the list when it is closed.
        self._links = 0
        while self._files:
            for file in self._files.popitem()[1]:
                os.close(file)

    def packets_in_flight(self) -> bool:
        """Whether this thread of the kernel runs; such a process never has a second thread."""
        if not self._files:
            self._look_anew()
        return self._first_busy(0) != 0

    def busy(self, apart: int) -> int | None:
        """Return a thread that runs, 0 where none does, and None for a process that has ended.

        Args:
            apart: A thread that does not count: the one that asks.
        """
        for _ in range(_TRIES):
            try:
                links = os.stat(self._folder).st_nlink  # noqa: PTH116 - needs no paths
            except FileNotFoundError:
                return None
            try:
                if links != self._links:
                    self._look_anew()
                    self._links = links
                return self._first_busy(apart)
            except (ProcessLookupError, FileNotFoundError):  # a thread has ended meanwhile
                self._links = 0
        return self._pid

    def has_several(self) -> bool:
        """Whether there are several threads, as of the last look."""
        return len(self._files) > 1

    def turns(self, apart: int) -> bytes:
        """Return how often the threads have run: two equal results mean that none has run in between."""
        with suppress(ProcessLookupError):
            return b"".join(
                os.pread(file, _MOST_BYTES, 0) for thread, (_, file) in self._files.items() if thread != apart
            )
        return os.urandom(8)

    def _look_anew(self) -> None:
        self.close()
        for thread in os.listdir(self._folder):  # noqa: PTH208 - as above
            folder = f"{self._folder}/{thread}"
            state = os.open(f"{folder}/stat", os.O_RDONLY)
            self._files[int(thread)] = state, os.open(f"{folder}/schedstat", os.O_RDONLY)

    def _first_busy(self, apart: int) -> int | None:
        gone = True
        for thread, (file, _) in self._files.items():
            if thread == apart:
                gone = False
                continue
            # The state follows the name, which stands in brackets and may hold anything.
            line = os.pread(file, _MOST_BYTES, 0)
            state = line[line.rindex(b")") + 2]
            if state in _BUSY:
                return thread
            # The main thread of a process that ends waits for the others, one of which frees the memory.
            gone = gone and state in _GONE
        return None if gone else 0


def children(pid: int, apart: frozenset[int]) -> list[tuple[int, bool]]:
    """Return a number for each living child of a process, and whether it runs.

    Args:
        pid: The process.
        apart: Processes that do not count.
    """
    found = []
    with suppress(FileNotFoundError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - needs no paths
            for child in map(int, _read(f"/proc/{pid}/task/{thread}/children").split()):
                if child in apart:
                    continue
                line = _read(f"/proc/{child}/stat")
                fields = line[line.rfind(b")") + 2 :].split()
                if not fields:
                    continue
                ended = fields[0] in (b"Z", b"X")
                if not ended or _has_other_threads(child):
                    # The kernel reuses process ids, but not with the same start time.
                    identity = child << _MOMENT_BITS | int(fields[_BEGAN])
                    found.append((identity, ended or fields[0] in (b"R", b"D")))
    return found


def _has_other_threads(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return len(os.listdir(f"/proc/{pid}/task")) > 1  # noqa: PTH208 - as above
    return False


def packet_threads() -> list[int]:
    """Return the kernel threads that deliver packets, which have low numbers; a container may not see them."""
    return [pid for pid in range(1, _KERNEL_PIDS) if _read(f"/proc/{pid}/comm").startswith(b"ksoftirqd/")]


def _read(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(file, 65_536)
    except OSError:  # ended between the two calls
        return b""
    finally:
        os.close(file)
