"""Asks for missing secret values before a service starts that reads them."""

from collections.abc import Iterator

from deployment import service_secrets
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import DeploymentError
from deployment.service_secrets import Found, SecretNeeded


def ensure(job: DeployContext) -> None:
    """Check that every secret has its values, and ask for those that are missing.

    Raises:
        DeploymentError: A value is missing and there is no terminal to ask on.
    """
    lacking = list(_lacking(job))
    if lacking and not job.screen.can_ask:
        raise DeploymentError(
            "; ".join(_complaint(found, need) for found, need in lacking),
            *(line for found, need in lacking for line in service_secrets.how_to_fill(job.aws.region, found, need)),
            "then run the same command again: it continues from here",
        )
    for found, need in lacking:
        _ask(job, found, need)


def _lacking(job: DeployContext) -> Iterator[tuple[Found, SecretNeeded]]:
    outputs = job.cloudformation.outputs(job.stacks["platform"])
    for need in service_secrets.read_by_services(job.environment, job.stacks["platform"].template):
        arn = outputs.get(f"{need.service.capitalize()}SecretArn") or job.environment.parameters[need.parameter]
        found = Found(arn, "", service_secrets.read(job.aws, arn))
        if found.values is not None and (found.lacks(need) or found.misses(need)):
            yield found, need


def _complaint(found: Found, need: SecretNeeded) -> str:
    if lacking := found.lacks(need):
        return f"{found.called(need)} has no {' and no '.join(lacking)} yet"
    missing = " and no key ".join(found.misses(need))
    return f"{found.called(need)} has no key {missing}; it may be empty, but ECS does not start a task without it"


def _ask(job: DeployContext, found: Found, need: SecretNeeded) -> None:
    if found.lacks(need):
        kept = "input is hidden, and stored in Secrets Manager only"
        job.screen.row(CheckMark.STEP, "secret", f"{found.called(need)}: {kept}")
    values = {key: job.screen.ask_hidden(f"{need.keys[key]}:") for key in found.lacks(need)}
    filled = Found(found.arn, found.owner, {**(found.values or {}), **values})
    if filled.lacks(need) or filled.wrong(need):
        wrong = ", ".join(filled.lacks(need) or filled.wrong(need))
        raise DeploymentError(f"{wrong} is not valid: nothing was written", "run the same command again")
    service_secrets.fill(job.aws, found, need, values)
    added = f", and {' and '.join(found.misses(need))}, empty" if found.misses(need) else ""
    job.screen.row(CheckMark.GOOD, "secret", f"{found.called(need)} has its values{added}")
