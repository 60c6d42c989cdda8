"""The model of deployments under load separates the alternatives of decision 12."""

import pytest

from tools import rollout_model
from tools.rollout_model import ProtectionPolicy, deployment, scale_in


def test_a_busy_service_whose_tasks_protect_themselves_is_never_replaced() -> None:
    """Tasks that protect themselves are never replaced under load, because each keeps getting calls."""
    seen = deployment(ProtectionPolicy.PROTECTED, 20, 2, seed=0)
    assert seen.finished is None
    assert seen.last_old > 2 * rollout_model.HOUR


@pytest.mark.parametrize("at_once", [4, 40])
@pytest.mark.parametrize("tasks", [2, 4])
def test_a_service_that_the_load_balancer_drains_is_replaced_under_any_load(at_once: int, tasks: int) -> None:
    """Draining by the load balancer replaces a service under any load without dropping a call."""
    seen = deployment(ProtectionPolicy.DRAINED, at_once, tasks, seed=0)
    assert seen.finished is not None
    assert seen.finished < rollout_model.LONGEST_SECONDS + rollout_model.START_SECONDS + rollout_model.STOP_SECONDS
    assert seen.last_old <= rollout_model.START_SECONDS + 2 * rollout_model.LOOK_SECONDS
    assert (seen.dropped, seen.refused) == (0, 0)


def test_a_protection_that_ends_drops_people() -> None:
    """A protection that expires ends conversations."""
    assert deployment(ProtectionPolicy.CAPPED, 20, 2, seed=0).dropped > 0


def test_a_scale_in_is_cheaper_and_drops_nobody_where_the_load_balancer_drains() -> None:
    """A scale-in with draining is cheaper and drops no call, unlike task protection, which expires."""
    protected, drained = scale_in(ProtectionPolicy.PROTECTED, seed=0), scale_in(ProtectionPolicy.DRAINED, seed=0)
    assert drained.dropped == 0 < protected.dropped
    assert drained.task_seconds < protected.task_seconds


def test_the_same_seed_gives_the_same_figures() -> None:
    """The same seed gives the same figures, because a decision quotes them."""
    assert deployment(ProtectionPolicy.DRAINED, 10, 2, seed=3) == deployment(ProtectionPolicy.DRAINED, 10, 2, seed=3)
