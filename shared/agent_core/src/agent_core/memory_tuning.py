"""Use no more of the machine's memory than is needed.

The C library gives each thread a heap of its own, and each grows towards the largest crowd that it has ever seen: that
takes an hour, and looks like a leak. One heap for all reaches its size in two minutes. It also keeps what was freed
wherever that lies between what is still used; now and then it is told to give it back.

Each conversation leaves some nine hundred objects that refer to each other, most of them Pipecat's. The interpreter
would let tens of thousands of them pile up, and then clear them away at once while all calls wait.
"""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

TIDY_SECONDS: Final = 10.0
_M_ARENA_MAX: Final = -8
"""Of ``mallopt``."""


def use_one_heap() -> None:
    """Have all threads that come share the first one's heap; with a C library that knows no such wish, do nothing.

    One thread does nearly all the work, so that none waits for another's lock.
    """
    wish = getattr(ctypes.CDLL(None), "mallopt", None)
    if wish is not None:
        wish(_M_ARENA_MAX, 1)


@asynccontextmanager
async def tidying(seconds: float = TIDY_SECONDS) -> AsyncIterator[None]:
    """Do it now and then for the length of a block.

    Collecting takes a few milliseconds where `gc.freeze` has set aside what was loaded before. What the C library
    gives back, if it can, takes one or two, in a thread of its own.
    """
    task = asyncio.create_task(_tidy(seconds), name="tidying")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _tidy(seconds: float) -> None:
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while True:
        await asyncio.sleep(seconds)
        gc.collect()  # in this thread: what ends with it may belong to the event loop
        if give_back is not None:
            await asyncio.to_thread(give_back, 0)
