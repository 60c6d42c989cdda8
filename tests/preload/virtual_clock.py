"""Move a process to the clock that it shares with the other processes of a test, see ``shared_clock.py``.

Every Python that the tests start imports this (see ``sitecustomize.py``). Where ``VIRTUAL_CLOCK`` names a file, the
process joins that clock: ``time.monotonic`` and ``time.time`` read it, and event loops and ``time.sleep`` wait by it.

What it cannot skip: waits inside native code (a browser, SIPp, a container), and anything without Linux's ``/proc``.
Such tests are marked ``real_time``, and the clock then runs at the machine's speed.
"""

import importlib
import os
import select
import selectors
import socket
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

# In the same folder.
from shared_clock import DUST, LATER, NEVER, SOON, STEP, SharedClock  # type: ignore[import-not-found]

VARIABLE: Final = "VIRTUAL_CLOCK"

_real_clock_info = time.get_clock_info
real_monotonic = time.monotonic_ns
"""The original function, from before this process joined a clock."""
_EPOLL_STEP: Final = 0.001
"""Resolution of epoll in real seconds; ``select`` is finer."""
_MOST_DESCRIPTORS: Final = 1_024
"""The limit of ``select``."""
_LATEST: Final = {SOON: 0.004, LATER: 0.032}
"""Most real seconds until the next check; the delay grows with each check, as few threads run for long.

A loop that has just become idle checks at once, so others need to check often only for threads that never do.
"""

shared: "SharedClock | None" = None
"""The clock of this process."""


class SharedClockSelector(selectors.EpollSelector):
    """Waits by the shared clock."""

    clock: SharedClock

    def __init__(self) -> None:
        super().__init__()
        self._place, self._woken = self.clock.enter()
        self.register(self._woken, selectors.EVENT_READ)
        self._owner = os.getpid()
        self._arrived: list[tuple[selectors.SelectorKey, int]] = []

    def close(self) -> None:
        """Unregister, and close."""
        super().close()
        if self._owner == os.getpid():
            self.clock.leave(self._place)
        self._woken.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait until something is ready, or until a moment of the shared clock."""
        clock = self.clock
        if (ready := self._ready(0)) or (timeout is not None and timeout <= 0):
            clock.look()
            return ready
        until = NEVER if timeout is None else _step_after(clock.monotonic_ns(), timeout)
        try:
            looks = 0
            while True:
                clock.wait(self._place, until)
                pause = self._pause(until)
                if self._arrived:
                    return self._taken()
                if clock.monotonic_ns() >= until:
                    # After this waiter has moved the clock, nothing has run since it looked for what has arrived.
                    return self._ready(0) if pause else []
                if pause in _LATEST:
                    pause = min(pause * 2**looks, _LATEST[pause])
                    looks = min(looks + 1, 8)
                if ready := self._ready(pause):
                    return ready
        finally:
            clock.run(self._place)

    def _pause(self, until: int) -> float:
        """Skip the wait if everything waits, or return the real seconds until the next check."""
        clock = self.clock
        if not clock.virtual:
            left: float = (until - clock.monotonic_ns()) / 1e9
            return min(1.0, max(0.0, left))
        if "awscrt" in sys.modules:
            _release_native_sockets()
        pause: float = clock.skip(self._place, self._has_arrived)
        return pause

    def _has_arrived(self) -> bool:
        self._arrived = self._ready(0)
        return bool(self._arrived)

    def _taken(self) -> list[tuple[selectors.SelectorKey, int]]:
        arrived, self._arrived = self._arrived, []
        return arrived

    def _ready(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        if 0 < timeout < _EPOLL_STEP and self.fileno() < _MOST_DESCRIPTORS:
            # This thread must wait here only: what arrives has to make it ready at once, or the clock would skip the
            # event.
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        ready = super().select(timeout)
        if any(key.fileobj is self._woken for key, _ in ready):
            with suppress(BlockingIOError):
                while self._woken.recv(16):
                    pass
            ready = [one for one in ready if one[0].fileobj is not self._woken]
        return ready


def _step_after(now: int, seconds: float) -> int:
    """Return the first whole step that is so much later, apart from rounding errors of floats."""
    steps: int = max(now // STEP + 1, -((DUST - now - round(seconds * 1e9)) // STEP))
    return steps * int(STEP)


def _send_at_once(stream: socket.socket) -> None:
    if stream.family in (socket.AF_INET, socket.AF_INET6) and stream.type == socket.SOCK_STREAM:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


_released: dict[str, int] = {}
"""The descriptors of this process that have been checked, each with its inode."""
_RELEASE_AGAIN: Final = 100_000_000
"""Real nanoseconds after which all are checked again, though their number has not changed."""
_last_release = (0, 0)
"""The number of descriptors at the last check, and its time."""


def _release_native_sockets() -> None:
    """Do the same for sockets of native code: those of the AWS SDK delay a TLS handshake, too."""
    global _last_release  # noqa: PLW0603 - of this process, as the descriptors are
    count, now = os.stat("/proc/self/fd").st_size, real_monotonic()  # noqa: PTH116 - before each wait; 0 before Linux 6.2
    if count and count == _last_release[0] and now - _last_release[1] < _RELEASE_AGAIN:
        return
    _last_release = count, now
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the same
        try:
            status = os.fstat(int(name))
            if _released.get(name) == status.st_ino:
                continue
            _released[name] = status.st_ino
            if stat.S_ISSOCK(status.st_mode):
                with socket.socket(fileno=os.dup(int(name))) as stream:
                    _send_at_once(stream)
        except OSError:  # closed meanwhile
            continue


def _clock_info(name: Any) -> Any:  # noqa: ANN401 - the standard library's names and namespace
    """Replace ``time.get_clock_info``: event loops run a timer that is at most this much early."""
    info = _real_clock_info(name)
    if name == "monotonic":
        info.resolution = 2 * DUST / 1e9
    return info


def join(path: str, *, always: bool = False) -> SharedClock | None:
    """Move this process to the clock of a file.

    Args:
        path: The file; it is created if it is missing.
        always: Also while the clock runs at the machine's speed; otherwise the process then remains unchanged.

    Returns:
        The clock, or None if the process remains unchanged.
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
    selectors.DefaultSelector = SharedClockSelector  # type: ignore[misc, assignment]  # what asyncio and time.sleep wait with
    # uvloop waits in libuv, by its own clock; the product uses only what asyncio has as well.
    sys.modules["uvloop"] = importlib.import_module("asyncio")
    # Set TCP_NODELAY as uvloop does, also on sockets that were made without naming TCP, which asyncio omits. Otherwise
    # the kernel holds a packet until an earlier one is acknowledged: 40 ms in which nothing seems to run.
    vars(importlib.import_module("asyncio.base_events"))["_set_nodelay"] = _send_at_once
    return clock
