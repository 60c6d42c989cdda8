"""The model of deployments under load tells the ways apart for which decision 12 was made."""

import pytest

from tools import rollout_model
from tools.rollout_model import ProtectionPolicy, deployment, scale_in


def test_a_busy_service_whose_tasks_protect_themselves_is_never_replaced() -> None:
    """Twenty talk at once, so no old task has a moment without a conversation, and each goes on getting new ones."""
    seen = deployment(ProtectionPolicy.PROTECTED, 20, 2, seed=0)
    assert seen.finished is None
    assert seen.last_old > 2 * rollout_model.HOUR


@pytest.mark.parametrize("at_once", [4, 40])
@pytest.mark.parametrize("tasks", [2, 4])
def test_a_service_that_the_load_balancer_drains_is_replaced_under_any_load(at_once: int, tasks: int) -> None:
    """Nobody is dropped or refused, and the old version gets nothing new once the new one is healthy."""
    seen = deployment(ProtectionPolicy.DRAINED, at_once, tasks, seed=0)
    assert seen.finished is not None
    assert seen.finished < rollout_model.LONGEST_SECONDS + rollout_model.START_SECONDS + rollout_model.STOP_SECONDS
    assert seen.last_old <= rollout_model.START_SECONDS + 2 * rollout_model.LOOK_SECONDS
    assert (seen.dropped, seen.refused) == (0, 0)


def test_a_protection_that_ends_drops_people() -> None:
    """It ends in the middle of conversations."""
    assert deployment(ProtectionPolicy.CAPPED, 20, 2, seed=0).dropped > 0


def test_a_scale_in_is_cheaper_and_drops_nobody_where_the_load_balancer_drains() -> None:
    """Protection is refused to more tasks than there should be, and lapses."""
    protected, drained = scale_in(ProtectionPolicy.PROTECTED, seed=0), scale_in(ProtectionPolicy.DRAINED, seed=0)
    assert drained.dropped == 0 < protected.dropped
    assert drained.task_seconds < protected.task_seconds


def test_the_same_seed_gives_the_same_figures() -> None:
    """A decision cites them."""
    assert deployment(ProtectionPolicy.DRAINED, 10, 2, seed=3) == deployment(ProtectionPolicy.DRAINED, 10, 2, seed=3)
