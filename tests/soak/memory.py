"""Measure the memory of a process while it works."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TEN_MINUTES = 600.0


def resident_mb(pid: int) -> tuple[float, float]:
    """Return a running process's resident memory in MB: all of it, and the part that no file on disk backs."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    whole, own = (int(status.partition(name)[2].split()[0]) / 1024 for name in ("VmRSS:", "RssAnon:"))
    return whole, own


@dataclass
class Memory:
    """Samples of one process."""

    name: str
    pid: int
    samples: list[tuple[float, float, float]] = field(default_factory=list)
    """Seconds since the start of the soak, MB, and MB that no file backs."""

    def sample(self, at: float) -> None:
        """Take a sample, if the process still runs."""
        try:
            self.samples.append((at, *resident_mb(self.pid)))
        except (OSError, IndexError):
            return

    def after(self, warm_up: float) -> list[tuple[float, float, float]]:
        """Return the samples after the process has had so many seconds to warm up."""
        begin = self.samples[0][0] + warm_up if self.samples else 0.0
        return [sample for sample in self.samples if sample[0] >= begin]

    def slope(self, warm_up: float, *, own: bool = False) -> float | None:
        """Return MB per ten minutes, from a straight line through the samples after the warm-up; None for too few."""
        samples = np.array(self.after(warm_up))
        if len(samples) < 3:
            return None
        return float(np.polyfit(samples[:, 0], samples[:, 2 if own else 1], 1)[0]) * TEN_MINUTES
