"""`voice-agent deploy`: make an environment, or bring it up to date."""

from collections.abc import Sequence
from pathlib import Path

from deployment import linked_roles, options, publish, retention
from deployment.errors import ProofError
from deployment.examination import examine
from deployment.finish import finish, say_roles
from deployment.job import ROOT, Job, new_screen, open_job, run
from deployment.keys import ensure
from deployment.patience import Patience
from deployment.programs import Programs
from deployment.release import release, roll_back
from deployment.rollout import Consent, Rollout
from deployment.screen import Screen


def main(
    arguments: Sequence[str],
    screen: Screen | None = None,
    programs: Programs | None = None,
    patience: Patience | None = None,
    root: Path = ROOT,
) -> int:
    """Deploy; see `--help` for the exit codes."""
    given = options.read_deploy(arguments)
    shown = screen or new_screen()
    return run(lambda: deploy(open_job(given, shown, programs, patience or Patience(), root)), shown)


def deploy(job: Job) -> int:
    """Check, build, change stack after stack, and see that it works.

    Raises:
        DeploymentError: where it stopped. The next run goes on from there.
    """
    job.screen.title(f"voice-agent deploy · {job.environment.name} · {job.aws.region}")
    examine(job)
    rollout = Rollout(job, Consent(job.screen, job.options.yes))
    if not job.options.foundation:
        job.found["ImageTag"] = publish.tag_of(job)
    job.screen.heading("Registry")
    rollout.deploy(job.stacks.registry)
    linked_roles.ensure(job)  # before images and network, which take minutes: AWS needs one to know a new role
    if not job.options.foundation:
        publish.publish(job, job.found["ImageTag"])
    job.screen.heading("Stacks")
    for stack in job.stacks.foundation:
        rollout.deploy(stack)
    ensure(job)
    if job.options.foundation:
        say_roles(job)
        return 0
    job.found["PublicBaseUrl"] = public_address(job)
    retention.announce(job, job.found["ImageTag"])
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


def public_address(job: Job) -> str:
    """Tell how the outside reaches it; empty before there is a load balancer."""
    for last in ("https", "edge"):
        known = last in job.stacks
        address = job.cloudformation.outputs(job.stacks[last]).get("PublicUrl", "") if known else ""
        if address:
            return address
    return ""
