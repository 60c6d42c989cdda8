"""What a soak has found, and whether it passed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

AVAILABILITY = 0.999
"""Share of the calls without a fault that must end well."""
SLOPE_MB = 1.0
"""Most that a process may grow in ten minutes."""
SLOPE_SECONDS = 540.0
"""Shortest time for a slope: a line through less shows the allocator, not a leak."""
JUDGED_MINUTES = 20.0
"""A soak of at least this length must have watched the memory of some task for long enough."""


@dataclass
class Report:
    """The figures. `unbalanced` lists the books that do not balance, each with the reason."""

    minutes: float
    calls: int
    turns: int
    clean_calls: int
    clean_problems: Mapping[str, int]
    touched_calls: int
    touched_problems: Mapping[str, int]
    chosen: int
    """Calls for which a fault was set up at the beginning."""
    struck: Mapping[str, int]
    """Faults that did occur, by kind."""
    streams: int
    reasons: Mapping[str, int]
    slopes: Mapping[str, float | None]
    """MB per ten minutes, by task."""
    own_slopes: Mapping[str, float | None]
    """The same without pages of files, which the kernel loads and drops at any time."""
    sizes: Mapping[str, tuple[float, float]]
    """MB after the warm-up and at the end, by task."""
    watched_seconds: Mapping[str, float]
    unbalanced: list[str] = field(default_factory=list)

    @property
    def availability(self) -> float:
        """Share of the calls without a fault that ended well."""
        return 1 - sum(self.clean_problems.values()) / max(1, self.clean_calls)

    @property
    def failures(self) -> list[str]:
        """Return every broken promise, as text."""
        found = list(self.unbalanced)
        if self.clean_calls == 0:
            found.append("no call without a fault was made")
        if self.availability < AVAILABILITY:
            found.append(f"{self.availability:.3%} of the calls without a fault ended well, not {AVAILABILITY:.1%}")
        for name, slope in self.slopes.items():
            if slope is not None and self.watched_seconds[name] >= SLOPE_SECONDS and slope >= SLOPE_MB:
                found.append(f"{name} grows by {slope:.2f} MB in ten minutes")
        judged = [seconds for seconds in self.watched_seconds.values() if seconds >= SLOPE_SECONDS]
        if self.minutes >= JUDGED_MINUTES and not judged:
            found.append("the memory of no task was watched for long enough")
        if self.chosen and not self.struck:
            found.append("no fault did strike")
        return found

    def as_json(self) -> dict[str, object]:
        """Return all figures, for a file."""
        return asdict(self) | {"availability": self.availability, "failures": self.failures}

    def __str__(self) -> str:
        """Return the report as text for a person."""
        rows = [
            ("calls", f"{self.calls} in {self.minutes:.1f} minutes, {self.turns} answers, {self.streams} streams"),
            (
                "without a fault",
                f"{self.clean_calls}, {self.availability:.3%} ended well{_listed(self.clean_problems)}",
            ),
            ("with a fault", f"{self.touched_calls}{_listed(self.touched_problems, ' of them ended badly: ')}"),
            ("faults", f"{self.chosen} set up; struck: {_listed(self.struck, '') or 'none'}"),
            ("ends", _listed(self.reasons, "")),
            *((f"memory {name}", self._memory(name)) for name in self.sizes),
            ("books", "all balanced" if not self.unbalanced else "; ".join(self.unbalanced)),
        ]
        verdict = "held" if not self.failures else "did not hold: " + "; ".join(self.failures)
        return "\n".join([f"  {name:<20} {what}" for name, what in rows] + ["", f"  The soak {verdict}."])

    def _memory(self, name: str) -> str:
        slope = self.slopes[name]
        first, last = self.sizes[name]
        own = self.own_slopes[name]
        line = "too short for a line"
        if slope is not None and own is not None:
            line = f"{slope:+.2f} MB in ten minutes ({own:+.2f} without pages of files)"
        return f"{first:.1f} → {last:.1f} MB, {line} over {self.watched_seconds[name]:.0f} s"


def _listed(counts: Mapping[str, int], before: str = ", not: ") -> str:
    listed = ", ".join(f"{count} {name}" for name, count in Counter(counts).most_common())
    return f"{before}{listed}" if listed else ""
