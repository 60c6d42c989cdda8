"""Write the metrics at an interval while the service runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from agent_core.observability.emf import Document
from agent_core.observability.meter import Meter

FAST_SECONDS: Final = 10
"""Period of the fast gauges: the shortest that a CloudWatch alarm can have."""


@asynccontextmanager
async def reporting(meter: Meter, every: float, write: Callable[[Document], None]) -> AsyncIterator[None]:
    """Report while the block runs, and once more at its end: a task's last minute counts too.

    Args:
        meter: Holds the numbers.
        every: Seconds.
        write: Receives each document; must not block.
    """
    # Two tasks, because the fast gauges follow the wall clock and the others do not.
    tasks = [asyncio.create_task(_report(meter, every, write)), asyncio.create_task(_report_fast(meter, write))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        _write(meter, write)


async def _report(meter: Meter, every: float, write: Callable[[Document], None]) -> None:
    while True:
        _write(meter, write)
        await asyncio.sleep(every)


def _write(meter: Meter, write: Callable[[Document], None]) -> None:
    for document in meter.documents():
        write(document)


class Beat:
    """Schedules one value per ten-second period of the wall clock, in its middle.

    A sum over all tasks is correct only if each has exactly one value in every period. The times are therefore the wall
    clock's, the middle leaves seconds for delays, and there is no value at the start or at the end of a task.

    Args:
        now: Unix seconds.
    """

    def __init__(self, now: float) -> None:
        self._period = round(now / FAST_SECONDS)

    def wait(self, now: float) -> float:
        """Return the seconds until the next one."""
        return max(0.0, (self._period + 0.5) * FAST_SECONDS - now)

    def done(self, now: float) -> None:
        """Advance to the next period; one that got its value late gets no other."""
        self._period = max(self._period, int(now // FAST_SECONDS)) + 1


async def _report_fast(meter: Meter, write: Callable[[Document], None]) -> None:
    beat = Beat(meter.now)
    while True:
        await asyncio.sleep(beat.wait(meter.now))
        for document in meter.fast_documents():
            write(document)
        beat.done(meter.now)
