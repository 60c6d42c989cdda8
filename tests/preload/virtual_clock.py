"""A clock that the processes of a test share, and that skips what they would only wait for.

Every Python that the tests start imports this (see ``sitecustomize.py``). Where ``VIRTUAL_CLOCK`` names a file, the
process joins that clock: ``time.monotonic`` and ``time.time`` read it, and event loops and ``time.sleep`` wait by it.

While the clock is virtual it stands still as long as anything runs, so a slow machine cannot miss a deadline. Once
everything waits, the clock moves to the earliest moment that a loop or a ``time.sleep`` waits for. "Everything waits"
means: the loop that asks has nothing ready, and the kernel lists no other thread of these processes as running. Data
sent over the loopback interface makes its reader runnable before ``send`` returns, so no packet is in flight then.

What it cannot skip: waits inside native code (a browser, SIPp, a container), and anything without Linux's ``/proc``.
Such tests are marked ``real_time``, and the clock then runs as fast as the machine's.
"""

import fcntl
import importlib
import mmap
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from running_threads import RunningThreads, busy_children  # type: ignore[import-not-found]  # found beside this file

VARIABLE: Final = "VIRTUAL_CLOCK"

_real_monotonic, _real_time, _real_sleep = time.monotonic_ns, time.time, time.sleep
_real_clock_info = time.get_clock_info

_PROCESSES: Final = 256
_WAITERS: Final = 256
_HEADER: Final = 8
"""64-bit words of the file before the processes and the waiters, each by its name below."""
_VIRTUAL, _MOMENT, _OFFSET, _WALL, _PROCESS_END, _WAITER_END = range(6)
_FIELDS: Final = 4
_PID, _STATE, _WAKE, _SPARE = range(_FIELDS)
_RUNS, _WAITS = 1, 2
_NEVER: Final = 2**62
_SPAWNING: Final = 64
_FIRST_WAITER: Final = _HEADER + _PROCESSES + _SPAWNING
_WORDS: Final = _FIRST_WAITER + _WAITERS * _FIELDS
_ALL_PROCESSES: Final = range(_HEADER, _HEADER + _PROCESSES)
_ALL_SPAWNING: Final = range(_HEADER + _PROCESSES, _FIRST_WAITER)
_ALL_WAITERS: Final = range(_FIRST_WAITER, _WORDS, _FIELDS)

_STEP: Final = 1_000_000
"""Nanoseconds: waits end at whole milliseconds, as with epoll, so that what waits for the same moment wakes at once."""
_DUST: Final = 1_000
_LOOKS: Final = 2_000
"""A loop that looks for work as often without ever waiting is waiting for time to pass, and a step does."""
_EPOLL_STEP: Final = 0.001
"""Real seconds that epoll counts in."""
_SOON, _LATER, _LATEST = 0.000_1, 0.001, 0.004
"""Real seconds until another look at threads that run: longer each time, as most run for a moment and some for long."""
_SETTLE: Final = 0.000_02
"""Real seconds in which another thread gets the interpreter. The kernel makes them some more."""
_PATIENCE: Final = 0.02
"""Real seconds until another look where nothing waits for a moment."""
_BUSY: Final = frozenset("RD")


shared: "SharedClock | None" = None
"""The clock that this process goes by."""


class SharedClock:
    """One process's view of the clock."""

    def __init__(self, path: Path, *, always: bool) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with _locked(self._file):
            new = os.fstat(self._file).st_size == 0
            os.ftruncate(self._file, _WORDS * 8)
            self._words = memoryview(mmap.mmap(self._file, _WORDS * 8)).cast("q")
            if new:
                self._words[_PROCESS_END], self._words[_WAITER_END] = _HEADER, _FIRST_WAITER
        if new:
            self.set_wall()
        self.joined = always or self.virtual
        if not self.joined:
            return
        self._join()
        os.register_at_fork(after_in_child=self._join_as_child)

    def _join_as_child(self) -> None:
        # A lock belongs to the open file, which the parent has too.
        os.close(self._file)
        for threads in self._threads.values():
            threads.close()
        self._waker.close()
        self._file = os.open(self.path, os.O_RDWR)
        self._join()

    def _join(self) -> None:
        self._pid, self._looks = os.getpid(), 0
        self._turns = b""
        self._threads: dict[int, RunningThreads] = {}
        self._waker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with _locked(self._file):
            free = next(at for at in _ALL_PROCESSES if not self._words[at])
            self._words[free] = self._pid
            self._words[_PROCESS_END] = max(self._words[_PROCESS_END], free + 1)

    def set_wall(self) -> None:
        """Have ``time.time`` show the machine's time again, which skipped waits have left behind."""
        self._words[_WALL] = round(_real_time() * 1e9) - self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """Give the moment, in nanoseconds."""
        if self._words[_VIRTUAL]:
            return self._words[_MOMENT]
        return _real_monotonic() + self._words[_OFFSET]

    def monotonic(self) -> float:
        """Stand in for ``time.monotonic``."""
        return self.monotonic_ns() / 1e9

    def time_ns(self) -> int:
        """Stand in for ``time.time_ns``."""
        return self.monotonic_ns() + self._words[_WALL]

    def time(self) -> float:
        """Stand in for ``time.time``."""
        return self.time_ns() / 1e9

    def sleep(self, seconds: float) -> None:
        """Stand in for ``time.sleep``."""
        if seconds <= 0:
            _real_sleep(0)
            return
        with selectors.DefaultSelector() as selector:
            selector.select(seconds)

    @property
    def virtual(self) -> bool:
        """Whether waits are skipped; otherwise the clock runs as fast as the machine's."""
        return bool(self._words[_VIRTUAL])

    @virtual.setter
    def virtual(self, wanted: bool) -> None:
        with _locked(self._file):
            if wanted == self.virtual:
                return
            moment = self.monotonic_ns()
            self._words[_MOMENT], self._words[_OFFSET] = moment, moment - _real_monotonic()
            self._words[_VIRTUAL] = wanted
            for waiter in self._waiters():
                self._poke(waiter)

    def look(self) -> None:
        """Count a look for work without a wait."""
        self._looks += 1
        if self._looks > _LOOKS and self._words[_VIRTUAL]:
            self._words[_MOMENT] += _STEP
            self._looks = 0

    def enter(self) -> tuple[int, socket.socket]:
        """Take part as something that waits; gives its place and where it is woken."""
        with _locked(self._file):
            place = next(at for at in _ALL_WAITERS if not self._words[at + _PID])
            self._words[place + _STATE], self._words[place + _PID] = _RUNS, os.getpid()
            self._words[_WAITER_END] = max(self._words[_WAITER_END], place + _FIELDS)
        woken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with suppress(FileNotFoundError):
            self._address(place).unlink()
        woken.bind(str(self._address(place)))
        return place, woken

    def leave(self, place: int) -> None:
        """Take part no longer."""
        with _locked(self._file):
            if self._words[place + _PID] == os.getpid():
                self._words[place + _PID] = 0
                with suppress(FileNotFoundError):
                    self._address(place).unlink()

    def wait(self, place: int, until: int) -> None:
        """Say that something waits until a moment."""
        self._words[place + _WAKE] = until
        self._words[place + _STATE] = _WAITS

    def run(self, place: int) -> None:
        """Say that it runs again."""
        self._words[place + _STATE] = _RUNS

    def skip(self, place: int) -> float:
        """Move the clock on if everything waits; gives the real seconds after which to try again."""
        with _try_locked(self._file) as mine:
            if not mine:
                return _SOON
            if wait := self._running():
                return wait
            waiters = [waiter for waiter in self._waiters() if self._words[waiter + _STATE] == _WAITS]
            moment = min((self._words[waiter + _WAKE] for waiter in waiters), default=_NEVER)
            if moment >= _NEVER:
                return _PATIENCE
            self._words[_MOMENT] = max(moment, self._words[_MOMENT])
            for waiter in waiters:
                if self._words[waiter + _WAKE] <= moment:
                    self._words[waiter + _STATE] = _RUNS
                    if waiter != place:
                        self._poke(waiter)
        return 0.0

    def _waiters(self) -> Iterator[int]:
        return (at for at in range(_FIRST_WAITER, self._words[_WAITER_END], _FIELDS) if self._words[at + _PID])

    def _running(self) -> float:
        """Give the real seconds until another look at what runs, 0 where nothing does."""
        me = threading.get_native_id()
        pids = frozenset(pid for pid in self._words[_HEADER : self._words[_PROCESS_END]] if pid)
        for pid in pids:
            if pid not in self._threads:
                self._threads[pid] = RunningThreads(pid)
            busy = self._threads[pid].busy(me)
            if busy is None:
                self._bury(pid)
            elif busy:
                # A main thread looks itself when it is done. Others, such as those of native code, do not.
                return _LATER if busy == pid else _SOON
        if self._starting(pids):
            return _SOON
        return 0.0 if self._settled(me) else _SETTLE

    def _settled(self, me: int) -> bool:
        """Whether no other thread of this process has run since it was last given the time to.

        A thread that waits for the interpreter looks to the kernel as if it slept. This one has to let go of it once.
        """
        threads = self._threads[self._pid]
        turns = threads.turns(me)
        if turns == self._turns:
            return True
        _real_sleep(_SETTLE)
        self._turns = turns
        return False

    def _starting(self, pids: frozenset[int]) -> bool:
        """Whether a child that has not joined yet runs."""
        for place in _ALL_SPAWNING:
            if pid := self._words[place]:
                with suppress(FileNotFoundError):
                    children, busy = busy_children(pid, pids)
                    if busy:
                        return True
                    if children:
                        continue
                self._words[place] = 0
        return False

    def spawns(self) -> None:
        """Say that this process starts another."""
        if self._pid not in self._words[_ALL_SPAWNING.start : _ALL_SPAWNING.stop]:
            with _locked(self._file):
                free = next(place for place in _ALL_SPAWNING if not self._words[place])
                self._words[free] = self._pid

    def _bury(self, pid: int) -> None:
        """Forget a process that is gone, and what waited in it."""
        for at in _ALL_PROCESSES:
            if self._words[at] == pid:
                self._words[at] = 0
        for place in _ALL_WAITERS:
            if self._words[place + _PID] == pid:
                self._words[place + _PID] = 0
        if pid in self._threads:
            self._threads.pop(pid).close()

    def _address(self, place: int) -> Path:
        return Path(f"{self.path}.{place}")

    def _poke(self, place: int) -> None:
        with suppress(OSError):
            self._waker.sendto(b"!", f"{self.path}.{place}")


class SharedClockSelector(selectors.EpollSelector):
    """Waits by the shared clock."""

    clock: SharedClock

    def __init__(self) -> None:
        super().__init__()
        self._place, self._woken = self.clock.enter()
        self.register(self._woken, selectors.EVENT_READ)
        self._owner = os.getpid()

    def close(self) -> None:
        """Take part no longer."""
        super().close()
        if self._owner == os.getpid():
            self.clock.leave(self._place)
        self._woken.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for something to be ready, or for a moment of the shared clock."""
        clock = self.clock
        if (ready := self._ready(0)) or (timeout is not None and timeout <= 0):
            clock.look()
            return ready
        until = _NEVER if timeout is None else _step_after(clock.monotonic_ns(), timeout)
        try:
            looks = 0
            while clock.monotonic_ns() < until:
                clock.wait(self._place, until)
                pause = self._pause(until)
                if pause in (_SOON, _LATER):
                    pause = min(pause * 2**looks, _LATEST)
                    looks = min(looks + 1, 8)
                if ready := self._ready(pause):
                    return ready
            return self._ready(0)
        finally:
            clock.run(self._place)

    def _pause(self, until: int) -> float:
        """Skip what everything waits for, or give the real seconds until it is worth another look."""
        clock = self.clock
        if not clock.virtual:
            return min(1.0, max(0.0, (until - clock.monotonic_ns()) / 1e9))
        return clock.skip(self._place)

    def _ready(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        if 0 < timeout < _EPOLL_STEP:
            _real_sleep(timeout)
            timeout = 0
        ready = super().select(timeout)
        if any(key.fileobj is self._woken for key, _ in ready):
            with suppress(BlockingIOError):
                while self._woken.recv(16):
                    pass
            ready = [one for one in ready if one[0].fileobj is not self._woken]
        return ready


@contextmanager
def _locked(file: int) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def _try_locked(file: int) -> Iterator[bool]:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _step_after(now: int, seconds: float) -> int:
    """Give the first whole step that is so much later, but for what comes of arithmetic with floats."""
    return max(now // _STEP + 1, -((_DUST - now - round(seconds * 1e9)) // _STEP)) * _STEP


def _send_at_once(stream: socket.socket) -> None:
    if stream.family in (socket.AF_INET, socket.AF_INET6) and stream.type == socket.SOCK_STREAM:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _clock_info(name: str) -> Any:  # noqa: ANN401 - a namespace of the standard library
    """Stand in for ``time.get_clock_info``: event loops take a timer for due that is so little early."""
    info = _real_clock_info(name)
    if name == "monotonic":
        info.resolution = 2 * _DUST / 1e9
    return info


def join(path: str, *, always: bool = False) -> SharedClock | None:
    """Have this process go by the clock of a file.

    Args:
        path: The file; it is made where there is none.
        always: Also while the clock runs as fast as the machine's; otherwise the process is then left as it ships.

    Returns:
        The clock, or None where the process was left alone.
    """
    if not Path("/proc/self/task").is_dir() or not (always or Path(path).exists()):
        return None
    global shared  # noqa: PLW0603 - there is one clock, as there is one module called time
    clock = SharedClock(Path(path), always=always)
    if not clock.joined:
        return None
    shared = SharedClockSelector.clock = clock
    sys.addaudithook(lambda event, _: clock.spawns() if event == "subprocess.Popen" else None)
    time.get_clock_info = _clock_info
    for name in ("monotonic", "monotonic_ns", "time", "time_ns", "sleep"):
        setattr(time, name, getattr(clock, name))
    selectors.DefaultSelector = SharedClockSelector  # type: ignore[misc]  # what asyncio and time.sleep wait with
    # uvloop waits in libuv, by a clock of its own; the product uses what asyncio has as well.
    sys.modules["uvloop"] = importlib.import_module("asyncio")
    # Like uvloop, and unlike asyncio on sockets that were made without naming TCP, leave no packet in the kernel until
    # an earlier one is acknowledged: that takes 40 ms in which nothing seems to run.
    importlib.import_module("asyncio.base_events")._set_nodelay = _send_at_once
    return clock
