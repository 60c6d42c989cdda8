"""Starts one canary task of a new version and tests it before it receives callers; see docs/decisions/0016.

The task is a second stack of service.yaml, behind the target group that canary.yaml provides. Only requests with the
canary header reach it. The stack is deleted after the test, passed or failed; the running service stays unchanged until
then.
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
    """Return a service's canary stack: the same template, with metrics that neither alarms nor scaling read."""
    # A separate namespace, so that the canary neither fires alarms nor counts as capacity.
    namespace = job.setting("service", "MetricsNamespace") + "/Canary"
    own = {**service.own, "Role": ROLE, "MetricsNamespace": namespace, "DesiredCount": "1"}
    return Stack(f"{service.name}-{ROLE}", service.template, own, service.service)


def prove(job: DeployContext, services: Sequence[Stack]) -> None:
    """Start a canary task for each changed service, and test it.

    Raises:
        ProofError: A canary failed. The services are unchanged.
    """
    job.screen.heading("Canary: the new version, before it receives callers")
    value = job.cloudformation.outputs(job.stacks["canary"])["HeaderValue"]
    canaries = [stack_of(job, service) for service in services]
    try:
        # In phases: a header that does not arrive is noticed before any task is started.
        for canary in canaries:
            _remove(job, canary)  # left by an interrupted run
        for canary in canaries:
            _rule_is_reached(job, canary, value)
        for canary in canaries:
            _start(job, canary)
        for canary in canaries:
            _try(job, canary, value)
    # Any failure means the same for the operator: nothing was changed.
    except DeploymentError as error:
        what = f"the new version failed before it received callers, and no service was changed: {error.what}"
        raise ProofError(what, *error.advice) from error
    # Also after success: a canary costs as much as a task.
    finally:
        for canary in canaries:
            _remove_if_possible(job, canary)


def _start(job: DeployContext, canary: Stack) -> None:
    """Create the canary stack. CloudFormation completes it once the task passes the load balancer's health check."""
    # CREATE_COMPLETE means that ECS has registered the task and the health check has passed.
    began = time.monotonic()
    job.screen.progress(f"{canary.last}: starting")
    given = canary.parameters(job.environment, job.found)
    given |= restart.parameters(job, canary, exists=False)
    changes = job.cloudformation.compare(canary, given, exists=False, name=f"canary-{time.time_ns()}")
    if changes is None:
        raise StackError(f"{canary.name} cannot be created", "look at it in CloudFormation's console")
    try:
        job.cloudformation.execute(changes)
    except StackError as error:
        said = last_words(job.aws, job.environment.name, canary.service, ROLE)
        # The task's last log lines say more than CloudFormation's message.
        raise StackError(error.what, *said, *error.advice) from error
    job.screen.row(CheckMark.GOOD, canary.last, f"one task healthy after {time.monotonic() - began:.0f} s")


def _try(job: DeployContext, canary: Stack, value: str) -> None:
    # A page can be fetched with the header; a call is made by a program, which passes the header on.
    if canary.service == "web":
        said = smoke_test.page(_address(job), job.patience, job.screen.progress, {HEADER: value})
        job.screen.row(CheckMark.GOOD, canary.last, said)
    else:
        prove_call(job, canary.last, f"{HEADER}: {value}")


def prove_call(job: DeployContext, subject: str, header: str = "") -> None:
    """Call the agent, unless this deployment cannot receive calls.

    Raises:
        ProofError: The call failed.
    """
    # Skipping is the operator's choice and no failure.
    if not job.options.call:
        job.screen.row(CheckMark.UNKNOWN, subject, "skipped (--no-call)")
    elif not job.found["PublicBaseUrl"].startswith("https://"):
        job.screen.row(CheckMark.CARE, subject, "no call: Twilio Media Streams require https")
    elif secret := twilio(job):
        said = smoke_test.call(
            job.programs, _address(job), secret, lambda line: job.screen.progress(f"call  {line}"), header
        )
        job.screen.row(CheckMark.GOOD, subject, said)
    else:
        job.screen.row(
            CheckMark.UNKNOWN, subject, "no call: no permission to read Twilio's secret, which signs the request"
        )


def twilio(job: DeployContext) -> dict[str, str]:
    """Return the values of Twilio's secret, with the active token only; empty without permission to read it."""
    # The stack's output, not the parameter: it is the secret that the tasks use.
    arn = job.cloudformation.outputs(job.stacks["platform"])["PhoneSecretArn"]
    return service_secrets.signing(service_secrets.read(job.aws, arn) or {})


def _rule_is_reached(job: DeployContext, canary: Stack, value: str) -> None:
    """Check that the canary header arrives: before its task runs, the load balancer answers such requests with 503.

    If a proxy dropped the header, the test call would reach the running version and pass.
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
    # The result of the test matters more than cleaning up after it.
    except StackError as error:
        advice = ["the next run deletes it first; until then its task is billed"]
        job.screen.row(CheckMark.CARE, canary.last, f"could not be deleted: {error.what}", advice)
