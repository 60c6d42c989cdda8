"""Deleting a service shortens its draining time, and a failed deletion restores it."""

import io
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deployment.console import Screen
from deployment.deploy_context import DeployContext
from deployment.draining import DRAIN_SECONDS, quick_drain
from deployment.errors import StackError
from deployment.stacks import Stack
from deployment.template import StackTemplate
from tools.workspace import ROOT

FOLDER = ROOT / "infra/cloudformation"
PHONE = Stack("pipecat-test-phone", StackTemplate(FOLDER / "service.yaml"), service="phone")
EDGE = Stack("pipecat-test-edge", StackTemplate(FOLDER / "edge.yaml"))


@dataclass
class Balancer:
    """Holds the deregistration delay of one target group."""

    delay: str = "1800"
    said: list[str] = field(default_factory=list)
    may: bool = True

    def describe_target_group_attributes(self, **_: str) -> dict[str, Any]:
        """Return the delay among other attributes."""
        if not self.may:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeTargetGroupAttributes")
        key = "deregistration_delay.timeout_seconds"
        return {"Attributes": [{"Key": "x", "Value": "y"}, {"Key": key, "Value": self.delay}]}

    def modify_target_group_attributes(self, *, Attributes: list[dict[str, str]], **_: str) -> None:  # noqa: N803
        """Set the delay."""
        self.delay = Attributes[0]["Value"]
        self.said.append(self.delay)


def job(balancer: Balancer, outputs: dict[str, str]) -> tuple[DeployContext, io.StringIO]:
    """Return the parts of a job that the deletion uses, and the stream that it writes to."""
    stream = io.StringIO()
    made = SimpleNamespace(
        aws=SimpleNamespace(elb=balancer),
        cloudformation=SimpleNamespace(outputs=lambda _: outputs),
        stacks={"edge": EDGE},
        screen=Screen(stream, {}),
    )
    return cast("DeployContext", made), stream


def test_the_delay_is_short_while_a_service_is_deleted() -> None:
    """The delay is short during a deletion, because CloudFormation waits only thirty minutes for a service."""
    balancer = Balancer()
    made, _ = job(balancer, {"PhoneTargetGroupArn": "arn"})
    with quick_drain(made, PHONE):
        assert balancer.delay == str(DRAIN_SECONDS)
    assert balancer.said == [str(DRAIN_SECONDS)]


def test_a_deletion_that_fails_leaves_the_delay_as_it_was() -> None:
    """A failed deletion restores the delay, or the next deployment would end every call after seconds."""
    balancer = Balancer("2400")
    made, _ = job(balancer, {"PhoneTargetGroupArn": "arn"})
    with pytest.raises(StackError), quick_drain(made, PHONE):
        raise StackError("DELETE_FAILED")
    assert balancer.delay == "2400"


@pytest.mark.parametrize(("stack", "outputs"), [(EDGE, {"PhoneTargetGroupArn": "arn"}), (PHONE, {})])
def test_what_has_no_tasks_or_no_load_balancer_is_just_deleted(stack: Stack, outputs: dict[str, str]) -> None:
    """A stack without tasks or load balancer is deleted without changing a delay."""
    balancer = Balancer()
    with quick_drain(job(balancer, outputs)[0], stack):
        pass
    assert balancer.said == []


def test_credentials_that_may_not_look_are_told_what_to_expect() -> None:
    """Without permission to read the delay the deletion continues and warns that it may fail once."""
    made, stream = job(Balancer(may=False), {"PhoneTargetGroupArn": "arn"})
    with quick_drain(made, PHONE):
        pass
    assert "DELETE_FAILED" in stream.getvalue()
