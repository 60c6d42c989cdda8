"""A new version at one task of its own, called before it gets a caller; docs/decisions/0016 says why so.

The task is a second stack of service.yaml, behind the target group that canary.yaml keeps for it. Only requests with a
header reach it. When it has answered, or has not, it is deleted; what runs is untouched until then.
"""

import time
from collections.abc import Sequence
from typing import Final

from deployment import restart, service_secrets, smoke_test
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import DeploymentError, ProofError, StackError
from deployment.services import last_words
from deployment.stacks import Stack

HEADER: Final = "X-Canary"
ROLE: Final = "canary"


def stack_of(job: DeployContext, service: Stack) -> Stack:
    """Return the stack of a service's canary: the same template, and metrics that no alarm and no scaling counts."""
    namespace = job.setting("service", "MetricsNamespace") + "/Canary"
    own = {**service.own, "Role": ROLE, "MetricsNamespace": namespace, "DesiredCount": "1"}
    return Stack(f"{service.name}-{ROLE}", service.template, own, service.service)


def prove(job: DeployContext, services: Sequence[Stack]) -> None:
    """Start a task of each service's new version, and try it.

    Raises:
        ProofError: one does not work. The services are as they were.
    """
    job.screen.heading("Canary: the new version, before it gets a caller")
    value = job.cloudformation.outputs(job.stacks["canary"])["HeaderValue"]
    canaries = [stack_of(job, service) for service in services]
    try:
        for canary in canaries:
            _remove(job, canary)  # of a run that was ended
        for canary in canaries:
            _rule_is_reached(job, canary, value)
        for canary in canaries:
            _start(job, canary)
        for canary in canaries:
            _try(job, canary, value)
    except DeploymentError as error:
        what = f"the new version failed before it got a caller, and no service was changed: {error.what}"
        raise ProofError(what, *error.advice) from error
    finally:
        for canary in canaries:
            _remove_if_possible(job, canary)


def _start(job: DeployContext, canary: Stack) -> None:
    """Create the stack; CloudFormation is done when the task is healthy at the load balancer."""
    began = time.monotonic()
    job.screen.progress(f"{canary.last}: starting")
    given = canary.parameters(job.environment, job.found)
    given |= restart.parameters(job, canary, exists=False)
    changes = job.cloudformation.compare(canary, given, exists=False, name=f"canary-{time.time_ns()}")
    if changes is None:
        raise StackError(f"{canary.name} cannot be made", "look at it in CloudFormation's console")
    try:
        job.cloudformation.execute(changes)
    except StackError as error:
        said = last_words(job.aws, job.environment.name, canary.service, ROLE)
        raise StackError(error.what, *said, *error.advice) from error
    job.screen.row(CheckMark.GOOD, canary.last, f"one task runs after {time.monotonic() - began:.0f} s")


def _try(job: DeployContext, canary: Stack, value: str) -> None:
    if canary.service == "web":
        said = smoke_test.page(_address(job), job.patience, job.screen.progress, {HEADER: value})
        job.screen.row(CheckMark.GOOD, canary.last, said)
    else:
        prove_call(job, canary.last, f"{HEADER}: {value}")


def prove_call(job: DeployContext, subject: str, header: str = "") -> None:
    """Call the agent, where a call is possible.

    Raises:
        ProofError: with what the caller met.
    """
    if not job.options.call:
        job.screen.row(CheckMark.UNKNOWN, subject, "no call, as you asked")
    elif not job.found["PublicBaseUrl"].startswith("https://"):
        job.screen.row(CheckMark.CARE, subject, "no call: Twilio streams to https alone")
    elif secret := twilio(job):
        said = smoke_test.call(
            job.programs, _address(job), secret, lambda line: job.screen.progress(f"call  {line}"), header
        )
        job.screen.row(CheckMark.GOOD, subject, said)
    else:
        job.screen.row(CheckMark.UNKNOWN, subject, "no call: we may not read Twilio's secret, which signs it")


def twilio(job: DeployContext) -> dict[str, str]:
    """Read the values of Twilio's secret, with the token that signs now; nothing where we may not."""
    arn = job.cloudformation.outputs(job.stacks["platform"])["PhoneSecretArn"]
    return service_secrets.signing(service_secrets.read(job.aws, arn) or {})


def _rule_is_reached(job: DeployContext, canary: Stack, value: str) -> None:
    """See that the header arrives: without a task behind the rule the load balancer answers 503 itself.

    Whatever drops the header on its way would have the call prove the version that runs.
    """
    path = "/health" if canary.service == "web" else "/incoming-call"
    smoke_test.unserved(_address(job), path, {HEADER: value}, job.patience, job.screen.progress)


def _address(job: DeployContext) -> str:
    return job.options.address or job.found["PublicBaseUrl"]


def _remove(job: DeployContext, canary: Stack) -> None:
    if job.cloudformation.status(canary):
        job.screen.progress(f"{canary.last}: deleting")
        job.cloudformation.delete(canary)


def _remove_if_possible(job: DeployContext, canary: Stack) -> None:
    try:
        _remove(job, canary)
    except StackError as error:
        advice = ["the next run deletes it first; until then its task costs what any task costs"]
        job.screen.row(CheckMark.CARE, canary.last, f"is still there: {error.what}", advice)
