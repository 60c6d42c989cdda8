"""Write the numbers at an interval, for as long as the service runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from agent_core.observability.emf import Document
from agent_core.observability.meter import Meter

FAST_SECONDS: Final = 10
"""Period of the fast gauges: the shortest that an alarm of CloudWatch's can have."""


@asynccontextmanager
async def reporting(meter: Meter, every: float, write: Callable[[Document], None]) -> AsyncIterator[None]:
    """Report for the length of a block, and once more at its end: the last minute of a task counts too.

    Args:
        meter: Holds the numbers.
        every: Seconds.
        write: Takes each document; must not wait.
    """
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
    """The middles of the clock's periods of ten seconds, each at most once.

    A sum over all tasks is right only if each has exactly one value in every period. So the times are the clock's own,
    the middle leaves seconds to whatever is late, and there is no value at the start or at the end of a task.

    Args:
        now: Unix seconds.
    """

    def __init__(self, now: float) -> None:
        self._period = round(now / FAST_SECONDS)

    def wait(self, now: float) -> float:
        """Return the seconds to the next one."""
        return max(0.0, (self._period + 0.5) * FAST_SECONDS - now)

    def done(self, now: float) -> None:
        """Go on to the next; a period in which there was a value, if late, has no other."""
        self._period = max(self._period, int(now // FAST_SECONDS)) + 1


async def _report_fast(meter: Meter, write: Callable[[Document], None]) -> None:
    beat = Beat(meter.now)
    while True:
        await asyncio.sleep(beat.wait(meter.now))
        for document in meter.fast_documents():
            write(document)
        beat.done(meter.now)
