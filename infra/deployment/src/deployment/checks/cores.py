"""Whether the account may run as many Fargate vCPUs as the tasks need. New accounts start with few."""

from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.checks.finding import Finding, asked, bad, care, good
from deployment.deploy_context import DeployContext
from deployment.stacks import SERVICES

_SUBJECT: Final = "fargate"
_QUOTA: Final = ("fargate", "L-3032A538")
"""Fargate On-Demand vCPU resource count, of an account and region."""
_UNITS_PER_CORE: Final = 1024
_ROLLING: Final = 2
"""An update may run twice the tasks: `MaximumPercent: 200` in service.yaml."""


@dataclass(frozen=True)
class CoresNeeded:
    """Cores that one environment needs, of both services together."""

    start: float
    """The first deployment."""
    update: float
    """The first update, which runs old and new tasks."""
    most: float
    """An update while scaling is at its most tasks."""


def check(job: DeployContext) -> Finding:
    """Compare the quota with what the deployment, its first update and its most tasks need."""
    return asked(_SUBJECT, lambda: judge(allowed(job.aws), need(job)))


def need(job: DeployContext) -> CoresNeeded:
    """Add up the tasks of both services."""
    core = int(job.setting("service", "Cpu")) / _UNITS_PER_CORE
    start = core * int(job.setting("service", "DesiredCount") or 1) * len(SERVICES)
    most = core * int(_found(job, "MaxTasks")) * len(SERVICES)
    return CoresNeeded(start, _ROLLING * start, _ROLLING * most)


def _found(job: DeployContext, parameter: str) -> str:
    """Return a parameter of whichever stack has it."""
    templates = (stack.template for stack in job.stacks.all if parameter in stack.template.parameters)
    return job.environment.parameters.get(parameter) or next(templates).default(parameter)


def allowed(aws: Aws) -> float:
    """Return the account's quota, or AWS's default where the account never asked for another."""
    service, code = _QUOTA
    try:
        return float(aws.quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
    except ClientError as error:
        if code_of(error) != "NoSuchResourceException":
            raise
    return float(aws.quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])


def judge(cores: float, wanted: CoresNeeded) -> Finding:
    """Say what the quota is enough for; what runs in the account already is not counted."""
    ask = "ask for more in the Service Quotas console: AWS Fargate, Fargate On-Demand vCPU resource count"
    text = f"{cores:g} vCPU allowed"
    if cores < wanted.start:
        return bad(_SUBJECT, f"{text}, the first tasks need {wanted.start:g}", ask)
    if cores < wanted.update:
        return care(
            _SUBJECT,
            f"{text}, an update needs {wanted.update:g}: old and new tasks run together",
            ask,
            "or fewer tasks",
        )
    if cores < wanted.most:
        return care(_SUBJECT, f"{text}, an update at MaxTasks needs {wanted.most:g}", ask, "or set MaxTasks lower")
    return good(_SUBJECT, f"{text}, {wanted.most:g} needed at most; those in use are not counted")
