"""Search for the number of calls that one core handles."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from voice_agent.bench.figures import percentile
from voice_agent.bench.trial import Trial

ADDED_SECONDS: Final = 0.1
"""Most seconds that load may add, at the 99th percentile, to the delay of a single call."""
HARNESS_LIMIT: Final = 0.85
"""Share of the callers' core above which callers and model distort their own measurements."""
FOREIGN_LIMIT: Final = 0.1
"""Share of a core that other processes may use; above it a failed trial is inconclusive and is repeated."""
_STEP: Final = 1.4
_TRIALS: Final = 8
_CLOSE: Final = 0.08
"""The search ends when the bounds are this close, relative to the lower one."""

type TryCalls = Callable[[int], Awaitable[Trial]]


@dataclass(slots=True)
class Capacity:
    """The result of a search. `fails` is None if no trial had too many calls."""

    passes: int = 0
    fails: int | None = None
    full_harness: bool = False
    """The callers' core was saturated before the agent's: the true number is higher."""
    disturbed: int = 0
    """Trials that failed while other processes used the cores; they were repeated."""
    trials: list[Trial] = field(default_factory=list)


def holds(trial: Trial, alone: Trial) -> bool:
    """Return whether the agent kept up: no call failed, and load added little to the delay of a single call."""
    return trial.valid and all(
        percentile(loaded, 0.99) - percentile(single, 0.5) < ADDED_SECONDS
        for loaded, single in ((trial.to_model, alone.to_model), (trial.from_model, alone.from_model))
    )


async def search(try_calls: TryCalls, alone: Trial, start: int) -> Capacity:
    """Find approximately the largest number of calls that one core handles.

    Args:
        try_calls: Runs a trial with that many calls.
        alone: A trial of one call.
        start: First number to try.
    """
    found = Capacity()
    calls = max(1, start)
    for _ in range(_TRIALS):
        trial = await try_calls(calls)
        found.trials.append(trial)
        # A saturated harness delays its own packets, so more calls would measure the harness.
        if trial.harness_cpu > HARNESS_LIMIT:
            found.full_harness = True
            break
        if holds(trial, alone):
            found.passes = max(found.passes, calls)
        elif trial.foreign_cpu > FOREIGN_LIMIT:
            # `calls` is unchanged: the loop repeats this trial, at most until its trials are used up.
            found.disturbed += 1
            continue
        else:
            found.fails = min(found.fails or calls, calls)
        calls = _next(found)
        if calls in (found.passes, found.fails):
            break
    return found


def _next(found: Capacity) -> int:
    # Grow until a trial fails, or shrink until one passes, then halve the interval between both.
    if found.fails is None:
        return max(found.passes + 1, round(found.passes * _STEP))
    if not found.passes:
        return max(1, round(found.fails / _STEP))
    if found.fails - found.passes <= found.passes * _CLOSE:
        return found.passes
    return (found.passes + found.fails) // 2
