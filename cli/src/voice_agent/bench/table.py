"""The report of a benchmark, as text and as JSON."""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any, Final

from voice_agent.bench.capacity import FOREIGN_LIMIT, HARNESS_LIMIT, Capacity
from voice_agent.bench.figures import CALLS, Words, calls_per_core, median_ratio, rows
from voice_agent.bench.start_up import StartUp
from voice_agent.bench.trial import Load, Trial

_CAVEAT: Final = (
    "One machine, shared with whatever else runs on it: the ratios count, the figures beside them do not travel.\n"
    "This compares the agents' own work. The model is a script and the network is loopback, so delays contain neither\n"
    "a real model's thinking time (0.1 s is simulated) nor a real network{remark}."
)

_TITLES: Final = {"stock": "stock Pipecat"}


def text(load: Load, stock: Sequence[Trial], ours: Sequence[Trial], words: Words = CALLS) -> str:
    """Return the table, with what it does and does not show."""
    base, compared = stock[0].agent, ours[0].agent
    lines = [
        f"{_count(load.calls, words.call)}, {_count(len(stock), 'round')} of {load.seconds:g} s in turn; {load.cores}",
        "",
        _line("", *(_TITLES.get(name, name) for name in (base, compared)), f"{compared}/{base}"),
    ]
    lines += [
        _line(row.name, row.stock, row.ours, "" if row.ratio is None else f"{row.ratio:.2f}")
        for row in rows(stock, ours, words)
    ]
    lines += [
        "",
        f"CPU s per {words.call}-minute, round by round: {base} {_rounds(stock)}; {compared} {_rounds(ours)}",
        _estimate(stock, ours, words),
    ]
    foreign = max(trial.foreign_cpu for trial in (*stock, *ours))
    if foreign > FOREIGN_LIMIT:
        lines.append(f"Other programs used up to {foreign:.0%} of a core: run it again on an idle machine.")
    busiest = max(trial.harness_cpu for trial in (*stock, *ours))
    if busiest > HARNESS_LIMIT:
        lines.append(f"Callers and model used {busiest:.0%} of their core: part of the delay is theirs.")
    return "\n".join([*lines, "", _CAVEAT.format(remark=words.remark)])


def trouble(trials: Sequence[Trial]) -> list[str]:
    """Return why each invalid trial is invalid."""
    return [
        f"{trial.agent}, {trial.calls} calls: {reason}" for trial in trials for reason in dict.fromkeys(trial.trouble)
    ]


def capacity(found: dict[str, Capacity], words: Words = CALLS) -> str:
    """Return the result of the search as text."""
    lines = [f"{words.call.capitalize()}s that one core holds with less than 100 ms added at p99, each way:"]
    for name, outcome in found.items():
        bound = f"fails at {outcome.fails}" if outcome.fails else "not reached"
        if outcome.full_harness:
            bound = "the callers' own core was full first"
        again = f"; {outcome.disturbed} trials disturbed by others" if outcome.disturbed else ""
        lines.append(f"  {name:<6} {outcome.passes:>4}   ({bound}{again})")
    # The trials insert the stock agent first.
    (base, stock), (compared, ours) = found.items()
    if stock.passes and ours.passes:
        lines.append(f"  {compared}/{base}: {'at least ' if ours.full_harness else ''}{ours.passes / stock.passes:.1f}")
    return "\n".join(lines)


def as_json(
    load: Load, trials: Sequence[Trial], found: dict[str, Capacity], starts: Sequence[StartUp]
) -> dict[str, Any]:
    """Return all measurements, with times in seconds and memory in bytes."""
    return {
        "calls": load.calls,
        "seconds": load.seconds,
        "pinned": bool(load.cores.agent),
        "trials": [_trial(trial) for trial in trials],
        "starts": [dataclasses.asdict(one) for one in starts],
        "capacity": {name: dataclasses.asdict(outcome) for name, outcome in found.items()},
    }


def _trial(trial: Trial) -> dict[str, Any]:
    # A trial that failed before its measurement has no rates: dividing by its length would fail.
    derived = {"cpu_per_call_minute": trial.cpu_per_call_minute, "valid": trial.valid} if trial.seconds else {}
    return dataclasses.asdict(trial) | derived


def _line(name: str, *cells: str) -> str:
    return f"{name:<40}" + "".join(f"{cell:>16}" for cell in cells)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _rounds(trials: Sequence[Trial]) -> str:
    return " / ".join(f"{trial.cpu_per_call_minute:.2f}" for trial in trials)


def _estimate(stock: Sequence[Trial], ours: Sequence[Trial], words: Words) -> str:
    ratio = median_ratio(stock, ours, calls_per_core)
    theirs, mine = (statistics.median(map(calls_per_core, trials)) for trials in (stock, ours))
    times = "" if ratio is None else f"{ratio:.1f} times as many "
    return (
        f"At this rate, a core handles {times}{words.call}s: {mine:.0f} to {theirs:.0f} if it could be filled. The "
        f"cost of a {words.call} falls as {words.call}s share wake-ups; --capacity measures it."
    )
