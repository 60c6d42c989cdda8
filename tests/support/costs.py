"""Measure what a process holds and has used, and what one of many connections adds to it."""

import os
import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE_KB: Final = resource.getpagesize() / 1024


@dataclass(frozen=True, slots=True)
class Held:
    """Of one process: kilobytes in memory, open files and sockets, milliseconds of processor time."""

    kilobytes: float
    sockets: int
    processor_ms: float

    @classmethod
    def by(cls, pid: int) -> "Held":
        """Measure a process."""
        proc = Path("/proc") / str(pid)
        used = (proc / "stat").read_text().rpartition(")")[2].split()
        return cls(
            kilobytes=int((proc / "statm").read_text().split()[1]) * _PAGE_KB,
            sockets=len(list((proc / "fd").iterdir())),
            processor_ms=(int(used[11]) + int(used[12])) * 1000 / _TICKS,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one more connection, at most or as measured."""

    kilobytes: float
    sockets: float
    processor_ms: float

    def is_within(self, bound: "Cost") -> bool:
        """Return whether each part is within a bound."""
        parts = ("kilobytes", "sockets", "processor_ms")
        return all(getattr(self, part) <= getattr(bound, part) for part in parts)

    def __str__(self) -> str:
        return f"{self.kilobytes:8.1f} KB {self.sockets:6.2f} sockets {self.processor_ms:8.2f} ms"


def allow_files(count: int) -> None:
    """Raise the limit of open files of this process and its children, where the machine allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def cost_of_one(pid: int, count: int, hold: Callable[[int], Awaitable[None]]) -> Cost:
    """Let a process hold so many connections, and return the cost of one, without what is needed only once.

    Args:
        pid: The process.
        count: How many.
        hold: Makes so many, and keeps them.
    """
    before = Held.by(pid)
    await hold(count)
    after = Held.by(pid)
    return Cost(
        (after.kilobytes - before.kilobytes) / count,
        (after.sockets - before.sockets) / count,
        (after.processor_ms - before.processor_ms) / count,
    )


BOUNDS: Final = {
    "an idle connection": Cost(kilobytes=40, sockets=1, processor_ms=5),
    "half a request": Cost(kilobytes=25, sockets=1, processor_ms=2),
    "half a request of 60 KB": Cost(kilobytes=200, sockets=1, processor_ms=2),
    "a request without end": Cost(kilobytes=10, sockets=0.1, processor_ms=5),
    "a file of the page": Cost(kilobytes=10, sockets=0.1, processor_ms=10),
    "a request above the budget": Cost(kilobytes=10, sockets=1, processor_ms=5),
    "an answer that is not read": Cost(kilobytes=200, sockets=2, processor_ms=25),
    "a forged webhook of 64 KB": Cost(kilobytes=10, sockets=0.1, processor_ms=5),
    "a forged handshake": Cost(kilobytes=10, sockets=0.1, processor_ms=5),
    "a signed socket without a ticket": Cost(kilobytes=200, sockets=1, processor_ms=10),
    "a start without an offer": Cost(kilobytes=10, sockets=0.1, processor_ms=5),
    "a start above the limit": Cost(kilobytes=10, sockets=0.1, processor_ms=5),
    "an offer of 64 KB that is none": Cost(kilobytes=40, sockets=0.1, processor_ms=10),
    "an offer without sound": Cost(kilobytes=2000, sockets=4, processor_ms=60),
}
"""The promises of SECURITY.md: about four times what was measured, because memory is allocated in chunks."""
