"""Service-linked roles: what AWS's own services act as, made before the account's first stack needs them.

A service makes its role when it is first used, and then may not be able to assume it for a minute: the first cluster of
an account fails with "Unable to assume the service linked role". Made here, they are known when a stack uses them.
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
"""IAM's answer where the account has the role: "Service role name … has been taken in this account"."""


def ensure(job: DeployContext) -> None:
    """Create the roles that the account lacks, before the first platform.

    Credentials that may not create roles are no reason to stop: most accounts have them.
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
    """Tell whether something failed because such a role was created only a moment ago."""
    return "assume the service linked role" in reason


def how_to_create(service: str) -> str:
    """Return the command that creates one by hand."""
    return f"aws iam create-service-linked-role --aws-service-name {service}"
