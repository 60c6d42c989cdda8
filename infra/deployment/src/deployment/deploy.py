"""`voice-agent deploy`: create or update an environment."""

from functools import partial
from typing import Final

from deployment import image_retention, linked_roles, push_images
from deployment.deploy_context import DeployContext, run
from deployment.errors import ProofError
from deployment.post_deploy import finish, say_roles
from deployment.preflight import examine
from deployment.release import release, roll_back
from deployment.rollout import ChangeApproval, Rollout
from deployment.secret_values import ensure


def deploy(job: DeployContext) -> int:
    """Check, build, deploy every stack, and run a smoke test.

    Raises:
        DeploymentError: Where it stopped. The next run continues from there.
    """
    job.screen.title(f"voice-agent deploy · {job.environment.name} · {job.aws.region}")
    examine(job)
    rollout = Rollout(job, ChangeApproval(job.screen, job.options.yes))
    if not job.options.foundation:
        job.found["ImageTag"] = push_images.tag_of(job)
    job.screen.heading("Registry")
    rollout.deploy(job.stacks.registry)
    linked_roles.ensure(job)  # early: IAM needs a minute to propagate a new role, and images and network take longer
    if not job.options.foundation:
        push_images.publish(job, job.found["ImageTag"])
    job.screen.heading("Stacks")
    for stack in job.stacks.foundation:
        rollout.deploy(stack)
    ensure(job)
    if job.options.foundation:
        say_roles(job)
        return 0  # GitHub's workflow builds the images and deploys the services
    job.found["PublicBaseUrl"] = public_address(job)
    image_retention.announce(job, job.found["ImageTag"])
    for stack in job.stacks.guards:
        rollout.deploy(stack)
    release(job, rollout)
    for stack in job.stacks.watch:
        rollout.deploy(stack)
    try:
        finish(job)
    except ProofError as error:
        raise roll_back(job, rollout, error) from error
    return 0


work: Final = partial(run, deploy)
"""Run the command with its options; return the exit code."""


def public_address(job: DeployContext) -> str:
    """Return the public URL; empty before there is a load balancer."""
    for last in ("https", "edge"):
        known = last in job.stacks
        address = job.cloudformation.outputs(job.stacks[last]).get("PublicUrl", "") if known else ""
        if address:
            return address
    return ""
