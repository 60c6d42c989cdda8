"""Measure whether this task's event loop keeps up, and reject new conversations while it is late.

A loop that wakes up late sends audio late, to every caller of the task. A task whose loop stays late therefore admits
no new conversation until it has recovered: the load balancer and the phone service direct callers to other tasks.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

log = structlog.get_logger()

_LOOK_SECONDS: Final = 0.05
"""Short, because most 100 ms blocks of the loop would fall between two longer sleeps."""
_LOOKS: Final = 20
"""The worst of so many sleeps, about one second, is one value."""

LAST: Final = 5
LATE_OF_LAST: Final = 3
"""So many late seconds of the last five are not a single pause, such as a garbage collection."""
CALM: Final = 5
"""Consecutive seconds below half the limit after which the loop has recovered."""
LONGEST: Final = 60
"""Seconds after which a task admits conversations again, late or not. If all tasks are late, rejecting does not help.
"""
PAUSE: Final = 30
"""Seconds after that during which it does not reject again."""


class LagGuard:
    """Decides from the lag of each second whether the loop is too late for another conversation.

    Args:
        limit_ms: Lag that callers hear; 0 disables the guard.
    """

    def __init__(self, limit_ms: float) -> None:
        self._limit = limit_ms
        self._last: deque[bool] = deque(maxlen=LAST)
        self._refused = 0
        self._calm = 0
        self._pause = 0
        self.is_late = False

    def saw(self, worst_ms: float) -> None:
        """Record the worst lag of one more second."""
        if not self._limit:
            return
        if self.is_late:
            # Two thresholds, so that a lag near the limit does not switch the state back and forth.
            self._while_late(worst_ms)
            return
        self._last.append(worst_ms > self._limit)
        self._pause = max(0, self._pause - 1)
        if sum(self._last) >= LATE_OF_LAST and not self._pause:
            log.warning("loop_late", lag_ms=round(worst_ms))
            self.is_late, self._refused, self._calm = True, 0, 0

    def _while_late(self, worst_ms: float) -> None:
        self._refused += 1
        self._calm = self._calm + 1 if worst_ms < self._limit / 2 else 0
        recovered = self._calm >= CALM
        if recovered or self._refused >= LONGEST:
            log.info("loop_recovered" if recovered else "loop_stays_late", seconds=self._refused)
            self.is_late = False
            self._last.clear()
            self._pause = 0 if recovered else PAUSE


@asynccontextmanager
async def watching_loop(*saw: Callable[[float], None]) -> AsyncIterator[None]:
    """Measure how late sleeps end while the block runs: the worst of each second, in milliseconds.

    Args:
        saw: Each is called with every value.
    """
    watching = asyncio.create_task(_watch(saw), name="loop-lag")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _watch(saw: tuple[Callable[[float], None], ...]) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        worst = 0.0
        for _ in range(_LOOKS):
            due = clock() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            worst = max(worst, clock() - due)
        for one in saw:
            one(worst * 1000)
