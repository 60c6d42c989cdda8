"""The simulation behind the scaling policies is deterministic, models delays, and matches its page."""

import pytest

from tools.load_simulation.fleet import Scenario, World
from tools.load_simulation.policies import FreeSlots, SessionTarget, Step
from tools.load_simulation.results_table import CHOSEN, POLICIES, SCENARIOS, outcome, table
from tools.workspace import ROOT

PAGE = ROOT / "docs/reference/scaling.md"
QUIET = Scenario("twenty calls", 1800, ((0, 20),))
CROWD, BURST, SLOPE, DEPLOYED, _, FALL = SCENARIOS


def row(scenario: Scenario, policy: str) -> str:
    """Return a row of the page's table."""
    _, _, below = PAGE.read_text().partition(f"*{scenario.name}*")
    return next(line for line in below.splitlines() if line.startswith(f"| {policy} |"))


@pytest.mark.parametrize("scenario", [CROWD, BURST, SLOPE, DEPLOYED, FALL], ids=lambda one: one.name)
def test_the_page_shows_what_the_chosen_policy_does(scenario: Scenario) -> None:
    """The page's table shows what the program prints for the chosen policy."""
    came = outcome(POLICIES[CHOSEN], scenario)
    assert f"| {came.refused} ({came.refused_percent:.1f} %) |" in row(scenario, CHOSEN)
    assert f"| {came.task_hours:.1f} |" in row(scenario, CHOSEN)


@pytest.mark.thorough
def test_the_page_shows_the_whole_table() -> None:
    """The page's table has every policy that was compared."""
    assert table() in PAGE.read_text()


def test_nothing_happens_while_enough_is_free_and_nothing_is_spare() -> None:
    """With enough free slots and none to spare, the task count stays constant, and two runs are equal."""
    came = outcome(lambda: FreeSlots(30, 30, 3, 12), QUIET)
    assert (came.refused, came.most_tasks, came.task_hours) == (0, 3, 1.5)
    assert outcome(lambda: FreeSlots(30, 30, 3, 12), QUIET) == came


@pytest.mark.parametrize("seconds", [60, 300])
def test_callers_who_come_before_a_task_can_have_started_are_refused(seconds: int) -> None:
    """Only free slots accept early callers; a slower start rejects more callers of a crowd that stays."""
    world = World(start_seconds=seconds)
    stays = Scenario("a crowd that stays", 900, ((0, 20), (300, 20), (301, 200)), bursts=((300, 10, 150),))
    refused = outcome(lambda: FreeSlots(30, 60, 3, 12), stays, world).refused
    assert refused > 80
    assert refused > outcome(lambda: FreeSlots(30, 60, 3, 12), stays, World(start_seconds=30)).refused


def test_a_quota_ends_what_scaling_can_do() -> None:
    """Scaling stops at the account's quota, although policies ask for more."""
    came = outcome(lambda: FreeSlots(30, 90, 3, 12), SLOPE, World(most_tasks=4))
    assert came.most_tasks == 4
    assert came.refused > 0


def test_a_fall_removes_no_more_than_what_is_spare() -> None:
    """Scaling in keeps the free slots at each moment: no caller is rejected, and no task is started again."""
    chosen = outcome(POLICIES[CHOSEN], FALL)
    assert (chosen.refused, chosen.most_tasks) == (0, chosen.most_tasks)
    assert chosen.task_hours < 0.75 * 5 * chosen.most_tasks


def test_a_step_policy_counts_what_it_added_while_that_starts() -> None:
    """During the cooldown of a step policy, a larger shortage adds the difference, and the same one adds nothing."""
    step = Step(((0, 1), (1, 2), (2, 4)), cooldown=120)
    said = [step.adjust(now, metric) for now, metric in ((0, 0.5), (10, 0.5), (60, 1.5), (120, 0.5), (180, None))]
    assert said == [1, 0, 1, 1, 0]
    assert step.adjust(190, 2.0) == 3


def test_target_tracking_waits_for_three_points() -> None:
    """Target tracking reacts minutes late, so the former policy rejects callers that free slots would have accepted."""
    before = outcome(lambda: SessionTarget(40, 24, 2, 4), CROWD)
    assert before.refused > 2 * outcome(lambda: FreeSlots(30, 60, 3, 12), CROWD).refused
    assert before.rough_percent > 0
