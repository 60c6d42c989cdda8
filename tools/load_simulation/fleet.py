"""Simulates calls and tasks over time, while a policy sets the number of tasks.

Deterministic: arrivals and durations of calls come from one seed. Calls last three minutes on average; a full fleet
rejects further ones. The load balancer sends each call to the task with the fewest. A task that scaling removes keeps
its calls, gets no new ones, and ends with its last call; until then it reports its free places, as a task that ECS
deregisters does.
"""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

TICK: Final = 10
"""Seconds between two steps: the period of the fast metrics."""
CALL_SECONDS: Final = 180
DRAIN: Final = 1800
"""Seconds for which ECS deregisters a phone task (PhoneDrainSeconds)."""
SMOOTH: Final = 30
"""Calls that one core carries, as measured; with more, every caller of the task hears gaps."""


@dataclass(frozen=True)
class World:
    """Delays and limits of AWS."""

    start_seconds: int = 90
    """From the decision to a task that accepts calls: 75 to 90 s were measured for images of this size."""
    fast_lag: int = 20
    """From the end of a ten-second period to the alarm that evaluates it."""
    minute_lag: int = 75
    """The same for one-minute periods."""
    most_tasks: int = 1000
    """Limit from the account's vCPU quota."""


@dataclass
class SimulatedTask:
    """One task."""

    ready_at: float
    calls: int = 0
    leaving: bool = False
    stays_until: float = 0
    """When it may end, with or without calls, because its deregistration takes the whole delay."""


@dataclass(frozen=True)
class Look:
    """Metrics of one ten-second period."""

    at: int
    free: int
    taken: int
    tasks: int
    desired: int


class Policy(Protocol):
    """Sets the desired number of tasks."""

    places: int
    """Calls that a task admits."""

    def start(self, calls: int) -> int:
        """Return the number of tasks at the start of the scenario."""

    def decide(self, looks: Sequence[Look], world: World) -> int:
        """Return the desired number of tasks; ``looks[-1]`` is the current period, not yet visible as metrics."""


@dataclass(frozen=True)
class Scenario:
    """The load over time."""

    name: str
    seconds: int
    load: tuple[tuple[int, float], ...]
    """Pairs of a second and a number of concurrent calls; linear in between."""
    bursts: tuple[tuple[int, int, int], ...] = ()
    """Additional calls: start second, duration in seconds, number of calls."""
    before: int = 20
    """Calls that are active at the start."""
    deployed_at: int | None = None
    """When new tasks replace all old ones, which ECS deregisters for half an hour."""

    def arrivals(self, chance: random.Random) -> Iterator[float]:
        """Yield the arrival times of calls in seconds, unordered."""
        for (begin, low), (end, high) in zip(
            self.load, [*self.load[1:], (self.seconds, self.load[-1][1])], strict=True
        ):
            # Calls arrive as a Poisson process whose rate follows the line.
            at, most = float(begin), max(low, high) / CALL_SECONDS
            while most and (at := at + chance.expovariate(most)) < end:
                rate = (low + (high - low) * (at - begin) / (end - begin)) / CALL_SECONDS
                # Thinning: draw at the highest rate of the segment, and keep a share that follows the line.
                if chance.random() * most < rate:
                    yield at
        for begin, within, calls in self.bursts:
            yield from (begin + within * number / calls for number in range(calls))


@dataclass
class SimulationOutcome:
    """Results of a scenario."""

    offered: int = 0
    refused: int = 0
    task_seconds: float = 0
    call_seconds: float = 0
    rough_seconds: float = 0
    """Call-seconds on tasks with more calls than one core carries."""
    most_tasks: int = 0

    @property
    def refused_percent(self) -> float:
        """Share of callers that were rejected."""
        return 100 * self.refused / max(1, self.offered)

    @property
    def rough_percent(self) -> float:
        """Share of call time with gaps in the audio."""
        return 100 * self.rough_seconds / max(1.0, self.call_seconds)

    @property
    def task_hours(self) -> float:
        """Task-hours, including starting and draining tasks."""
        return self.task_seconds / 3600


@dataclass
class Fleet:
    """The tasks of one service in one scenario."""

    policy: Policy
    world: World
    chance: random.Random
    tasks: list[SimulatedTask] = field(default_factory=list)
    ends: list[tuple[float, int, SimulatedTask]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    outcome: SimulationOutcome = field(default_factory=SimulationOutcome)
    _number: int = 0

    def run(self, scenario: Scenario) -> SimulationOutcome:
        """Run a scenario."""
        coming = sorted(scenario.arrivals(self.chance))
        # Start in the state that the policy would have reached before the scenario.
        desired = self.policy.start(scenario.before)
        self.tasks = [SimulatedTask(0.0) for _ in range(desired)]
        for _ in range(scenario.before):
            self._call(0.0)
        # Discard the counts of the calls that fill the fleet at the start.
        self.outcome = SimulationOutcome()
        waiting = iter(coming)
        next_call = next(waiting, None)
        for now in range(TICK, scenario.seconds + 1, TICK):
            # Calls between two ticks first: the metrics of a tick include them.
            while next_call is not None and next_call < now:
                self._hang_up(next_call)
                self._call(next_call)
                next_call = next(waiting, None)
            self._hang_up(now)
            if now == scenario.deployed_at:
                self._exchange(now)
            self._account(now)
            self._look(now, desired)
            # The account's limit of tasks applies to every policy.
            desired = min(self.policy.decide(self.looks, self.world), self.world.most_tasks)
            self._adjust(desired, now)
        return self.outcome

    def _call(self, at: float) -> None:
        self.outcome.offered += 1
        open_tasks = [one for one in self.tasks if one.ready_at <= at and not one.leaving]
        # The load balancer chooses the task with the fewest requests.
        task = min(open_tasks, key=lambda one: one.calls, default=None)
        if task is None or task.calls >= self.policy.places:
            self.outcome.refused += 1
            return
        task.calls += 1
        self._number += 1
        # Exponential lengths: how long a call has lasted says nothing about its end.
        heapq.heappush(self.ends, (at + self.chance.expovariate(1 / CALL_SECONDS), self._number, task))

    def _hang_up(self, until: float) -> None:
        while self.ends and self.ends[0][0] <= until:
            heapq.heappop(self.ends)[2].calls -= 1

    def _exchange(self, now: int) -> None:
        for one in self.tasks:
            one.leaving, one.stays_until = True, now + DRAIN
        # A deployment starts as many new tasks at once.
        self.tasks += [SimulatedTask(now) for _ in self.tasks]

    def _account(self, now: int) -> None:
        # A leaving task is stopped when its last call ends, or after the drain.
        self.tasks = [one for one in self.tasks if one.calls or not one.leaving or now < one.stays_until]
        self.outcome.task_seconds += TICK * len(self.tasks)
        self.outcome.call_seconds += TICK * sum(one.calls for one in self.tasks)
        self.outcome.rough_seconds += TICK * sum(one.calls for one in self.tasks if one.calls > SMOOTH)
        self.outcome.most_tasks = max(self.outcome.most_tasks, len(self.tasks))

    def _look(self, now: int, desired: int) -> None:
        running = [one for one in self.tasks if one.ready_at <= now]
        taken = sum(one.calls for one in running)
        self.looks.append(Look(now, self.policy.places * len(running) - taken, taken, len(running), desired))

    def _adjust(self, desired: int, now: int) -> None:
        # Tasks that leave do not count as desired.
        staying = [one for one in self.tasks if not one.leaving]
        for _ in range(desired - len(staying)):
            self.tasks.append(SimulatedTask(now + self.world.start_seconds))
        # Tasks that are still starting go first.
        for task in sorted(staying, key=lambda one: (-one.ready_at, one.calls))[: max(0, len(staying) - desired)]:
            task.leaving = True
