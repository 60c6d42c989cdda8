"""Why a stack failed, and what to do about it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_AFTERMATH: Final = re.compile(r"cancelled|canceled|following resource\(s\) failed", re.IGNORECASE)
_ADVICE: Final = (
    (
        r"Provider with url \S+ already exists",
        "the account has GitHub's OIDC provider, which other pipelines use too: set ProviderArn to its ARN",
    ),
    (
        r"already exists",
        "see whose it is: delete only what your own deployment left; beside another environment, set SecretsFolder",
    ),
    (
        r"service.linked role",
        "AWS has just created a role of its own, which takes a minute to be known: run the same command again",
    ),
    (
        r"must be verified before you can add new CloudFront",
        "a new account: ask AWS Support for it, or use a domain and a certificate instead of Https=cloudfront",
    ),
    (
        r"marked (for deletion|deleted)|scheduled for deletion",
        "the secret's name is taken until the deletion is over: aws secretsmanager restore-secret --secret-id NAME",
    ),
    (
        r"not authorized|access ?denied|explicit deny",
        "these credentials may not do that: an operator with the right to has to run this once (docs/howto/deploy.md)",
    ),
    (
        r"limit ?exceeded|maximum number|has been reached|quota",
        "ask for more in the Service Quotas console, or delete what is not used",
    ),
    (
        r"circuit breaker|did not stabilize|ECS Deployment|alarm",
        "its tasks did not get well; their last words are below. Mend that and deploy again",
    ),
    (
        r"active deployments exist",
        "tasks of five versions still talk: run this again when the oldest have ended. Stopping one cuts its calls off",
    ),
    (
        r"Cannot update export|is in use|as it is in use",
        "another stack stands on it: `make destroy`, which cuts off all conversations that go on, then deploy again",
    ),
    (r"No export named", "a stack that this one stands on is missing: run the whole `make deploy`"),
    (r"certificate", "the certificate must be issued, in this region: look at CertificateArn"),
)


@dataclass(frozen=True)
class Failure:
    """The first resource that failed; the others fail because of it."""

    resource: str
    kind: str
    reason: str

    @property
    def advice(self) -> str:
        """What to do."""
        for pattern, advice in _ADVICE:
            if re.search(pattern, self.reason, re.IGNORECASE):
                return advice
        return "mend that and run the same command again: it goes on from here"


def first(events: Iterable[Any]) -> Failure | None:
    """Find what failed first among a stack's events of this attempt, newest first as CloudFormation lists them."""
    for event in reversed(list(events)):
        reason = str(event.get("ResourceStatusReason", ""))
        failed = str(event.get("ResourceStatus", "")).endswith("FAILED")
        if failed and not _AFTERMATH.search(reason):
            return Failure(str(event.get("LogicalResourceId", "")), str(event.get("ResourceType", "")), reason)
    return None
