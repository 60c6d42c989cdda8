"""Checks the VPC and elastic IP quotas before a new network is created."""

from functools import partial
from typing import Final

from deployment.aws import Aws
from deployment.checks.finding import Finding, asked, care, good

_QUOTAS: Final = {"network": ("vpc", "L-F678F1CE"), "addresses": ("ec2", "L-0263D0A3")}
_TIGHT: Final = {"network": 1, "addresses": 2}


def check(aws: Aws) -> list[Finding]:
    """Return the quotas that most often stop a first deployment; those in use are not counted."""
    return [asked(subject, partial(_read, aws, subject)) for subject in _QUOTAS]


def _read(aws: Aws, subject: str) -> Finding:
    # Reading the usage too would take requests to EC2, for a check that only warns.
    service, code = _QUOTAS[subject]
    quota = aws.quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    text = f"{quota['Value']:.0f} allowed ({quota['QuotaName']}); those in use are not counted"
    if quota["Value"] < _TIGHT[subject]:
        return care(subject, text, "request an increase in the Service Quotas console, or set VpcId")
    return good(subject, text)
