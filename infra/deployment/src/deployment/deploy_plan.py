"""`voice-agent deploy-plan`: show what `deploy` would do, and do nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deployment import images, options, promotion, publish
from deployment.deploy import public_address
from deployment.examination import examine
from deployment.job import ROOT, Job, new_screen, open_job, run
from deployment.patience import Patience
from deployment.programs import Programs
from deployment.rollout import Consent, Rollout
from deployment.screen import Mark, Screen

_NOT_YET: Final = "https://not-yet.invalid"
"""Stands for the address of a load balancer that is not there yet."""


def main(
    arguments: Sequence[str],
    screen: Screen | None = None,
    programs: Programs | None = None,
    patience: Patience | None = None,
    root: Path = ROOT,
) -> int:
    """Show it; see `--help` for the exit codes."""
    given = options.read_plan(arguments)
    shown = screen or new_screen()
    return run(lambda: plan(open_job(given, shown, programs, patience or Patience(), root)), shown)


def plan(job: Job) -> int:
    """Make the same checks and comparisons as `deploy`, and leave nothing behind.

    Raises:
        DeploymentError: `deploy` would stop here too.
    """
    job.screen.title(f"voice-agent deploy-plan · {job.environment.name} · {job.aws.region}")
    examine(job)
    tag = job.found["ImageTag"] = publish.tag_of(job)
    _images(job, tag)
    job.found["PublicBaseUrl"] = _coming_address(job)
    rollout = Rollout(job, Consent(job.screen, all=False))
    job.screen.heading("Stacks")
    missing = 0
    for stack in job.stacks.all:
        exists = rollout.preview(stack, comparable=not missing)
        missing += not exists and stack in (job.stacks.registry, *job.stacks.foundation)
    job.screen.heading("Nothing was changed, and nothing is left behind")
    return 0


def _images(job: Job, tag: str) -> None:
    job.screen.heading(f"Images  {tag}")
    way = "built and pushed" if promotion.source(job) is None else "copied from the account where it was tested"
    for service in images.DOCKERFILES:
        there = images.is_there(job.aws, f"pipecat-voice-agent/{service}", tag)
        job.screen.row(Mark.GOOD if there else "+", service, "there already" if there else f"would be {way}")


def _coming_address(job: Job) -> str:
    """Tell the address that services will have: a certificate brings a new one, which its stack does not know yet."""
    domain = job.environment.parameters.get("DomainName", "")
    return f"https://{domain}" if domain else public_address(job) or _NOT_YET
