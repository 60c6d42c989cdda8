"""Replaces tasks although no template and no image has changed: after a change of a secret, or with --restart.

Tasks read their secrets only at start, so a corrected or rotated value does not reach a running task.
"""

import time
from hashlib import sha256
from typing import Final

from botocore.exceptions import ClientError

from deployment import service_secrets
from deployment.deploy_context import DeployContext
from deployment.service_secrets import SecretNeeded
from deployment.stacks import Stack

_CURRENT: Final = "AWSCURRENT"
_SHARED: Final = "weather"
"""Name of the secret that both services read."""


def parameters(job: DeployContext, stack: Stack, *, exists: bool) -> dict[str, str]:
    """Return the parameters of a service's stack that make ECS replace its tasks if they differ from the last ones."""
    last = job.cloudformation.parameters(stack) if exists else {}
    return {
        "SecretVersion": _versions(job, stack.service) or last.get("SecretVersion", ""),
        "Restart": _ordered(job) if job.options.restart else last.get("Restart", ""),
    }


def _ordered(job: DeployContext) -> str:
    return job.found.setdefault("Restart", time.strftime("%Y%m%d-%H%M%S", time.gmtime()))


def _versions(job: DeployContext, service: str) -> str:
    """Return a hash of the current versions of a service's secrets; empty without permission to describe them."""
    needs = service_secrets.needs(job.environment, job.stacks["platform"].template)
    try:
        found = [_version(job, need) for need in needs if need.service in {service, _SHARED}]
    except ClientError:
        return ""
    # With an unknown version, keep the last value: a changed one would replace all tasks.
    return sha256(" ".join(found).encode()).hexdigest()[:16] if all(found) else ""


def _version(job: DeployContext, need: SecretNeeded) -> str:
    outputs = job.cloudformation.outputs(job.stacks["platform"])
    named = job.environment.parameters.get(need.parameter)
    arn = outputs.get(f"{need.service.capitalize()}SecretArn") or named or need.name
    stages = job.aws.secrets.describe_secret(SecretId=arn).get("VersionIdsToStages", {})
    return next((version for version, names in stages.items() if _CURRENT in names), "")
