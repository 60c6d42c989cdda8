"""Waiting for CloudFormation in states that moto never shows, from a scripted stack."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.cloudformation import ChangeSet, CloudFormation
from deployment.errors import StackError
from deployment.stacks import Stack
from deployment.template import StackTemplate
from deployment.timeouts import Timeouts
from tools.workspace import ROOT

STACK = Stack("pipecat-test-edge", StackTemplate(ROOT / "infra/cloudformation/edge.yaml"))


def event(number: int, status: str, name: str = STACK.name, reason: str = "") -> dict[str, str]:
    """Return an event of the stack or of one of its resources."""
    status_fields = {"ResourceStatus": status, "ResourceStatusReason": reason, "ResourceType": "AWS::X"}
    return {"EventId": str(number), "LogicalResourceId": name, **status_fields}


@dataclass
class Scripted:
    """A client whose stack advances by one step at each wait."""

    steps: list[tuple[str, list[dict[str, str]]]]
    """Status and all events so far, newest last; an empty status means that the stack does not exist."""
    calls: list[str] = field(default_factory=list)

    def sleep(self, _seconds: float) -> None:
        """Advance by one step."""
        if len(self.steps) > 1:
            self.steps.pop(0)

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        """Return the status."""
        status = self.steps[0][0]
        if not status:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": "Stack does not exist"}}, "DescribeStacks"
            )
        return {"Stacks": [{"StackStatus": status, "StackId": "arn"}]}

    def get_paginator(self, _name: str) -> Any:  # noqa: ANN401 - only the part in use
        """Return the events, one per page."""

        def paginate(**_: str) -> Iterator[dict[str, Any]]:
            for one in reversed(self.steps[0][1]):
                yield {"StackEvents": [one]}

        return SimpleNamespace(paginate=paginate)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever is called
        """Record the request."""
        return lambda **_: self.calls.append(name)


def of(client: Scripted, said: list[str] | None = None) -> CloudFormation:
    """Return a CloudFormation with this stack."""
    aws: Any = SimpleNamespace(cloudformation=client)
    return CloudFormation(aws, Timeouts(), (said if said is not None else []).append, wait=client)


def execute(client: Scripted, said: list[str] | None = None) -> None:
    """Execute a change set of two changes."""
    nothing: Any = [None, None]
    of(client, said).execute(ChangeSet("arn", STACK, creates=False, changes=nothing))


OLD = [event(1, "CREATE_COMPLETE")]
BEGUN = [*OLD, event(2, "UPDATE_IN_PROGRESS")]


def test_an_update_that_has_not_begun_is_not_taken_for_one_that_is_done() -> None:
    """An update that has not begun does not count as complete, although the stack still has its old status."""
    half = [*BEGUN, event(3, "UPDATE_COMPLETE", "Rule"), event(4, "UPDATE_IN_PROGRESS", "Listener")]
    broken = [
        *half,
        event(5, "UPDATE_FAILED", "Listener", "certificate not found"),
        event(6, "UPDATE_ROLLBACK_COMPLETE"),
    ]
    client = Scripted(
        [
            ("CREATE_COMPLETE", OLD),
            ("CREATE_COMPLETE", OLD),
            ("UPDATE_IN_PROGRESS", BEGUN),
            ("UPDATE_IN_PROGRESS", half),
            ("UPDATE_ROLLBACK_COMPLETE", broken),
        ]
    )
    said: list[str] = []
    with pytest.raises(StackError, match=r"Listener .* failed: certificate not found") as failed:
        execute(client, said)
    assert "CertificateArn" in failed.value.advice[0]
    assert said[-1].startswith("pipecat-test-edge  1 of 2  Listener  ")


def test_what_failed_before_is_not_told_again() -> None:
    """Events of an earlier attempt are not reported again."""
    earlier = [event(1, "CREATE_FAILED", "Bucket", "yesterday's"), event(2, "UPDATE_ROLLBACK_COMPLETE")]
    now = [*earlier, event(3, "UPDATE_IN_PROGRESS"), event(4, "UPDATE_FAILED", "Rule", "today's")]
    client = Scripted([("UPDATE_ROLLBACK_COMPLETE", earlier), ("UPDATE_ROLLBACK_COMPLETE", now)])
    with pytest.raises(StackError, match="today's"):
        execute(client)


def test_an_update_that_could_not_be_taken_back_is_taken_back_first() -> None:
    """A failed rollback is continued first, because CloudFormation accepts nothing else for such a stack."""
    client = Scripted([("UPDATE_ROLLBACK_FAILED", OLD), ("UPDATE_ROLLBACK_COMPLETE", OLD)])
    said: list[str] = []
    client.continue_update_rollback = lambda **_: client.sleep(0)  # type: ignore[attr-defined]
    assert of(client).settle(STACK, said.append)
    assert "rollback" in said[0]


def test_a_deletion_waits_until_the_stack_is_gone() -> None:
    """A deletion waits until the stack is gone, because only then the next stack can be deleted."""
    going = [*OLD, event(2, "DELETE_IN_PROGRESS")]
    client = Scripted([("CREATE_COMPLETE", OLD), ("CREATE_COMPLETE", OLD), ("DELETE_IN_PROGRESS", going), ("", [])])
    of(client).delete(STACK)
    assert (client.calls, client.steps) == (["delete_stack"], [("", [])])


def test_a_deletion_that_fails_says_what_could_not_be_deleted() -> None:
    """A failed deletion names the resource that could not be deleted, such as a bucket that is not empty."""
    going = [*OLD, event(2, "DELETE_IN_PROGRESS"), event(3, "DELETE_FAILED", "Bucket", "not empty")]
    with pytest.raises(StackError, match=r"Bucket .* failed: not empty"):
        of(Scripted([("CREATE_COMPLETE", OLD), ("DELETE_FAILED", going)])).delete(STACK)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ROLLBACK_COMPLETE", "is ROLLBACK_COMPLETE: what an earlier attempt left is deleted first"),
        ("DELETE_FAILED", "is DELETE_FAILED: what an earlier attempt left is deleted first"),
        ("UPDATE_ROLLBACK_FAILED", "the rollback of the earlier update is retried first"),
        ("DELETE_IN_PROGRESS", "`deploy` waits until that has finished"),
        ("REVIEW_IN_PROGRESS", ""),
        ("UPDATE_ROLLBACK_COMPLETE", ""),
        ("", ""),
    ],
)
def test_a_stack_that_cannot_be_compared_as_it_is_says_what_comes_first(status: str, said: str) -> None:
    """A plan explains what must come first if CloudFormation accepts no change set for a stack."""
    unsettled = of(Scripted([(status, [])])).unsettled(STACK)
    assert said in unsettled
    assert bool(said) is bool(unsettled)
