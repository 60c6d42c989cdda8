"""The services: what changes is tried at a canary first, and can be rolled back when the proof at the end fails."""

from collections.abc import Sequence

from deployment import canary
from deployment.cloudformation import ChangeSet
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import DeclinedError, DeploymentError, ProofError, UsageError
from deployment.rollout import ChangeApproval, Rollout


def release(job: DeployContext, rollout: Rollout) -> None:
    """Bring the services up to date.

    Raises:
        DeploymentError: where it stopped. What was agreed to and not done is discarded.
    """
    pending: list[ChangeSet] = []
    try:
        for stack in job.stacks.services:
            if change_set := rollout.prepare(stack):
                pending.append(change_set)  # noqa: PERF401 - a "no" discards those before it too
        _try(job, pending)
        while pending:
            _remember(job, pending[0])
            rollout.make(pending.pop(0))
    finally:
        for left in pending:
            job.cloudformation.discard(left)


def _try(job: DeployContext, pending: Sequence[ChangeSet]) -> None:
    """Try what replaces something that runs; a first version has no callers to lose."""
    replacing = [change_set.stack for change_set in pending if not change_set.creates]
    if not replacing:
        return
    if job.options.canary:
        canary.prove(job, replacing)
    else:
        job.screen.row(CheckMark.UNKNOWN, "canary", "left out, as you asked")


def _remember(job: DeployContext, change_set: ChangeSet) -> None:
    """Keep which image a service ran before, to go back to."""
    stack = change_set.stack
    ran = "" if change_set.creates else job.cloudformation.parameters(stack).get("ImageTag", "")
    if ran and ran != job.found["ImageTag"]:
        job.before[stack.service] = ran


def roll_back(job: DeployContext, rollout: Rollout, error: ProofError) -> ProofError:
    """Offer to roll back the images that this run changed; return the error that ends the run.

    Args:
        job: whose run has changed images.
        rollout: what was agreed to: after "all" nothing is asked.
        error: what the proof has found.
    """
    if not job.before:
        return error
    job.screen.heading("It does not work")
    job.screen.row(CheckMark.BAD, "proof", error.what, error.advice)
    former = " and ".join(f"{service} to {tag}" for service, tag in job.before.items())
    try:
        rollout.consent.ask(f"Roll {former} back?")
    except (DeclinedError, UsageError):
        return ProofError(f"{error.what}; the new version runs", *error.advice)
    back = Rollout(job, ChangeApproval(job.screen, all=True))
    try:
        for service, tag in job.before.items():
            job.found["ImageTag"] = tag
            back.deploy(job.stacks[service])
    except DeploymentError as failed:
        return ProofError(f"{error.what}; rolling back failed too: {failed.what}", *failed.advice)
    return ProofError(f"{error.what}; rolled back: {former}", *error.advice)
