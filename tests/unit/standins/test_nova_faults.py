"""Faults on demand: when a script applies."""

from typing import get_args

import pytest
from pydantic import ValidationError

from standins.nova.faults import ACTIONS, Action, FaultPlan, ModelFault


def test_a_script_strikes_as_often_as_it_says() -> None:
    """A script applies as often as it says, by default once, and only at its moment."""
    plan = FaultPlan()
    plan.add(ModelFault(on="open", error="ThrottlingException"))
    assert plan.take("answer") is None
    assert plan.take("open") is not None
    assert plan.take("open") is None
    assert plan.pending() == []


def test_a_script_lets_the_first_pass() -> None:
    """`skip` spares the open stream and applies to later ones."""
    plan = FaultPlan()
    plan.add(ModelFault(on="open", skip=1, times=2, action="rst"))
    assert [plan.take("open") is not None for _ in range(4)] == [False, True, True, False]


def test_a_script_without_end_is_ended_by_clearing() -> None:
    """A script with `times: null` applies until the plan is cleared."""
    plan = FaultPlan()
    plan.add(ModelFault(on="answer", times=None, action="bad_json"))
    assert all(plan.take("answer") for _ in range(50))
    plan.clear()
    assert plan.take("answer") is None


def test_every_action_is_explained() -> None:
    """Every action has an explanation, from which the reference page is generated."""
    assert set(ACTIONS) == set(get_args(Action.__value__))
    assert all(text.endswith(".") for text in ACTIONS.values())


@pytest.mark.parametrize(
    "script",
    [
        '{"on": "answer", "action": "double_encoded"}',
        '{"on": "open", "action": "say"}',
        '{"on": "never"}',
        '{"on": "open", "tims": 2}',
        '{"on": "open", "times": 0}',
        "[]",
    ],
)
def test_a_script_with_a_slip_is_refused(script: str) -> None:
    """A misspelt script is rejected and not ignored."""
    with pytest.raises(ValidationError):
        ModelFault.model_validate_json(script)
