"""Limit the process's memory use.

glibc creates a separate heap (arena) per thread, and each grows towards the largest load it has ever seen: that takes
an hour and looks like a leak. A single heap reaches its size in two minutes. glibc also keeps freed memory between
allocations in use; `malloc_trim` returns it to the system periodically.

Each conversation leaves some nine hundred objects in reference cycles, most of them Pipecat's. By default, the
interpreter lets tens of thousands accumulate and then collects them all at once while every call waits.
"""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

TIDY_SECONDS: Final = 10.0
_M_ARENA_MAX: Final = -8
"""A parameter of ``mallopt``."""


def use_one_heap() -> None:
    """Make all later threads share the main heap; does nothing with a C library without ``mallopt``.

    One thread does nearly all the work, so the threads do not contend for the heap's lock.
    """
    wish = getattr(ctypes.CDLL(None), "mallopt", None)
    if wish is not None:
        wish(_M_ARENA_MAX, 1)


@asynccontextmanager
async def tidying(seconds: float = TIDY_SECONDS) -> AsyncIterator[None]:
    """Collect garbage and trim the heap periodically while the block runs.

    A collection takes a few milliseconds once `gc.freeze` has set aside the loaded modules. Trimming takes one or two
    milliseconds, in a separate thread.
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
        gc.collect()  # in this thread: finalizers may touch the event loop
        if give_back is not None:
            await asyncio.to_thread(give_back, 0)
