"""A virtual clock that the processes of a test share, and that skips idle waits.

While the clock is virtual it stands still as long as anything runs, so a slow machine cannot miss a deadline. Once
everything waits, the clock moves to the earliest moment that a loop or a ``time.sleep`` waits for. "Everything waits"
means: the loop that asks has nothing ready, and the kernel lists no other thread of these processes as running. Data
sent over the loopback interface makes its reader runnable before ``send`` returns, so no packet is in flight then.

The clock is a file that all processes map into their memory: its time, the processes, and what waits until when.
"""

import fcntl
import mmap
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Final

from running_threads import RunningThreads, children, packet_threads  # type: ignore[import-not-found]  # found beside this file

_real_monotonic, _real_time, _real_sleep = time.monotonic_ns, time.time, time.sleep

_PROCESSES: Final = 256
_WAITERS: Final = 256
_HEADER: Final = 8
"""64-bit words of the file before the processes and the waiters, each by its name below."""
_VIRTUAL, _MOMENT, _OFFSET, _WALL, _PROCESS_END, _WAITER_END, _CHANGES = range(7)
_FIELDS: Final = 3
_PID, _STATE, _WAKE = range(_FIELDS)
_RUNS, _WAITS = 1, 2
NEVER: Final = 2**62
_SPAWNING: Final = 64
_NOBODY: Final = bytes(_SPAWNING * 8)
_PASSED_OVER: Final = 64
_FIRST_WAITER: Final = _HEADER + _PROCESSES + _SPAWNING + _PASSED_OVER
_WORDS: Final = _FIRST_WAITER + _WAITERS * _FIELDS
_ALL_PROCESSES: Final = range(_HEADER, _HEADER + _PROCESSES)
_ALL_SPAWNING: Final = range(_HEADER + _PROCESSES, _HEADER + _PROCESSES + _SPAWNING)
_ALL_PASSED_OVER: Final = range(_ALL_SPAWNING.stop, _FIRST_WAITER)
_ALL_WAITERS: Final = range(_FIRST_WAITER, _WORDS, _FIELDS)

STEP: Final = 1_000_000
"""Nanoseconds: waits end at whole milliseconds, as with epoll, so that waits for the same moment end together."""
DUST: Final = 1_000
"""Nanoseconds of rounding error in arithmetic with floats."""
_LOOKS: Final = 2_000
"""A loop that polls this often without a wait is waiting for time to pass, and a step lets it pass."""
_READINGS: Final = 10_000
"""The same for a thread that reads the stopped clock this often, as ``multiprocessing`` does in a poll of 0 s."""
SOON, LATER = 0.000_1, 0.001
"""Real seconds until the next check of running threads: those of native code, and those that check later themselves."""
_SETTLE: Final = 0.000_02
"""Real seconds in which another thread gets the interpreter. The kernel makes them slightly longer."""
_PATIENCE: Final = 0.02
"""Real seconds until the next check where nothing waits for a moment."""


class SharedClock:
    """One process's view of the clock."""

    def __init__(self, path: Path, *, always: bool) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._mutex, self._takes_part = threading.RLock(), False
        self._read = self._readings = 0
        with self.locked():
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
        # A lock belongs to the open file, which the parent shares.
        os.close(self._file)
        for threads in self._threads.values():
            threads.close()
        for threads in self._packet_threads:
            threads.close()
        self._waker.close()
        self._file = os.open(self.path, os.O_RDWR)
        self._mutex, self._takes_part = threading.RLock(), False
        self._join()

    def _join(self) -> None:
        self._pid, self._looks = os.getpid(), 0
        self._pids: frozenset[int] = frozenset()
        self._changes = 0
        self._turns = b""
        self._threads: dict[int, RunningThreads] = {}
        self._packet_threads = [RunningThreads(pid) for pid in packet_threads()]
        self._waker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with self.locked():
            free = next(at for at in _ALL_PROCESSES if not self._words[at])
            self._words[free] = self._pid
            self._words[_PROCESS_END] = max(self._words[_PROCESS_END], free + 1)
            self._words[_CHANGES] += 1
        self._takes_part = True

    def set_wall(self) -> None:
        """Make ``time.time`` show the machine's time again, from which skipped waits have moved it away."""
        self._words[_WALL] = round(_real_time() * 1e9) - self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """Return the time, in nanoseconds."""
        if self._words[_VIRTUAL]:
            moment = self._words[_MOMENT]
            if moment != self._read:
                self._read, self._readings = moment, 0
            self._readings += 1
            if self._readings > _READINGS:
                self._words[_MOMENT] = moment + STEP
            return moment
        return _real_monotonic() + self._words[_OFFSET]

    def monotonic(self) -> float:
        """Replace ``time.monotonic``."""
        return self.monotonic_ns() / 1e9

    def time_ns(self) -> int:
        """Replace ``time.time_ns``."""
        return self.monotonic_ns() + self._words[_WALL]

    def time(self) -> float:
        """Replace ``time.time``."""
        return self.time_ns() / 1e9

    def sleep(self, seconds: float) -> None:
        """Replace ``time.sleep``."""
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
        with self.locked():
            if wanted == self.virtual:
                return
            moment = self.monotonic_ns()
            self._words[_MOMENT], self._words[_OFFSET] = moment, moment - _real_monotonic()
            self._words[_VIRTUAL] = wanted
            if wanted:
                self._pass_over_children()
            for waiter in self._waiters():
                self._poke(waiter)

    def look(self) -> None:
        """Count a poll without a wait."""
        self._looks += 1
        if self._looks > _LOOKS and self._words[_VIRTUAL]:
            self._words[_MOMENT] += STEP
            self._looks = 0

    def enter(self) -> tuple[int, socket.socket]:
        """Register a waiter; return its place and the address that wakes it."""
        with self.locked():
            place = next(at for at in _ALL_WAITERS if not self._words[at + _PID])
            self._words[place + _STATE], self._words[place + _PID] = _RUNS, os.getpid()
            self._words[_WAITER_END] = max(self._words[_WAITER_END], place + _FIELDS)
        woken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with suppress(FileNotFoundError):
            self._address(place).unlink()
        woken.bind(str(self._address(place)))
        return place, woken

    def leave(self, place: int) -> None:
        """Unregister a waiter."""
        with self.locked():
            if self._words[place + _PID] == os.getpid():
                self._words[place + _PID] = 0
                with suppress(FileNotFoundError):
                    self._address(place).unlink()

    def wait(self, place: int, until: int) -> None:
        """Record that a waiter waits until a moment."""
        self._looks = 0
        self._words[place + _WAKE] = until
        self._words[place + _STATE] = _WAITS

    def run(self, place: int) -> None:
        """Record that a waiter runs again."""
        self._words[place + _STATE] = _RUNS

    def skip(self, place: int, arrived: Callable[[], bool]) -> float:
        """Move the clock forward if everything waits; return the real seconds until the next try.

        Args:
            place: The waiter that asks.
            arrived: Returns whether the waiter has something to do. That may come from a process that has gone to
                sleep, or ended, since the waiter last looked.
        """
        try:
            # Where it cannot, another waiter is checking.
            return self._skip(place, arrived) if self._try_lock() else LATER
        finally:
            self._unlock()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other waiters from moving the clock.

        It spins for the lock: the thread that holds it may be checking whether this one sleeps.
        """
        try:
            while not self._try_lock():
                os.sched_yield()
            yield
        finally:
            self._unlock()

    def _try_lock(self) -> bool:
        """Lock the file against other processes, and against other threads of this process, which share it.

        A signal handler may raise an error anywhere, also just before this thread would unlock. For this thread, the
        lock then counts as free.
        """
        if not self._mutex.acquire(blocking=False):
            return False
        if self._is_alone():
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(self) -> None:
        """Unlock, unless another thread or process has the lock."""
        try:
            if self._mutex._is_owned():  # type: ignore[attr-defined]  # `RLock` has no other way to tell
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            while self._mutex._is_owned():  # type: ignore[attr-defined]  # as above
                self._mutex.release()

    def _is_alone(self) -> bool:
        """Whether no other process takes part, nor one that this one has just started."""
        if not self._takes_part:
            return False
        self._find_processes()
        return self._pids == {self._pid} and not self._has_spawned()

    def _skip(self, place: int, arrived: Callable[[], bool]) -> float:
        if wait := self._running():
            return wait
        if arrived():
            return SOON
        waiters = [waiter for waiter in self._waiters() if self._words[waiter + _STATE] == _WAITS]
        moment = min((self._words[waiter + _WAKE] for waiter in waiters), default=NEVER)
        if moment >= NEVER:
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
        """Return the real seconds until the next check of what runs, 0 where nothing does.

        Threads are checked one after the other, so one that slept may run by the time the last is seen asleep. And a
        thread that waits for the interpreter looks to the kernel as if it slept. So all threads must sleep in two
        checks, and none may have run in between, though this one has released the interpreter.
        """
        me = threading.get_native_id()
        for _ in range(2):
            self._find_processes()
            if wait := self._busy(me):
                return wait
            turns = b"".join(self._threads[pid].turns(me) for pid in self._pids if pid in self._threads)
            if turns == self._turns:
                return 0.0
            self._turns = turns
            if self._threads[self._pid].has_several():
                _real_sleep(_SETTLE)
        return _SETTLE

    def _busy(self, me: int) -> float:
        """Check every other thread; return the real seconds until the next check, 0 where all sleep."""
        pids = self._pids
        for pid in pids:
            if pid not in self._threads:
                self._threads[pid] = RunningThreads(pid)
            busy = self._threads[pid].busy(me)
            if busy is None:
                self._bury(pid)
            elif busy:
                # A main thread checks the clock itself when it is done. Others, such as those of native code, do not.
                return LATER if busy == pid else SOON
        # A busy kernel leaves it to these threads to deliver packets, which are then in flight for a moment.
        if self._starting(pids) or any(thread.packets_in_flight() for thread in self._packet_threads):
            return SOON
        return 0.0

    def _starting(self, pids: frozenset[int]) -> bool:
        """Return whether a child that has not joined yet runs."""
        if not self._has_spawned():
            return False
        passed_over = frozenset(self._words[_ALL_PASSED_OVER.start : _ALL_PASSED_OVER.stop])
        for place in _ALL_SPAWNING:
            if pid := self._words[place]:
                found = [busy for child, busy in children(pid, pids) if child not in passed_over]
                if any(found):
                    return True
                if not found:
                    self._words[place] = 0
        return False

    def _find_processes(self) -> None:
        if self._changes != self._words[_CHANGES]:
            self._changes = self._words[_CHANGES]
            self._pids = frozenset(pid for pid in self._words[_HEADER : self._words[_PROCESS_END]] if pid)

    def _has_spawned(self) -> bool:
        return self._words[_ALL_SPAWNING.start : _ALL_SPAWNING.stop].tobytes() != _NOBODY

    def _pass_over_children(self) -> None:
        """Ignore children that were started in real time and still run, such as a browser."""
        pids = frozenset(self._words[_HEADER : self._words[_PROCESS_END]])
        spawning = set(self._words[_ALL_SPAWNING.start : _ALL_SPAWNING.stop]) - {0}
        found = [child for pid in spawning for child, _ in children(pid, pids)]
        for place, child in zip_longest(_ALL_PASSED_OVER, found[:_PASSED_OVER], fillvalue=0):
            self._words[place] = child

    def spawns(self) -> None:
        """Record that this process starts another."""
        if self._pid not in self._words[_ALL_SPAWNING.start : _ALL_SPAWNING.stop]:
            with self.locked():
                free = next(place for place in _ALL_SPAWNING if not self._words[place])
                self._words[free] = self._pid

    def _bury(self, pid: int) -> None:
        """Remove a process that has ended, and its waiters."""
        for at in _ALL_PROCESSES:
            if self._words[at] == pid:
                self._words[at] = 0
        self._words[_CHANGES] += 1
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
