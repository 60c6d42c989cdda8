"""Simulates ways to keep conversations while ECS replaces tasks, and compares them: ``python -m tools.rollout_model``.

A simulation, not a measurement: conversations arrive at random, the load balancer sends each to the task with the
fewest, and a scheduler with ECS's documented rules runs every fifteen seconds. Results depend only on the seed.
docs/decisions/0012 is based on them.
"""

import argparse
import heapq
import itertools
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from statistics import median
from typing import Final

MEAN_SECONDS: Final = 180.0
LONGEST_SECONDS: Final = 1800.0
LOOK_SECONDS: Final = 15.0
START_SECONDS: Final = 75.0
PROTECTED_SECONDS: Final = 1800.0
RENEW_SECONDS: Final = 600.0
BLOCKED_SECONDS: Final = 60.0
STOP_SECONDS: Final = 110.0
"""From SIGTERM until remaining conversations are cut off."""
PLACES: Final = 40
PATIENCE_SECONDS: Final = 5400.0
HOUR: Final = 3600.0


class ProtectionPolicy(StrEnum):
    """How a task prevents ECS from stopping it too early."""

    PROTECTED = "protection, renewed while anyone talks"
    CAPPED = "protection, not renewed beyond the longest conversation"
    REVISION = "protection; an old revision hands new ones on"
    DRAINED = "no protection; the load balancer drains"


@dataclass(eq=False)
class ModelledTask:
    """One task, with its state in ECS and in the load balancer."""

    revision: int
    talks: int = 0
    protected_until: float = 0.0
    protected_since: float = 0.0
    leaves_at: float | None = None
    """When its remaining conversations are cut off."""

    @property
    def takes_calls(self) -> bool:
        """Whether the load balancer sends it new conversations."""
        return self.leaves_at is None


@dataclass
class RolloutOutcome:
    """Result of one deployment or scale-in."""

    finished: float | None = None
    last_old: float = 0.0
    """When an old task received its last conversation."""
    dropped: int = 0
    refused: int = 0
    task_seconds: float = 0.0


@dataclass
class RolloutRun:
    """One simulation run.

    Args:
        way: The simulated method.
        count: Desired number of tasks.
        chance: Source of randomness.
    """

    way: ProtectionPolicy
    count: int
    chance: random.Random
    revision: int = 1
    now: float = 0.0
    tasks: list[ModelledTask] = field(default_factory=list)
    outcome: RolloutOutcome = field(default_factory=RolloutOutcome)
    _starting: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)

    def at(self, delay: float, what: Callable[[], None]) -> None:
        """Schedule an event."""
        heapq.heappush(self._events, (self.now + delay, next(self._order), what))

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Process events until a time."""
        # Events at the same time keep their order.
        while self._events and self._events[0][0] <= until and not done():
            at, _, what = heapq.heappop(self._events)
            # Task-seconds accumulate between events.
            self.outcome.task_seconds += (at - self.now) * len(self.tasks)
            self.now = at
            what()

    def arrivals(self, at_once: Callable[[], float]) -> None:
        """Create arrivals that keep about this many conversations active."""

        def arrive() -> None:
            self._admit()
            self.at(self.chance.expovariate(at_once() / MEAN_SECONDS), arrive)

        self.at(0, arrive)

    def _admit(self) -> None:
        open_to_calls = [task for task in self.tasks if task.takes_calls]
        current = [task for task in open_to_calls if task.revision == self.revision]
        # An old revision hands new calls on, as soon as a new one runs.
        if self.way is ProtectionPolicy.REVISION and current:
            open_to_calls = current
        task = min(open_to_calls, key=lambda one: one.talks, default=None)
        if task is None or task.talks >= PLACES:
            self.outcome.refused += 1
            return
        if task.revision != self.revision:
            # The last moment at which an old task took a call.
            self.outcome.last_old = self.now
        task.talks += 1
        if task.talks == 1:
            self._protect(task, since=self.now)
        # Conversations end at the longest one that is allowed.
        self.at(min(self.chance.expovariate(1 / MEAN_SECONDS), LONGEST_SECONDS), lambda: self._hang_up(task))

    def _hang_up(self, task: ModelledTask) -> None:
        if task not in self.tasks:
            return
        task.talks -= 1
        if not task.talks:
            task.protected_until = 0.0
            # A task that ECS is stopping leaves after its last conversation.
            if task.leaves_at is not None:
                self.tasks.remove(task)

    def _protect(self, task: ModelledTask, since: float) -> None:
        """Request protection from ECS, which limits protected tasks to the desired count (DEPLOYMENT_BLOCKED)."""
        # A task that is empty or leaving needs no protection.
        if (
            self.way is ProtectionPolicy.DRAINED
            or not task.talks
            or not task.takes_calls
            or task.protected_since > since
        ):
            return
        task.protected_since = since
        until = self.now + PROTECTED_SECONDS
        # Not beyond the longest conversation, so that every task becomes free in the end.
        if self.way is ProtectionPolicy.CAPPED:
            until = min(until, since + LONGEST_SECONDS)
        others = sum(one.protected_until > self.now for one in self.tasks if one is not task)
        # ECS rejects more protected tasks than the desired count.
        blocked = others >= self.count
        if not blocked:
            task.protected_until = max(task.protected_until, until)
        self.at(BLOCKED_SECONDS if blocked else RENEW_SECONDS, lambda: self._protect(task, since))

    def look(self) -> None:
        """Compare running with desired tasks, as ECS does periodically."""
        takes_calls = [task for task in self.tasks if task.takes_calls]
        current = [task for task in takes_calls if task.revision == self.revision]
        # ECS runs at most twice the desired number during a deployment.
        for _ in range(min(self.count - len(current), 2 * self.count - len(takes_calls)) - self._starting):
            self._starting += 1
            self.at(START_SECONDS, lambda revision=self.revision: self._begin(revision))  # type: ignore[misc]
        # Half of the desired tasks may be missing during a deployment (minimumHealthyPercent 50).
        enough = self.count if len(current) >= self.count else ceil(self.count / 2)
        # Old tasks first, then those beyond the desired number.
        surplus = [task for task in takes_calls if task.revision != self.revision] + current[: -self.count]
        free = [task for task in surplus if task.protected_until <= self.now]
        for task in free[: max(0, len(takes_calls) - enough)]:
            self._stop(task)
        self.at(LOOK_SECONDS, self.look)

    def _begin(self, revision: int) -> None:
        self._starting -= 1
        self.tasks.append(ModelledTask(revision))

    def _stop(self, task: ModelledTask) -> None:
        # The load balancer drains before ECS sends SIGTERM.
        delay = LONGEST_SECONDS if self.way is ProtectionPolicy.DRAINED else 0.0
        task.leaves_at = self.now + delay + STOP_SECONDS
        if not task.talks:
            self.tasks.remove(task)
        self.at(delay + STOP_SECONDS, lambda: self._end(task))

    def _end(self, task: ModelledTask) -> None:
        if task in self.tasks:
            # SIGKILL ends the remaining conversations.
            self.outcome.dropped += task.talks
            self.tasks.remove(task)

    @property
    def steady(self) -> bool:
        """Whether exactly the desired tasks run."""
        return len(self.tasks) == self.count and all(task.revision == self.revision for task in self.tasks)


def deployment(way: ProtectionPolicy, at_once: int, tasks: int, seed: int) -> RolloutOutcome:
    """Replace every task during this many concurrent conversations; simulate for three hours."""
    model = _busy(way, at_once, tasks, seed)
    began = model.now
    model.revision = 2
    # Costs of the warm-up do not count.
    model.outcome = RolloutOutcome(last_old=began)
    model.run(began + 3 * HOUR, lambda: model.steady)
    model.outcome.finished = model.now - began if model.steady else None
    model.outcome.last_old -= began
    return model.outcome


def scale_in(way: ProtectionPolicy, seed: int) -> RolloutOutcome:
    """Reduce 150 concurrent conversations to 30, on seven tasks that should become two; simulate for five hours."""
    model = _busy(way, 150, 7, seed, then=30)
    began = model.now
    model.count = 2
    model.outcome = RolloutOutcome(last_old=began)
    model.run(began + 5 * HOUR)
    return model.outcome


def _busy(way: ProtectionPolicy, at_once: int, tasks: int, seed: int, then: int | None = None) -> RolloutRun:
    model = RolloutRun(way, tasks, random.Random(f"{at_once} {tasks} {seed}"))  # noqa: S311 - a model, the same each time
    model.tasks = [ModelledTask(1) for _ in range(tasks)]
    warm = HOUR
    # The load changes after the warm-up, in the middle of a stream of arrivals.
    model.arrivals(lambda: float(at_once if then is None or model.now < warm else then))
    model.at(0, model.look)
    model.run(warm)
    return model


def _row(way: ProtectionPolicy, at_once: int, tasks: int, runs: int) -> str:
    outcomes = [deployment(way, at_once, tasks, seed) for seed in range(runs)]
    times = [one.finished for one in outcomes if one.finished is not None]
    in_time = sum(time <= PATIENCE_SECONDS for time in times)
    took = f"{median(times) / 60:.0f} min" if len(times) > runs / 2 else "over 3 h"
    exposed = median(one.last_old for one in outcomes) / 60
    dropped, refused = sum(one.dropped for one in outcomes), sum(one.refused for one in outcomes)
    return (
        f"| {at_once} | {tasks} | {in_time / runs:.0%} | {took} | {exposed:.1f} min | "
        f"{dropped / runs:.1f} | {refused / runs:.1f} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of docs/decisions/0012."""
    parser = argparse.ArgumentParser(prog="python -m tools.rollout_model", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="runs of each case (default: %(default)s)")
    runs = parser.parse_args(arguments).runs
    write = sys.stdout.write
    for way in ProtectionPolicy:
        write(f"\n**{way.value}**\n\n")
        write(
            "| talk at once | tasks | done in 90 min | median | old version takes new ones for | dropped | refused |\n"
        )
        write("|---|---|---|---|---|---|---|\n")
        for tasks in (2, 4):
            for at_once in (4, 8, 10, 15, 20, 40):
                write(_row(way, at_once, tasks, runs) + "\n")
    write("\n| from 150 to 30 at once, five hours | task-hours | dropped |\n|---|---|---|\n")
    for way in ProtectionPolicy:
        outcomes = [scale_in(way, seed) for seed in range(max(1, runs // 5))]
        hours = sum(one.task_seconds for one in outcomes) / len(outcomes) / HOUR
        write(f"| {way.value} | {hours:.1f} | {sum(one.dropped for one in outcomes) / len(outcomes):.1f} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
