"""What a process has used, as Linux counts it, and which core it may use."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_UTIME: Final = 11
"""Index of utime in /proc/PID/stat behind the name in brackets; stime follows (proc(5))."""


class NoMeter(Exception):
    """This system does not say what a process uses."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process has used and holds."""

    cpu_seconds: float
    rss_bytes: int
    threads: int


def read(pid: int) -> Reading:
    """Read the meter of a process.

    Raises:
        NoMeter: there is no /proc.
        ProcessLookupError: the process is gone.
    """
    if not Path("/proc/self/stat").exists():
        raise NoMeter("CPU and memory of a process are read from /proc, which only Linux has")
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError as gone:
        raise ProcessLookupError(f"process {pid} is gone") from gone
    return parse(stat, status)


def parse(stat: list[str], status: str) -> Reading:
    """Make a reading of the fields behind the name in `stat`, and of `status`."""
    ticks = int(stat[_UTIME]) + int(stat[_UTIME + 1])
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    resident = int(fields["VmRSS"].split()[0]) * 1024 if "VmRSS" in fields else 0
    return Reading(ticks / _TICKS, resident, int(fields["Threads"]))


def busy_seconds(core: int) -> float:
    """Tell how long a core has worked for anybody, or was taken away by the machine below, since the system started."""
    name = f"cpu{core}"
    for line in Path("/proc/stat").read_text().splitlines():
        label, *numbers = line.split()
        if label == name:
            user, nice, system, _idle, _wait, _irq, _softirq, steal, *_ = map(int, numbers)
            return (user + nice + system + steal) / _TICKS
    return 0.0


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where. Empty sets: nobody is pinned."""

    agent: frozenset[int]
    others: frozenset[int]

    @classmethod
    def available(cls) -> "Cores":
        """Give the agent one core and everybody else the rest, where that can be had."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(frozenset(), frozenset())
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:  # noqa: PLR2004 - one for the agent, one for everybody else
            return cls(frozenset(), frozenset())
        return cls(frozenset(cores[:1]), frozenset(cores[1:]))

    def pin(self, pid: int, cores: frozenset[int]) -> None:
        """Keep a process, and every thread it starts from now on, on these cores."""
        if cores:
            os.sched_setaffinity(pid, cores)

    def __str__(self) -> str:
        if not self.agent:
            return "nobody is pinned to a core: the figures hold the callers' work as disturbance"
        others = ", ".join(map(str, sorted(self.others)))
        return f"the agent alone on core {min(self.agent)}, callers and model on core {others}"
