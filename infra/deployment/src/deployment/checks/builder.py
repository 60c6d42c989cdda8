"""Checks whether images can be built on this machine, and from which commit."""

from collections.abc import Sequence
from typing import Final

from deployment import images, promotion, push_images
from deployment.aws import Aws
from deployment.checks.finding import Finding, asked, bad, good
from deployment.deploy_context import DeployContext
from deployment.subprocesses import Programs

_REPOSITORY: Final = "pipecat-voice-agent"


def check(programs: Programs, tag: str, platform: str) -> list[Finding]:
    """Check git and docker.

    Args:
        programs: Starts the programs.
        tag: Tag of the images; empty takes the commit.
        platform: Target platform, such as linux/arm64.
    """
    return [_source(programs, tag), _docker(programs, platform)]


def check_there(aws: Aws, tag: str, services: Sequence[str]) -> Finding:
    """Check that the images of these services have been pushed."""

    # The registry is asked inside `asked`, which turns an error of AWS into a finding.
    def look() -> Finding:
        missing = [name for name in services if not images.is_there(aws, f"{_REPOSITORY}/{name}", tag)]
        if missing:
            return bad("images", f"no image {tag} of {' and '.join(missing)}", "push it, or remove IMAGES to build it")
        return good("images", f"{tag}, pushed before")

    return asked("images", look)


def check_elsewhere(job: DeployContext, origin: promotion.SourceRegistry) -> Finding:
    """Check that the images exist in the account that they are copied from."""
    tag = push_images.tag_of(job)

    def look() -> Finding:
        repositories = {name: f"{_REPOSITORY}/{name}" for name in images.DOCKERFILES}
        missing = [
            name
            for name, repository in repositories.items()
            # An image that has been copied before may have been deleted at its source.
            if not images.is_there(job.aws, repository, tag) and not promotion.digest(job, origin, repository, tag)
        ]
        if missing:
            where = f"{origin.host}, nor here"
            return bad("images", f"no image {tag} of {' and '.join(missing)} in {where}", "deploy it there first")
        if job.programs.run(["docker", "buildx", "version"]).code:
            return bad("images", "docker has no buildx plugin, which copies images", "install docker's buildx plugin")
        return good("images", f"{tag}, copied from account {origin.account}")

    return asked("images", look)


def _source(programs: Programs, tag: str) -> Finding:
    if tag:
        return good("source", f"this checkout, tagged {tag}")
    commit = images.commit(programs)
    if commit is None:
        return bad("source", "not a git repository, so there is no commit to tag the images with", "set a tag: --tag")
    # A tag must identify what runs, and uncommitted changes are in no commit.
    if commit.changed:
        return bad(
            "source",
            f"{commit.changed} file{'s' * (commit.changed > 1)} changed since commit {commit.tag}",
            "commit them, so that the tag identifies what runs; or set another tag: --tag",
        )
    return good("source", f"commit {commit.tag}")


def _docker(programs: Programs, platform: str) -> Finding:
    # The server's version needs the engine; `docker --version` would answer without.
    if programs.run(["docker", "version", "--format", "{{.Server.Version}}"]).code:
        return bad("docker", "the Docker engine does not answer", "start docker, or deploy pushed images: IMAGES=tag")
    inspected = programs.run(["docker", "buildx", "inspect"])
    if inspected.code:
        return bad("docker", "docker has no buildx plugin", "install docker's buildx plugin (docker-buildx)")
    # Emulated platforms are listed as well.
    platforms = next((line for line in inspected.output.splitlines() if line.strip().startswith("Platforms:")), "")
    if platform not in platforms:
        return bad(
            "docker",
            f"docker cannot build for {platform}",
            "$ docker run --privileged --rm tonistiigi/binfmt --install all",
            "or set CpuArchitecture to this machine's architecture",
        )
    return good("docker", f"builds for {platform}")
