"""Wait for a condition, with a deadline."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

from tests.support.virtual import waits_are_skipped

_PATIENCE: Final = 6.0
"""How many times longer a deadline is in real time: beside four busy loops, two cores are a fifth as fast."""


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 5.0) -> None:
    """Check repeatedly until a condition holds.

    Args:
        condition: The condition.
        seconds: The deadline in virtual time; in real time it is longer, since only a failing test waits for it.

    Raises:
        TimeoutError: it did not hold in time.
    """
    async with asyncio.timeout(seconds if waits_are_skipped() else _PATIENCE * seconds):
        while True:
            holds = condition()
            if await holds if inspect.isawaitable(holds) else holds:
                return
            await asyncio.sleep(0.01)
