"""Shortens connection draining while a service is deleted.

A task keeps its conversations for PhoneDrainSeconds or WebDrainSeconds of edge.yaml, half an hour or more, and
CloudFormation gives up on deleting a service after thirty minutes. Deleting a service with live calls would therefore
end as DELETE_FAILED, after half an hour without a new call. Confirming the deletion confirms that calls are cut off.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from deployment.aws import AwsFailure, short
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import DeploymentError
from deployment.stacks import Stack

DRAIN_SECONDS: Final = 30
_DELAY: Final = "deregistration_delay.timeout_seconds"


@contextmanager
def quick_drain(job: DeployContext, stack: Stack) -> Iterator[None]:
    """Lower the deregistration delay while a service's stack is deleted; restore it if the deletion fails.

    Args:
        job: The command.
        stack: Any stack; only a service's stack has tasks that drain.
    """
    group = job.cloudformation.outputs(job.stacks["edge"]).get(_output(stack), "") if stack.service else ""
    before = _delay(job, group) if group else ""
    if not before:
        yield
        return
    # CloudFormation gives up on deleting a service after thirty minutes.
    _set(job, group, str(DRAIN_SECONDS))
    try:
        yield
    # Only a failed deletion leaves a target group whose delay matters.
    except DeploymentError:
        _set(job, group, before)
        raise


def _output(stack: Stack) -> str:
    return f"{stack.service.capitalize()}TargetGroupArn"


def _delay(job: DeployContext, group: str) -> str:
    """Return the delay in seconds; empty without permission to read it, or if the target group is gone."""
    try:
        attributes = job.aws.elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    except AwsFailure as error:
        job.screen.row(CheckMark.UNKNOWN, "drain", f"could not be read: {short(error)}", [_SLOW])
        return ""
    return next((str(one["Value"]) for one in attributes if one["Key"] == _DELAY), "")


def _set(job: DeployContext, group: str, seconds: str) -> None:
    try:
        job.aws.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": _DELAY, "Value": seconds}])
    except AwsFailure as error:
        job.screen.row(CheckMark.CARE, "drain", f"could not be set to {seconds} s: {short(error)}", [_SLOW])


_SLOW: Final = (
    "with conversations, the deletion may take over thirty minutes and end as DELETE_FAILED; then run this again"
)
