"""Creates the service-linked roles that AWS services assume, before the account's first stack needs them.

A service creates its role on first use, and may not be able to assume it for a minute: the first cluster of an account
fails with "Unable to assume the service linked role". Created here, they have propagated when a stack needs them.
"""

from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import code_of, short
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext

SERVICES: Final = (
    "ecs.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
)
_THERE: Final = "InvalidInput"
"""IAM's error code if the account has the role: "Service role name … has been taken in this account"."""


def ensure(job: DeployContext) -> None:
    """Create the roles that the account lacks, before its first platform stack.

    Without permission to create roles, only warn: most accounts have them.
    """
    if job.cloudformation.exists(job.stacks["platform"]):
        return
    made = []
    for service in SERVICES:
        try:
            job.aws.iam.create_service_linked_role(AWSServiceName=service)
        except ClientError as error:
            if code_of(error) != _THERE:
                job.screen.row(CheckMark.CARE, "linked role", short(error), [f"$ {how_to_create(service)}"])
            continue
        made.append(service)
    if made:
        job.screen.row(CheckMark.GOOD, "linked roles", f"created for {', '.join(made)}")


def is_too_new(reason: str) -> bool:
    """Return whether a failure was caused by a role that is still propagating."""
    return "assume the service linked role" in reason


def how_to_create(service: str) -> str:
    """Return the command that creates a role by hand."""
    return f"aws iam create-service-linked-role --aws-service-name {service}"
