"""How many calls one core holds, found by trying."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from voice_agent.bench.figures import percentile
from voice_agent.bench.trial import Trial

ADDED_SECONDS: Final = 0.1
"""What load may add, at the 99th percentile, to the delay that a call has on its own."""
HARNESS_LIMIT: Final = 0.85
"""Share of their core above which callers and model disturb their own clocks."""
FOREIGN_LIMIT: Final = 0.1
"""Share of a core taken by others above which a failure says nothing: the trial is made again."""
_STEP: Final = 1.4
_TRIALS: Final = 8
_CLOSE: Final = 0.08
"""The search ends when the bounds are this close."""

type TryCalls = Callable[[int], Awaitable[Trial]]


@dataclass(slots=True)
class Capacity:
    """The outcome of a search. `fails` is None when no number of calls was too many."""

    passes: int = 0
    fails: int | None = None
    full_harness: bool = False
    """The callers' core was full before the agent's: the true number is higher."""
    disturbed: int = 0
    """Trials that failed while others used the cores; they were made again."""
    trials: list[Trial] = field(default_factory=list)


def holds(trial: Trial, alone: Trial) -> bool:
    """Tell whether the agent kept up: nothing went wrong, and load added little to what one call sees."""
    return trial.valid and all(
        percentile(loaded, 0.99) - percentile(single, 0.5) < ADDED_SECONDS
        for loaded, single in ((trial.to_model, alone.to_model), (trial.from_model, alone.from_model))
    )


async def search(try_calls: TryCalls, alone: Trial, start: int) -> Capacity:
    """Find the largest number of calls that one core holds, near enough.

    Args:
        try_calls: Makes a trial of so many calls.
        alone: A trial of one call.
        start: Where to begin.
    """
    found = Capacity()
    calls = max(1, start)
    for _ in range(_TRIALS):
        trial = await try_calls(calls)
        found.trials.append(trial)
        if trial.harness_cpu > HARNESS_LIMIT:
            found.full_harness = True
            break
        if holds(trial, alone):
            found.passes = max(found.passes, calls)
        elif trial.foreign_cpu > FOREIGN_LIMIT:
            found.disturbed += 1
            continue
        else:
            found.fails = min(found.fails or calls, calls)
        calls = _next(found)
        if calls in (found.passes, found.fails):
            break
    return found


def _next(found: Capacity) -> int:
    if found.fails is None:
        return max(found.passes + 1, round(found.passes * _STEP))
    if not found.passes:
        return max(1, round(found.fails / _STEP))
    if found.fails - found.passes <= found.passes * _CLOSE:
        return found.passes
    return (found.passes + found.fails) // 2
