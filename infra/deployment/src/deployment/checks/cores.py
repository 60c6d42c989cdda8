"""Checks the Fargate vCPU quota, which is low in new accounts, against what the tasks need."""

from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.checks.finding import Finding, asked, bad, care, good
from deployment.deploy_context import DeployContext
from deployment.stacks import SERVICES

_SUBJECT: Final = "fargate"
_QUOTA: Final = ("fargate", "L-3032A538")
"""Quota code of "Fargate On-Demand vCPU resource count", per account and region."""
_UNITS_PER_CORE: Final = 1024
_ROLLING: Final = 2
"""A rolling update may run twice the tasks: `MaximumPercent: 200` in service.yaml."""


@dataclass(frozen=True)
class CoresNeeded:
    """vCPUs that one environment needs, for both services together."""

    start: float
    """For the first deployment."""
    update: float
    """For the first update, which runs old and new tasks side by side."""
    most: float
    """For an update while scaling runs its maximum number of tasks."""


def check(job: DeployContext) -> Finding:
    """Compare the quota with what the deployment, its first update and an update at maximum scale need."""
    return asked(_SUBJECT, lambda: judge(allowed(job.aws), need(job)))


def need(job: DeployContext) -> CoresNeeded:
    """Return the vCPUs of both services' tasks."""
    core = int(job.setting("service", "Cpu")) / _UNITS_PER_CORE
    start = core * int(job.setting("service", "DesiredCount") or 1) * len(SERVICES)
    most = core * int(_found(job, "MaxTasks")) * len(SERVICES)
    return CoresNeeded(start, _ROLLING * start, _ROLLING * most)


def _found(job: DeployContext, parameter: str) -> str:
    """Return a parameter's value: the environment's, or the default of the template that declares it."""
    templates = (stack.template for stack in job.stacks.all if parameter in stack.template.parameters)
    return job.environment.parameters.get(parameter) or next(templates).default(parameter)


def allowed(aws: Aws) -> float:
    """Return the account's quota in vCPUs, or AWS's default if the account has no quota of its own."""
    service, code = _QUOTA
    try:
        return float(aws.quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
    except ClientError as error:
        if code_of(error) != "NoSuchResourceException":
            raise
    return float(aws.quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])


def judge(cores: float, wanted: CoresNeeded) -> Finding:
    """Return what the quota is sufficient for; vCPUs in use by other tasks are not counted."""
    ask = "request an increase in the Service Quotas console: AWS Fargate, Fargate On-Demand vCPU resource count"
    text = f"{cores:g} vCPU allowed"
    if cores < wanted.start:
        return bad(_SUBJECT, f"{text}, but the first tasks need {wanted.start:g}", ask)
    if cores < wanted.update:
        return care(
            _SUBJECT,
            f"{text}, an update needs {wanted.update:g}: old and new tasks run together",
            ask,
            "or run fewer tasks",
        )
    if cores < wanted.most:
        return care(_SUBJECT, f"{text}, an update at MaxTasks needs {wanted.most:g}", ask, "or lower MaxTasks")
    return good(_SUBJECT, f"{text}, {wanted.most:g} needed at most; vCPUs in use are not counted")
