"""`voice-agent deploy`: make an environment, or bring it up to date."""

from collections.abc import Sequence
from pathlib import Path

from deployment import options, publish, retention
from deployment.examination import examine
from deployment.finish import finish
from deployment.job import ROOT, Job, new_screen, open_job, run
from deployment.keys import ensure
from deployment.patience import Patience
from deployment.programs import Programs
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
    tag = job.found["ImageTag"] = publish.tag_of(job)
    job.screen.heading("Registry")
    rollout.deploy(job.stacks.registry)
    if not job.options.images:
        publish.publish(job, tag)
    job.screen.heading("Stacks")
    for stack in job.stacks.foundation:
        rollout.deploy(stack)
    ensure(job)
    job.found["PublicBaseUrl"] = public_address(job)
    retention.announce(job, tag)
    for stack in (*job.stacks.services, *job.stacks.watch):
        rollout.deploy(stack)
    finish(job)
    return 0


def public_address(job: Job) -> str:
    """Tell how the outside reaches it; empty before there is a load balancer."""
    for last in ("https", "edge"):
        known = last in job.stacks
        address = job.cloudformation.outputs(job.stacks[last]).get("PublicUrl", "") if known else ""
        if address:
            return address
    return ""
