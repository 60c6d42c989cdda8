"""A service that frees unused memory on request: ``python -m tests.support.frugal phone_agent``.

Python collects cycles only when there are many, and the C library keeps freed memory. Both make the phone service grow
by 20 MB from its 20th call to its 120th, twenty at once, and from there to the 240th by less than 3 MB. If it frees
memory after each crowd, a test sees its real use sooner.
"""

import asyncio
import ctypes
import gc
import json
import os
import runpy
import signal
import sys
from typing import Any, Final, Protocol

from tests.support.costs import Held
from tests.support.waiting import until
from tests.support.warm import WarmProcess

_EVENT: Final = "memory_given_back"


class Frugal(Protocol):
    """A service that runs this way."""

    @property
    def process(self) -> asyncio.subprocess.Process | WarmProcess:
        """Return the process."""

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return its log's lines of an event."""


async def used_mb(service: Frugal) -> float:
    """Measure the memory that a service uses."""
    before = len(service.lines(_EVENT))
    service.process.send_signal(signal.SIGUSR2)
    await until(lambda: len(service.lines(_EVENT)) > before)
    return Held.by(service.process.pid).kilobytes / 1000


def _run(name: str) -> None:
    libc = ctypes.CDLL(None)

    def give_back(*_: object) -> None:
        gc.collect()
        libc.malloc_trim(0)
        os.write(1, f"{json.dumps({'event': _EVENT})}\n".encode())  # print is not reentrant

    signal.signal(signal.SIGUSR2, give_back)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run(sys.argv[1])
