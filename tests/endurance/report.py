"""Compare what visitors heard next to an abusive visitor with what they heard without it. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

GAP_SECONDS = 0.2
"""A pause in the agent's audio that a person notices; packets arrive every 20 ms."""
MOST_MORE = 1.0
"""Most additional gaps per visitor and minute next to the abuser; chance adds some to both sides."""
SLOPE_MB = 1.0
"""Most that the service's memory may grow in ten minutes."""
SLOPE_SECONDS = 540.0
"""Shortest time for a slope: a line through less shows the allocator, not a leak."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of time, with or without the abuser."""

    begin: float
    end: float
    abused: bool


def gaps(
    arrivals: Sequence[float], stalls: Sequence[tuple[float, float]], slices: Iterable[Slice]
) -> dict[bool, list[float]]:
    """Return the gaps in one visitor's audio, in seconds, by whether the abuser was there.

    Args:
        arrivals: When packets arrived.
        stalls: When the listener itself stood still: the service did not cause these delays.
        slices: When the abuser was there.
    """
    found: dict[bool, list[float]] = {True: [], False: []}
    pauses = [(a, b) for a, b in pairwise(arrivals) if b - a > GAP_SECONDS]
    for begin, end in pauses:
        still = sum(max(0.0, min(end, to) - max(begin, since)) for since, to in stalls)
        if end - begin - still <= GAP_SECONDS:
            continue
        for one in slices:
            if one.begin <= begin < one.end:
                found[one.abused].append(end - begin)
    return found


@dataclass
class Report:
    """The figures of one run."""

    visitors: int
    minutes: dict[bool, float]
    """Minutes with the abuser (True), and without."""
    gaps: dict[bool, list[float]]
    """Gaps of all visitors."""
    lags_ms: dict[bool, list[float]]
    """Delays of the service's event loop: the worst of each second."""
    stalled_seconds: float
    """How long the listener stood still."""
    memory: tuple[float, float]
    """MB at the beginning and at the end."""
    slope: float | None
    """MB per ten minutes."""
    watched_seconds: float
    answers: int
    ended: dict[str, int]
    unbalanced: list[str] = field(default_factory=list)

    def rate(self, *, abused: bool) -> float:
        """Return the gaps per minute of one visitor."""
        return len(self.gaps[abused]) / max(1e-9, self.minutes[abused] * self.visitors)

    @property
    def failures(self) -> list[str]:
        """Return every broken promise, as text."""
        found = list(self.unbalanced)
        with_it, without = self.rate(abused=True), self.rate(abused=False)
        if with_it > without + MOST_MORE:
            found.append(f"{with_it:.2f} gaps a minute next to the abuser, {without:.2f} without")
        if self.slope is not None and self.watched_seconds >= SLOPE_SECONDS and self.slope >= SLOPE_MB:
            found.append(f"the service grows by {self.slope:.2f} MB in ten minutes")
        return found

    def __str__(self) -> str:
        """Return the report as text for a person."""
        slope = "too short for a line" if self.slope is None else f"{self.slope:+.2f} MB in ten minutes"
        rows = [
            ("visitors", f"{self.visitors}, {self.answers} answers, ends {self.ended}"),
            *(
                (name, self._heard(abused=abused))
                for name, abused in (("without", False), ("next to the abuser", True))
            ),
            ("listener", f"stood still for {self.stalled_seconds:.1f} s, which are left out"),
            ("memory", f"{self.memory[0]:.1f} → {self.memory[1]:.1f} MB, {slope} over {self.watched_seconds:.0f} s"),
        ]
        verdict = "held" if not self.failures else "did not hold: " + "; ".join(self.failures)
        return "\n".join([f"  {name:<20} {what}" for name, what in rows] + ["", f"  The run {verdict}."])

    def _heard(self, *, abused: bool) -> str:
        lags = sorted(self.lags_ms[abused]) or [0.0]
        longest = max(self.gaps[abused], default=0.0)
        return (
            f"{self.minutes[abused]:.1f} min: {len(self.gaps[abused])} gaps above {GAP_SECONDS * 1000:.0f} ms "
            f"({self.rate(abused=abused):.2f} a visitor's minute), longest {longest * 1000:.0f} ms; "
            f"event loop late by {lags[len(lags) // 2]:.0f} ms (median), {lags[-1]:.0f} ms (worst)"
        )
