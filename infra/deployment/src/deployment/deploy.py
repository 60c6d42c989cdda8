"""`voice-agent deploy`: make an environment, or bring it up to date."""

from collections.abc import Sequence
from pathlib import Path

from deployment import deploy_options, image_retention, linked_roles, push_images
from deployment.console import Screen
from deployment.deploy_context import ROOT, DeployContext, new_screen, open_job, run
from deployment.deploy_options import Options
from deployment.errors import ProofError
from deployment.post_deploy import finish, say_roles
from deployment.preflight import examine
from deployment.release import release, roll_back
from deployment.rollout import ChangeApproval, Rollout
from deployment.secret_values import ensure
from deployment.subprocesses import Programs
from deployment.timeouts import Timeouts


def main(
    arguments: Sequence[str],
    screen: Screen | None = None,
    programs: Programs | None = None,
    patience: Timeouts | None = None,
    root: Path = ROOT,
) -> int:
    """Read the options, and do what they ask for; see `--help` for the exit codes."""
    return work(deploy_options.read_deploy(arguments), screen, programs, patience, root)


def work(
    given: Options,
    screen: Screen | None = None,
    programs: Programs | None = None,
    patience: Timeouts | None = None,
    root: Path = ROOT,
) -> int:
    """Deploy, and return the exit code."""
    shown = screen or new_screen()
    return run(lambda: deploy(open_job(given, shown, programs, patience or Timeouts(), root)), shown)


def deploy(job: DeployContext) -> int:
    """Check, build, change stack after stack, and see that it works.

    Raises:
        DeploymentError: where it stopped. The next run goes on from there.
    """
    job.screen.title(f"voice-agent deploy · {job.environment.name} · {job.aws.region}")
    examine(job)
    rollout = Rollout(job, ChangeApproval(job.screen, job.options.yes))
    if not job.options.foundation:
        job.found["ImageTag"] = push_images.tag_of(job)
    job.screen.heading("Registry")
    rollout.deploy(job.stacks.registry)
    linked_roles.ensure(job)  # before images and network, which take minutes: AWS needs one to know a new role
    if not job.options.foundation:
        push_images.publish(job, job.found["ImageTag"])
    job.screen.heading("Stacks")
    for stack in job.stacks.foundation:
        rollout.deploy(stack)
    ensure(job)
    if job.options.foundation:
        say_roles(job)
        return 0
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


def public_address(job: DeployContext) -> str:
    """Tell how the outside reaches it; empty before there is a load balancer."""
    for last in ("https", "edge"):
        known = last in job.stacks
        address = job.cloudformation.outputs(job.stacks[last]).get("PublicUrl", "") if known else ""
        if address:
            return address
    return ""
