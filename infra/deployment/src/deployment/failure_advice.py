"""Explains why a stack failed, and what to do about it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_AFTERMATH: Final = re.compile(r"cancelled|canceled|following resource\(s\) failed", re.IGNORECASE)
_ADVICE: Final = (
    (
        r"Provider with url \S+ already exists",
        "the account already has GitHub's OIDC provider, which other pipelines may use: set ProviderArn to its ARN",
    ),
    (
        r"already exists",
        "see what owns it: delete only what your own deployment left; beside another environment, set SecretsFolder",
    ),
    (
        r"service.linked role",
        "IAM is still propagating a role that AWS has just created, which takes a minute: run the same command again",
    ),
    (
        r"must be verified before you can add new CloudFront",
        "a new account: ask AWS Support to verify it, or use a domain and a certificate instead of Https=cloudfront",
    ),
    (
        r"marked (for deletion|deleted)|scheduled for deletion",
        "the secret's name is reserved until it is deleted: aws secretsmanager restore-secret --secret-id NAME",
    ),
    (
        r"not authorized|access ?denied|explicit deny",
        "these credentials lack a permission: an operator who has it must run this once (docs/howto/deploy.md)",
    ),
    (
        r"limit ?exceeded|maximum number|has been reached|quota",
        "request an increase in the Service Quotas console, or delete unused resources",
    ),
    (
        r"circuit breaker|did not stabilize|ECS Deployment|alarm",
        "tasks failed their health checks; see the log lines below, fix the cause and redeploy",
    ),
    (
        r"active deployments exist",
        "tasks of five versions still have calls: run this again when the oldest end. Stopping one cuts its calls off",
    ),
    (
        r"Cannot update export|is in use|as it is in use",
        "another stack depends on it: `make destroy`, which cuts off all active conversations, then deploy again",
    ),
    (r"No export named", "a stack that this one imports from is missing: run a full `make deploy`"),
    (r"certificate", "the certificate must be issued, and in this region: check CertificateArn"),
)


@dataclass(frozen=True)
class Failure:
    """The first resource that failed; the others fail because of it."""

    resource: str
    kind: str
    reason: str

    @property
    def advice(self) -> str:
        """What the operator can do."""
        for pattern, advice in _ADVICE:
            if re.search(pattern, self.reason, re.IGNORECASE):
                return advice
        return "fix that and run the same command again: it continues from here"


def first(events: Iterable[Any]) -> Failure | None:
    """Return the first failure among the events of this attempt, which CloudFormation lists newest first."""
    # Oldest first: later failures are usually cancellations that the first one has caused.
    for event in reversed(list(events)):
        reason = str(event.get("ResourceStatusReason", ""))
        failed = str(event.get("ResourceStatus", "")).endswith("FAILED")
        if failed and not _AFTERMATH.search(reason):
            return Failure(str(event.get("LogicalResourceId", "")), str(event.get("ResourceType", "")), reason)
    return None
