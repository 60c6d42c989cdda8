"""Run many inputs through one target, and report wrong errors, slow answers and memory that is not freed."""

import ctypes
import gc
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzzing.coverage import Coverage
from tests.fuzzing.mutation import MAX_CASE, Mutator
from tests.fuzzing.target import Target

MAX_SECONDS = 0.050
"""Longest processor time of this thread for one input. Other processes and threads do not count."""
MAX_BLOCKS_PER_RUN = 0.02
"""Python objects that each input may leave: a leak leaves at least one each, a cache that fills leaves fewer."""
MAX_GROWTH_MB = 16.0
"""Most that the process may grow: heap fragments vary by a few megabytes."""
_MAX_CORPUS = 500
_SLOWEST = 5
_AGAIN = 5
_WARM_UP = 0.2
"""Share of the runs after which caches are full and every line is compiled."""
_TELL_EVERY = 5.0
_LIBC = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


@dataclass(order=True)
class Slow:
    """A case and its processor time in seconds."""

    seconds: float
    case: bytes = field(compare=False)


@dataclass(frozen=True)
class Finding:
    """A case that raised an error that it should not have raised."""

    error: str
    case: bytes


@dataclass
class Report:
    """The result of one campaign."""

    target: str
    runs: int = 0
    lines: int = 0
    kept: int = 0
    seconds: float = 0.0
    slowest: list[Slow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    blocks: int = 0
    growth_mb: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Return the target's faults; empty if it passed."""
        faults = [f"{finding.error} after {finding.case[:300]!r}" for finding in self.findings]
        faults += [
            f"{slow.seconds * 1000:.1f} ms for {slow.case[:300]!r}"
            for slow in self.slowest
            if slow.seconds > MAX_SECONDS
        ]
        if self.blocks > max(2000, self.runs * MAX_BLOCKS_PER_RUN):
            faults.append(f"{self.blocks} objects stayed")
        if self.growth_mb > MAX_GROWTH_MB:
            faults.append(f"grew by {self.growth_mb:.1f} MB")
        return faults

    def __str__(self) -> str:
        slowest = max(self.slowest).seconds * 1000 if self.slowest else 0.0
        return (
            f"{self.target:<16} {self.runs:>9,} inputs in {self.seconds:>6.0f} s   {self.lines:>5} lines"
            f"   slowest {slowest:>6.2f} ms   {self.blocks:>+6} objects  {self.growth_mb:>+6.1f} MB"
            f"   {len(self.findings)} findings"
        )


class Campaign:
    """Runs cases through a target: first each seed, then mutations of those that reached new lines."""

    def __init__(
        self, target: Target, *, runs: int, seed: int = 1, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._target = target
        self._mutator = Mutator(seed)
        self._tell = tell
        self._corpus = list(target.seeds)
        self._report = Report(target.name, runs)

    def run(self) -> Report:
        """Run all cases and return the report."""
        report, began = self._report, time.monotonic()
        warm = max(1, int(report.runs * _WARM_UP))
        with Coverage(self._target.folders) as coverage:
            for seed in self._target.seeds:
                self._one(seed, coverage)
            self._some(range(warm), coverage)
            blocks, resident = _held()
            kept = sum(map(len, self._corpus))
            self._some(range(warm, report.runs), coverage)
            blocks_now, resident_now = _held()
            corpus = (sum(map(len, self._corpus)) - kept) / 2**20
            report.blocks, report.growth_mb = blocks_now - blocks, resident_now - resident - corpus
            report.lines, report.kept = coverage.lines, len(self._corpus)
        report.slowest = sorted(map(self._again, report.slowest), reverse=True)
        report.seconds = time.monotonic() - began
        return report

    def _some(self, numbers: Iterable[int], coverage: Coverage) -> None:
        reported_at = time.monotonic()
        for number in numbers:
            self._one(self._target.vary(self._mutator.pick(self._corpus), self._mutator), coverage)
            if number % 256 == 0 and time.monotonic() - reported_at > _TELL_EVERY:
                reported_at = time.monotonic()
                self._tell(f"{self._target.name}: {number:,} of {self._report.runs:,}, {coverage.lines} lines")

    def _one(self, case: bytes, coverage: Coverage) -> None:
        before = time.thread_time()
        try:
            self._target.run(case)
        except Exception as error:  # noqa: BLE001 - the campaign looks for every error that escapes
            self._note(Finding(f"{type(error).__name__}: {error}", case))
        self._time(Slow(time.thread_time() - before, case))
        if coverage.is_new() and len(self._corpus) < _MAX_CORPUS and len(case) < MAX_CASE:
            self._corpus.append(case)

    def _note(self, finding: Finding) -> None:
        """Keep the first finding of each kind."""
        if (
            all(finding.error != known.error for known in self._report.findings[:50])
            and len(self._report.findings) < 50
        ):
            self._report.findings.append(finding)

    def _time(self, slow: Slow) -> None:
        slowest = self._report.slowest
        if len(slowest) < _SLOWEST or slow > slowest[0]:
            slowest.append(slow)
            slowest.sort()
            del slowest[:-_SLOWEST]

    def _again(self, slow: Slow) -> Slow:
        """Measure a slow case again: the best of several runs is the case's own time, the rest was the machine's."""
        best = slow.seconds
        for _ in range(_AGAIN):
            before = time.thread_time()
            with suppress(Exception):  # recorded before
                self._target.run(slow.case)
            best = min(best, time.thread_time() - before)
        return Slow(best, slow.case)


def _held() -> tuple[int, float]:
    """Count the Python objects and the megabytes that this process uses."""
    gc.collect()
    if _LIBC is not None:
        _LIBC.malloc_trim(0)  # returns freed memory to the system, so that only memory in use counts
    return sys.getallocatedblocks(), _resident_mb()


def _resident_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux: only the peak is available
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return pages * resource.getpagesize() / 2**20
