"""The scenarios, the compared policies, and the table of results."""

import math
import random
from collections.abc import Callable
from typing import Final

from tools.load_simulation.fleet import Fleet, Policy, Scenario, SimulationOutcome, World
from tools.load_simulation.policies import FreeSlots, SessionTarget

_HOUR: Final = 3600
_BEGIN: Final = 1800
_SEED: Final = 7
TASK_HOUR: Final = 0.0494
"""US dollars per hour for a task of one core and two gigabytes, from the deployment's price list."""


def _day() -> tuple[tuple[int, float], ...]:
    """Return the load of a day: five calls at night, a hundred at one in the afternoon."""
    return tuple(
        # Half a sine between six and twenty o'clock.
        (hour * _HOUR, 5 + 95 * max(0.0, math.sin(math.pi * (hour - 6) / 14)) if 6 <= hour <= 20 else 5)  # noqa: PLR2004
        for hour in range(24)
    )


SCENARIOS: Final = (
    Scenario(
        "20 → 100 calls at once", 2 * _HOUR, ((0, 20), (_BEGIN, 20), (_BEGIN + 1, 100)), bursts=((_BEGIN, 10, 80),)
    ),
    Scenario("300 calls in one minute on top of 20", 2 * _HOUR, ((0, 20),), bursts=((_BEGIN, 60, 300),)),
    Scenario("20 → 150 in ten minutes", 2 * _HOUR, ((0, 20), (_BEGIN, 20), (_BEGIN + 600, 150))),
    Scenario(
        "20 → 100 offered, five minutes after a deployment",
        2 * _HOUR,
        ((0, 20), (_BEGIN, 20), (_BEGIN + 300, 100)),
        deployed_at=_BEGIN - 300,
    ),
    Scenario("a day with a peak of 100", 24 * _HOUR, _day(), before=5),
    Scenario("150 → 30 at once", 5 * _HOUR, ((0, 150), (_BEGIN, 150), (_BEGIN + 1, 30)), before=150),
)

POLICIES: Final[dict[str, Callable[[], Policy]]] = {
    "before: 24 calls a task, 2 to 4 tasks of 40 places": lambda: SessionTarget(40, 24, 2, 4),
    "the same, up to 12 tasks": lambda: SessionTarget(40, 24, 2, 12),
    "18 calls a task of 30 places, cooldown 180 s, 3 to 12 tasks": lambda: SessionTarget(30, 18, 3, 12, 180),
    "free places: 60 kept, 3 to 12 tasks": lambda: FreeSlots(30, 60, 3, 12),
    "**free places: 90 kept, 3 to 12 tasks**": lambda: FreeSlots(30, 90, 3, 12),
    "free places: 300 kept, 3 to 16 tasks": lambda: FreeSlots(30, 300, 3, 16),
    "free places: 90 kept, 12 tasks in busy hours": lambda: FreeSlots(30, 90, 12, 12),
}
CHOSEN: Final = "**free places: 90 kept, 3 to 12 tasks**"


def outcome(policy: Callable[[], Policy], scenario: Scenario, world: World | None = None) -> SimulationOutcome:
    """Simulate one scenario with one policy."""
    chance = random.Random(_SEED)  # noqa: S311 - a simulation
    return Fleet(policy(), world or World(), chance).run(scenario)


def table() -> str:
    """Return the table of the reference page."""
    rows = [
        "| policy | refused | with gaps | task-hours | cost of tasks |",
        "|---|---|---|---|---|",
    ]
    for scenario in SCENARIOS:
        # All policies get the same calls, because the seed is the same.
        offered = outcome(POLICIES[CHOSEN], scenario).offered
        rows.append(f"| *{scenario.name}* ({offered} calls in {scenario.seconds // _HOUR} h) | | | | |")
        rows += [_row(name, outcome(policy, scenario)) for name, policy in POLICIES.items()]
    return "\n".join(rows)


def _row(name: str, came: SimulationOutcome) -> str:
    refused = f"{came.refused} ({came.refused_percent:.1f} %)"
    cost = f"${came.task_hours * TASK_HOUR:.2f}"
    return f"| {name} | {refused} | {came.rough_percent:.0f} % | {came.task_hours:.1f} | {cost} |"
