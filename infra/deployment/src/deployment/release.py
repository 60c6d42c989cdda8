"""Updates the services: tests changes as a canary first, and offers a rollback if the smoke test fails."""

from collections.abc import Sequence

from deployment import canary
from deployment.cloudformation import ChangeSet
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import DeclinedError, DeploymentError, ProofError, UsageError
from deployment.rollout import ChangeApproval, Rollout


def release(job: DeployContext, rollout: Rollout) -> None:
    """Update the services.

    Raises:
        DeploymentError: Where it stopped. Confirmed change sets that were not executed are deleted.
    """
    pending: list[ChangeSet] = []
    try:
        for stack in job.stacks.services:
            if change_set := rollout.prepare(stack):
                pending.append(change_set)  # noqa: PERF401 - after a "no", `finally` discards the earlier ones
        # All canaries first, so that either both services change or none.
        _try(job, pending)
        while pending:
            _remember(job, pending[0])
            rollout.make(pending.pop(0))
    finally:
        for left in pending:
            job.cloudformation.discard(left)


def _try(job: DeployContext, pending: Sequence[ChangeSet]) -> None:
    """Test new versions of running services as canaries; a first version has no callers to protect."""
    replacing = [change_set.stack for change_set in pending if not change_set.creates]
    if not replacing:
        return
    if job.options.canary:
        canary.prove(job, replacing)
    else:
        job.screen.row(CheckMark.UNKNOWN, "canary", "skipped (--no-canary)")


def _remember(job: DeployContext, change_set: ChangeSet) -> None:
    """Record which image a service ran before, for a rollback."""
    stack = change_set.stack
    ran = "" if change_set.creates else job.cloudformation.parameters(stack).get("ImageTag", "")
    if ran and ran != job.found["ImageTag"]:
        job.before[stack.service] = ran


def roll_back(job: DeployContext, rollout: Rollout, error: ProofError) -> ProofError:
    """Offer to roll back the images that this run changed; return the error that ends the run.

    Args:
        job: The command whose run changed the images.
        rollout: Knows what was confirmed: after "all" there are no more questions.
        error: What the smoke test found.
    """
    if not job.before:
        return error
    job.screen.heading("Smoke test failed")
    job.screen.row(CheckMark.BAD, "smoke test", error.what, error.advice)
    former = " and ".join(f"{service} to {tag}" for service, tag in job.before.items())
    try:
        rollout.consent.ask(f"Roll {former} back?")
    except (DeclinedError, UsageError):
        return ProofError(f"{error.what}; the new version keeps running", *error.advice)
    back = Rollout(job, ChangeApproval(job.screen, all=True))
    try:
        for service, tag in job.before.items():
            job.found["ImageTag"] = tag
            back.deploy(job.stacks[service])
    except DeploymentError as failed:
        return ProofError(f"{error.what}; rolling back failed too: {failed.what}", *failed.advice)
    return ProofError(f"{error.what}; rolled back: {former}", *error.advice)
