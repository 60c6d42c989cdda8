"""Tell the numbers at an interval, for as long as the service runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from agent_core.observability.emf import Document
from agent_core.observability.meter import Meter
from agent_core.observability.metrics import LOOP_LAG

_LOOK_SECONDS: Final = 0.05
"""Short, or most of what blocks the loop for a tenth of a second would fall between two looks."""
_LOOKS: Final = 20
"""The worst of so many is one value of the metric."""


@asynccontextmanager
async def reporting(meter: Meter, every: float, write: Callable[[Document], None]) -> AsyncIterator[None]:
    """Report for the length of a block, and once more at its end: the last minute of a task counts too.

    Args:
        meter: Holds the numbers.
        every: Seconds.
        write: Takes each document; must not wait.
    """
    tasks = [asyncio.create_task(_report(meter, every, write)), asyncio.create_task(_watch_loop(meter))]
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


async def _watch_loop(meter: Meter) -> None:
    """Measure how late a sleep ends, at worst in each second: whatever blocks the loop blocks every caller's sound."""
    clock = asyncio.get_running_loop().time
    while True:
        worst = 0.0
        for _ in range(_LOOKS):
            due = clock() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            worst = max(worst, clock() - due)
        meter.observe(LOOP_LAG, worst * 1000)
