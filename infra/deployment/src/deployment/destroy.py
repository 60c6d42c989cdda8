"""`voice-agent destroy`: delete an environment, newest stack first."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from deployment.canary import stack_of
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext, run
from deployment.draining import DRAIN_SECONDS, quick_drain
from deployment.errors import DeclinedError, UsageError
from deployment.stacks import Stack, stacks_of
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate

_OPTIONAL: Final = (("flow-logs", "flow-logs"), ("firewall", "firewall"), ("https", "https"), ("github", "github-oidc"))
"""Optional stacks that the environment's file may have enabled earlier: delete them too."""


_TAKEN_UP: Final = {"AWS::SecretsManager::Secret", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"}
"""Retained resource types that the next deployment reuses."""


def destroy(job: DeployContext) -> int:
    """List what is deleted and what remains, ask for confirmation, and delete.

    Raises:
        DeploymentError: Where it stopped. The next run continues from there.
    """
    job.screen.title(f"voice-agent destroy · {job.environment.name} · {job.aws.region}")
    _sign_in(job)
    # In reverse order, because a stack cannot be deleted while another one imports its exports.
    standing = [stack for stack in reversed(_every(job)) if job.cloudformation.status(stack)]
    if not standing:
        job.screen.row(CheckMark.GOOD, "stacks", "none exist")
        return 0
    _announce(job, standing)
    _agreed(job, standing)
    job.screen.heading("Stacks")
    for stack in standing:
        # Protection is removed stack by stack, so that an interrupted run leaves the rest protected.
        _unprotect(job, stack)
        job.screen.progress(f"{stack.name}: deleting")
        # ECS waits for connections to close; without the short delay that would take up to an hour per service.
        with quick_drain(job, stack):
            job.cloudformation.settle(stack, lambda _: None)
            job.cloudformation.delete(stack)
        job.screen.row("-", stack.name, "deleted")
    return 0


work: Final = partial(run, destroy)
"""Run the command with its options; return the exit code."""


def _sign_in(job: DeployContext) -> None:
    identity = job.aws.sts.get_caller_identity()
    # Logs of automated runs may be public, so they do not contain the account number.
    number = identity["Account"] if job.screen.watched else f"…{identity['Account'][-4:]}"
    job.screen.row(CheckMark.GOOD, "credentials", f"account {number}, as {identity['Arn'].rpartition(':')[2]}")


def _every(job: DeployContext) -> list[Stack]:
    """Return all stacks except the registry, which other environments share."""
    folder = job.stacks.registry.template.path.parent
    extra = [
        Stack(f"pipecat-{job.environment.name}-{last}", StackTemplate(folder / f"{template}.yaml"))
        for last, template in _OPTIONAL
        if last not in job.stacks
    ]
    # Both services, even if `Services` now names one: the other's stacks may still exist.
    both = stacks_of(replace(job.environment, parameters=_for_both(job.environment)), folder)
    leftovers = [stack_of(job, service) for service in both.services]  # canaries of interrupted runs
    return [*job.stacks.foundation, *extra, *both.guards, *both.services, *leftovers, *both.watch]


def _for_both(environment: TargetEnvironment) -> dict[str, str]:
    """Return the parameters without `Services`: the stacks of a service may be left from a time when it was enabled."""
    return {name: value for name, value in environment.parameters.items() if name != "Services"}


def _announce(job: DeployContext, standing: Sequence[Stack]) -> None:
    job.screen.heading("Will be deleted")
    for stack in standing:
        job.screen.row("-", stack.last, stack.name)
    job.screen.row(
        CheckMark.CARE,
        "calls",
        f"active conversations are cut off {DRAIN_SECONDS} s after the deletion of their service starts, without an "
        "announcement",
        ["to let them finish, point the number and the page elsewhere until the dashboard shows no sessions"],
    )
    if _protected(job, standing):
        job.screen.row(CheckMark.CARE, "protected", "deletion protection is on; confirming turns it off")
    job.screen.heading("Will remain")
    for stack in standing:
        for name, kind in stack.template.kept.items():
            again = "; the next deployment reuses it" if kind in _TAKEN_UP else ""
            job.screen.row(CheckMark.STEP, kind.rpartition("::")[2], f"{name}, if there is one{again}")
    job.screen.row(CheckMark.STEP, "registry", f"{job.stacks.registry.name}: images, shared by all environments")


def _protected(job: DeployContext, standing: Sequence[Stack]) -> bool:
    return any(job.cloudformation.is_protected(stack) for stack in standing)


def _unprotect(job: DeployContext, stack: Stack) -> None:
    if not job.cloudformation.is_protected(stack):
        return
    job.cloudformation.protect(stack, on=False)
    # The load balancer's own protection blocks the deletion of its stack as well.
    balancer = job.cloudformation.outputs(stack).get("LoadBalancerArn", "")
    if balancer:
        job.aws.elb.modify_load_balancer_attributes(
            LoadBalancerArn=balancer, Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}]
        )


def _agreed(job: DeployContext, standing: Sequence[Stack]) -> None:
    # --yes alone does not delete a protected environment.
    if job.options.yes and (job.options.unprotect or not _protected(job, standing)):
        return
    if job.options.yes and not job.screen.can_ask:
        raise UsageError(f"{job.environment.name} is protected: --yes is not enough", "add --unprotect (UNPROTECT=1)")
    if not job.screen.can_ask:
        raise UsageError("not a terminal; pass --yes to confirm", "pass --yes (YES=1)")
    # Type the name, as consoles require for deletions: "y" is too easily typed in the wrong window.
    question = f"To continue, type the environment's name ({job.environment.name}):"
    if job.screen.ask(question) != job.environment.name:
        raise DeclinedError("the name does not match: nothing was deleted")
