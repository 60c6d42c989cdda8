"""Pushes images to the registry, skipping those that it already contains."""

import time

from deployment import images, promotion
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import UsageError


def tag_of(job: DeployContext) -> str:
    """Return the tag of the images that will run.

    Raises:
        UsageError: No tag was given, and there is no commit.
    """
    if job.options.images or job.options.tag:
        return job.options.images or job.options.tag
    commit = images.commit(job.programs)
    if commit is None:
        raise UsageError("not a git repository, so there is no commit to tag the images with", "set a tag: --tag")
    return commit.tag


def publish(job: DeployContext, tag: str) -> None:
    """Build and push the images that the registry lacks, or copy them from the account where they were tested.

    Raises:
        ImageError: docker failed.
    """
    origin = promotion.source(job)
    if origin is None and job.options.images:
        return
    job.screen.heading(f"Images  {tag}")
    if origin is not None:
        promotion.promote(job, origin, tag)
        return
    logged_in = False
    platform = images.PLATFORMS[job.setting("service", "CpuArchitecture")]
    for service, uri in images.repositories(job.cloudformation.outputs(job.stacks.registry)).items():
        if service not in job.environment.services:
            continue
        registry, _, repository = uri.partition("/")
        if images.is_there(job.aws, repository, tag):
            job.screen.row(CheckMark.GOOD, service, "already pushed")
            continue
        if not logged_in:
            images.log_in(job.aws.ecr, job.programs, registry)
            logged_in = True
        _build(job, service, f"{uri}:{tag}", platform)


def _build(job: DeployContext, service: str, image: str, platform: str) -> None:
    began = time.monotonic()

    def say(line: str) -> None:
        job.screen.progress(f"{service}  {time.monotonic() - began:.0f} s  {line}")

    images.build(job.programs, service, image, platform, say)
    job.screen.row(CheckMark.GOOD, service, f"built for {platform} and pushed in {time.monotonic() - began:.0f} s")
