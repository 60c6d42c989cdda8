"""`voice-agent deploy-plan`: show what `deploy` would change, without changing it.

A plan always runs to its end: it lists what would stop a deployment, and derives the rest from what is known locally.
"""

from functools import partial
from typing import Final

from deployment import bill, bounds, changes, images, promotion, push_images
from deployment.aws import AwsFailure, short
from deployment.checks.parameters import FOUND
from deployment.console import CheckMark
from deployment.deploy import public_address
from deployment.deploy_context import DeployContext, run
from deployment.errors import DeploymentError, UsageError
from deployment.offline import is_out_of_reach
from deployment.preflight import look_at
from deployment.rollout import ChangeApproval, Rollout
from deployment.stacks import Stack

_NOT_YET: Final = "https://not-yet.invalid"
"""Placeholder for the URL of a load balancer that does not exist yet."""


def plan(job: DeployContext) -> int:
    """Run the checks and comparisons of `deploy`, change nothing, and return 1 if `deploy` would stop."""
    job.screen.title(f"voice-agent deploy-plan · {job.environment.name} · {job.aws.region}")
    stopping = look_at(job)
    # Set in the order in which `deploy` would find them, because stacks use both.
    job.found["ImageTag"] = _tag(job)
    _images(job)
    job.found["PublicBaseUrl"] = _coming_address(job)
    stopping += _stacks(job)
    # The bill is shown even if `deploy` would stop: it often decides whether to continue.
    bill.show(job)
    job.screen.heading("Nothing was changed")
    if stopping:
        job.screen.advise(f"`deploy` would stop at: {', '.join(dict.fromkeys(stopping))}", "  ")
    return 1 if stopping else 0


work: Final = partial(run, plan)
"""Run the command with its options; return the exit code."""


def _tag(job: DeployContext) -> str:
    """Return the images' tag, or a placeholder without a commit; the check of the source reports why there is none."""
    try:
        return push_images.tag_of(job)
    except UsageError:
        return FOUND["ImageTag"]


def _images(job: DeployContext) -> None:
    job.screen.heading(f"Images  {job.found['ImageTag']}")
    way = "built and pushed" if promotion.source(job) is None else "copied from the account where it was tested"
    for service in job.environment.services:
        try:
            there = images.is_there(job.aws, f"pipecat-voice-agent/{service}", job.found["ImageTag"])
        except AwsFailure as error:
            _forget(job, error)
            job.screen.row(CheckMark.UNKNOWN, service, f"{way}, unless the registry contains it")
            continue
        # An image that is there is not built again.
        job.screen.row(CheckMark.GOOD if there else "+", service, "already pushed" if there else f"would be {way}")


def _coming_address(job: DeployContext) -> str:
    """Return the URL that the services will have: with a certificate it is the domain, which no stack outputs yet."""
    domain = job.environment.parameters.get("DomainName", "")
    try:
        # Without a domain the URL is the load balancer's, which only AWS knows.
        return f"https://{domain}" if domain else public_address(job) or _NOT_YET
    except AwsFailure as error:
        _forget(job, error)
        return _NOT_YET


def _stacks(job: DeployContext) -> list[str]:
    """Show the changes of each stack; return the stacks that CloudFormation rejects."""
    job.screen.heading("Stacks, by their templates" if job.is_offline else "Stacks")
    rollout = Rollout(job, ChangeApproval(job.screen, all=False))
    missing, refused = 0, []
    for stack in job.stacks.all:
        try:
            exists = _preview(rollout, stack, comparable=not missing)
        except DeploymentError as error:
            job.screen.row(CheckMark.BAD, stack.last, error.what, error.advice)
            refused.append(stack.last)
            exists = False
        # Once a stack below is missing, CloudFormation cannot resolve the imports of the later ones.
        missing += not exists and stack in (job.stacks.registry, *job.stacks.foundation)
    return refused


def _preview(rollout: Rollout, stack: Stack, *, comparable: bool) -> bool:
    """Compare one stack with AWS, or list its template's resources offline; return whether the stack exists."""
    job = rollout.job
    given = stack.parameters(job.environment, {**FOUND, **job.found})
    # Offline, the template alone tells what would be created.
    if job.is_offline:
        job.screen.row(CheckMark.STEP, stack.last, changes.kinds(stack.template.made(given).values()))
        return False
    # CloudFormation would reject the stack for reasons that the checks have already reported.
    if stack.template.parameters & job.set_aside or bounds.refused(stack.template, given, job.environment.region):
        by_template = changes.kinds(stack.template.made(given).values())
        job.screen.row(CheckMark.UNKNOWN, stack.last, f"not compared, see parameters; by its template: {by_template}")
        return False
    try:
        return rollout.preview(stack, comparable=comparable)
    except AwsFailure as error:
        _forget(job, error)
        by_template = changes.kinds(stack.template.made(given).values())
        job.screen.row(CheckMark.UNKNOWN, stack.last, f"not compared: {short(error)}; by its template: {by_template}")
        return False


def _forget(job: DeployContext, error: Exception) -> None:
    """Stop sending requests once AWS is unreachable: each further one would wait for the same timeout."""
    if is_out_of_reach(error):
        job.go_offline()
