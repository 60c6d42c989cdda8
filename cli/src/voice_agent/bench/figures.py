"""Compute the figures of the table from trials. Pure."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from voice_agent.bench.trial import Trial

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a quantity for both agents, and the ratio of ours to the stock agent's."""

    name: str
    stock: str
    ours: str
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Words:
    """What the table calls its figures."""

    call: str
    caller: str
    clear: str
    """What shows the caller that the agent has stopped."""
    request: str
    """What `CallTimes.webhook` measures."""
    remark: str = ""
    """Ends the sentence about what the delays contain."""


CALLS: Final = Words("call", "caller", "clear", "webhook", "; ours include packets of 40 ms")
VISITS: Final = Words("visit", "visitor", "silence", "start and offer")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile, for a share from 0 to 1; NaN if there are no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_ratio(stock: Sequence[Trial], ours: Sequence[Trial], of: Callable[[Trial], float]) -> float | None:
    """Return the median of the ratios of each round."""
    # The machine's speed drifts between rounds: the agents are comparable only within one.
    ratios = [of(mine) / of(theirs) for theirs, mine in zip(stock, ours, strict=True) if of(theirs)]
    return statistics.median(ratios) if ratios else None


def rows(stock: Sequence[Trial], ours: Sequence[Trial], words: Words = CALLS) -> list[Row]:
    """Return the rows of the table."""

    def middle(name: str, of: Callable[[Trial], float], form: str) -> Row:
        theirs, mine = (format(statistics.median(map(of, trials)), form) for trials in (stock, ours))
        return Row(name, theirs, mine, median_ratio(stock, ours, of))

    def delay(name: str, of: Callable[[Trial], list[float]]) -> Row:
        # The delays of all rounds together: one round has too few for a 99th percentile.
        theirs, mine = ([value for trial in trials for value in of(trial)] for trials in (stock, ours))
        # On a fast machine a delay can round to nothing, and a ratio to nothing has no meaning.
        before = percentile(theirs, 0.5)
        return Row(name, _delays(theirs), _delays(mine), percentile(mine, 0.5) / before if before > 0 else None)

    return [
        middle(f"CPU s per {words.call}-minute", lambda trial: trial.cpu_per_call_minute, ".2f"),
        middle("share of one core", lambda trial: trial.core_share, ".0%"),
        delay(f"{words.caller} → model, ms, median / p99", lambda trial: trial.to_model),
        delay(f"model → {words.caller}, ms, median / p99", lambda trial: trial.from_model),
        delay(f"INTERRUPTED → {words.clear}, ms, median / p99", lambda trial: trial.clear),
        delay("start → first sound, ms, median / p99", lambda trial: trial.first_audio),
        delay(f"{words.request}, ms, median / p99", lambda trial: trial.webhook),
        middle("CPU s until ready", lambda trial: trial.start_cpu, ".2f"),
        middle("memory when ready, MB", lambda trial: trial.rss_ready / _MEGABYTE, ".0f"),
        middle(f"memory after one {words.call}, MB", lambda trial: trial.rss_base / _MEGABYTE, ".0f"),
        middle(f"memory per {words.call}, MB", lambda trial: trial.rss_per_call / _MEGABYTE, ".2f"),
        middle("threads", lambda trial: trial.threads, ".0f"),
    ]


def _delays(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    return f"{percentile(seconds, 0.5) * 1000:.1f} / {percentile(seconds, 0.99) * 1000:.0f}"


def calls_per_core(trial: Trial) -> float:
    """Estimate how many calls saturate one core, from the CPU that the trial's calls used."""
    return 60 / trial.cpu_per_call_minute if trial.cpu_seconds else math.inf
