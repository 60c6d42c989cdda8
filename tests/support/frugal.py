"""A service that gives back what it does not use when it is asked to: ``python -m tests.support.frugal phone_agent``.

Python looks for cycles that nobody uses only when there are many, and the C library keeps what was freed. Both make the
phone service grow by 20 MB from its 20th call to its 120th, twenty at once, and from there to the 240th by less than
3 MB. Where it gives back after each crowd, what it uses is seen sooner.
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
        """The process."""

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Give its log's lines of an event."""


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
        os.write(1, f"{json.dumps({'event': _EVENT})}\n".encode())  # print must not interrupt itself

    signal.signal(signal.SIGUSR2, give_back)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run(sys.argv[1])
