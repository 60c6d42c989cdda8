"""Scaling policies, as Application Auto Scaling executes them.

Target tracking scales out after three one-minute points above its target, and in after fifteen points below nine tenths
of it. A step policy acts when its alarm fires, and once a minute while it lasts; during the cooldown, tasks that it has
added count, so only a larger step adds the difference.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tools.load_simulation.fleet import TICK, Look, World

_NEVER: Final = -10_000
_POINTS_OUT: Final = 3
_POINTS_IN: Final = 15
_BELOW: Final = 0.9
_FAST_POINTS: Final = 2
_SLOW_POINTS: Final = 2
_AGAIN: Final = 60
"""Seconds after which a persistent alarm acts again."""


@dataclass
class SessionTarget:
    """Target tracking on the average number of conversations per task."""

    places: int
    target: int
    fewest: int
    most: int
    out_cooldown: int = 60
    in_cooldown: int = 300
    _out: int = _NEVER
    _in: int = _NEVER

    def start(self, calls: int) -> int:
        """Return the number of tasks at this number of calls."""
        return min(self.most, max(self.fewest, math.ceil(calls / self.target)))

    def decide(self, looks: Sequence[Look], world: World) -> int:
        """Return the desired number of tasks."""
        now, desired = looks[-1].at, looks[-1].desired
        # Target tracking looks at minutes only.
        points = [] if now % 60 else minutes(looks, world, _POINTS_IN, lambda one: one.taken / max(1, one.tasks))
        if not points:
            return desired
        # AWS's formula: the capacity times metric divided by target.
        wanted = min(self.most, max(self.fewest, math.ceil(looks[-1].tasks * points[-1] / self.target)))
        # Three minutes above the target to add tasks, fifteen below 90 % of it to remove some.
        if wanted > desired and self._is_high(points) and now - self._out >= self.out_cooldown:
            self._out = now
            return wanted
        if wanted < desired and self._is_low(points) and now - max(self._out, self._in) >= self.in_cooldown:
            self._in = now
            return wanted
        return desired

    def _is_high(self, points: Sequence[float]) -> bool:
        return len(points) >= _POINTS_OUT and min(points[-_POINTS_OUT:]) > self.target

    def _is_low(self, points: Sequence[float]) -> bool:
        return len(points) == _POINTS_IN and max(points) < _BELOW * self.target


@dataclass
class Step:
    """A step policy with its alarm."""

    steps: tuple[tuple[float, int], ...]
    """Pairs of a lower bound of the metric and a change of the number of tasks."""
    cooldown: int
    _since: int = _NEVER
    _added: int = 0
    _alarm_since: int | None = None

    def adjust(self, now: int, metric: float | None) -> int:
        """Return the number of tasks to add (or remove, if negative); `metric` is None while the alarm is off."""
        if metric is None:
            self._alarm_since = None
            return 0
        # The alarm has just fired.
        if self._alarm_since is None:
            self._alarm_since = now
        # An alarm that stays on triggers the policy once a minute.
        if (now - self._alarm_since) % _AGAIN:
            return 0
        # The highest step that the metric reaches.
        wanted = next((change for bound, change in reversed(self.steps) if metric >= bound), 0)
        if now - self._since < self.cooldown:
            # Within the cooldown, only a larger step adds the difference.
            more = max(0, wanted - self._added) if wanted > 0 else 0
            self._added += more
            return more
        if wanted:
            self._since, self._added = now, wanted
        return wanted


def _out() -> Step:
    return Step(((0, 1), (1, 2), (2, 4), (4, 8), (8, 16)), 120)


def _in() -> Step:
    return Step(((1.25, -1), (2.5, -2), (5, -4), (10, -8)), 300)


@dataclass
class FreeSlots:
    """Step policies on free places, as in scaling.yaml: add the missing tasks, remove half of the spare ones."""

    places: int
    kept: int
    fewest: int
    most: int
    out: Step = field(default_factory=_out)
    in_: Step = field(default_factory=_in)
    in_minutes: int = 10

    def start(self, calls: int) -> int:
        """Return the number of tasks at this number of calls."""
        return min(self.most, max(self.fewest, math.ceil((calls + self.kept) / self.places)))

    def decide(self, looks: Sequence[Look], world: World) -> int:
        """Return the desired number of tasks."""
        now, desired = looks[-1].at, looks[-1].desired
        missing = self._missing(looks, world)
        # The fast metric first, the slow one as a fallback while old tasks hide the shortage.
        added = self.out.adjust(now, self._behind(looks, world) if missing is None else missing)
        if added:
            return min(self.most, desired + added)
        return max(self.fewest, desired + self.in_.adjust(now, self._spare(looks, world)))

    def _missing(self, looks: Sequence[Look], world: World) -> float | None:
        """Return the missing places in units of tasks, if some were missing in each of two periods."""
        # The newest periods are not visible yet.
        newest = len(looks) - world.fast_lag // TICK
        points = [(self.kept - one.free) / self.places for one in looks[max(0, newest - _FAST_POINTS) : newest]]
        return sum(points) / _FAST_POINTS if len(points) == _FAST_POINTS and min(points) > 0 else None

    def _behind(self, looks: Sequence[Look], world: World) -> float | None:
        """Return by how many tasks the desired number is too low, if it was in each of two minutes."""
        points = minutes(looks, world, _SLOW_POINTS, lambda one: (one.taken + self.kept) / self.places - one.desired)
        return sum(points) / _SLOW_POINTS if len(points) == _SLOW_POINTS and min(points) > 0 else None

    def _spare(self, looks: Sequence[Look], world: World) -> float | None:
        """Return the number of spare tasks, if there were some during the whole time."""
        points = minutes(looks, world, self.in_minutes, lambda one: one.desired - (one.taken + self.kept) / self.places)
        lowest = self.in_.steps[0][0]
        return min(points) if len(points) == self.in_minutes and min(points) >= lowest else None


def minutes(looks: Sequence[Look], world: World, count: int, read: Callable[[Look], float]) -> list[float]:
    """Return the averages of the last visible one-minute periods, oldest first."""
    each = 60 // TICK
    # The last complete minute that is visible.
    newest = (len(looks) * TICK - world.minute_lag) // 60
    spans = [looks[minute * each : (minute + 1) * each] for minute in range(max(0, newest - count), newest)]
    return [sum(map(read, span)) / each for span in spans]
