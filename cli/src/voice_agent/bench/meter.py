"""Read the CPU and memory of a process from Linux, and pin a process to cores."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_UTIME: Final = 11
"""Index of utime in /proc/PID/stat after the name in brackets; stime follows (proc(5))."""


class NoMeter(Exception):
    """This system does not report the resources of a process."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The CPU that a process has used, and the resources that it holds."""

    cpu_seconds: float
    rss_bytes: int
    threads: int


def read(pid: int) -> Reading:
    """Return the current reading of a process.

    Raises:
        NoMeter: this system has no /proc.
        ProcessLookupError: the process has ended.
    """
    if not Path("/proc/self/stat").exists():
        raise NoMeter("CPU and memory of a process are read from /proc, which only Linux has")
    try:
        # A program's name may contain spaces and brackets, so the fields count from the last bracket.
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError as gone:
        raise ProcessLookupError(f"process {pid} is gone") from gone
    return parse(stat, status)


def parse(stat: list[str], status: str) -> Reading:
    """Return a reading from the fields after the name in `stat`, and from `status`."""
    ticks = int(stat[_UTIME]) + int(stat[_UTIME + 1])
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    # A process that has just ended has no VmRSS line.
    resident = int(fields["VmRSS"].split()[0]) * 1024 if "VmRSS" in fields else 0
    return Reading(ticks / _TICKS, resident, int(fields["Threads"]))


def busy_seconds(core: int) -> float:
    """Return how many seconds a core has worked since boot, including the time that the hypervisor took (steal)."""
    name = f"cpu{core}"
    for line in Path("/proc/stat").read_text().splitlines():
        label, *numbers = line.split()
        if label == name:
            # Idle, I/O wait and interrupts are not work of a process that competes for the core.
            user, nice, system, _idle, _wait, _irq, _softirq, steal, *_ = map(int, numbers)
            return (user + nice + system + steal) / _TICKS
    return 0.0


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of each side. With empty sets no process is pinned."""

    agent: frozenset[int]
    others: frozenset[int]

    @classmethod
    def available(cls) -> "Cores":
        """Return one core for the agent and the rest for other processes, if the system allows this."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(frozenset(), frozenset())
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:  # noqa: PLR2004 - one for the agent, one for the other processes
            return cls(frozenset(), frozenset())
        return cls(frozenset(cores[:1]), frozenset(cores[1:]))

    def pin(self, pid: int, cores: frozenset[int]) -> None:
        """Pin a process, and every thread that it starts from now on, to these cores."""
        if cores:
            os.sched_setaffinity(pid, cores)

    def __str__(self) -> str:
        if not self.agent:
            return "nobody is pinned to a core: the figures hold the callers' work as disturbance"
        others = ", ".join(map(str, sorted(self.others)))
        return f"the agent alone on core {min(self.agent)}, callers and model on core {others}"
