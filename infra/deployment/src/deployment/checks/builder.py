"""Whether images can be built here, and from what."""

from collections.abc import Sequence
from typing import Final

from deployment import images, promotion, push_images
from deployment.aws import Aws
from deployment.checks.finding import Finding, asked, bad, good
from deployment.deploy_context import DeployContext
from deployment.subprocesses import Programs

_REPOSITORY: Final = "pipecat-voice-agent"


def check(programs: Programs, tag: str, platform: str) -> list[Finding]:
    """Look at git and docker.

    Args:
        programs: starts them.
        tag: a tag for what is built; empty takes the commit.
        platform: what it is built for, such as linux/arm64.
    """
    return [_source(programs, tag), _docker(programs, platform)]


def check_there(aws: Aws, tag: str, services: Sequence[str]) -> Finding:
    """Look for images of these services that were pushed before."""

    def look() -> Finding:
        missing = [name for name in services if not images.is_there(aws, f"{_REPOSITORY}/{name}", tag)]
        if missing:
            return bad(
                "images", f"no image {tag} of {' and '.join(missing)}", "push them, or leave IMAGES out to build"
            )
        return good("images", f"{tag}, pushed before")

    return asked("images", look)


def check_elsewhere(job: DeployContext, origin: promotion.SourceRegistry) -> Finding:
    """Look for the images in the account that they are copied from."""
    tag = push_images.tag_of(job)

    def look() -> Finding:
        repositories = {name: f"{_REPOSITORY}/{name}" for name in images.DOCKERFILES}
        missing = [
            name
            for name, repository in repositories.items()
            if not images.is_there(job.aws, repository, tag) and not promotion.digest(job, origin, repository, tag)
        ]
        if missing:
            where = f"{origin.host}, nor here"
            return bad("images", f"no image {tag} of {' and '.join(missing)} in {where}", "deploy it there first")
        if job.programs.run(["docker", "buildx", "version"]).code:
            return bad("images", "docker has no buildx, which copies them", "install docker's buildx plugin")
        return good("images", f"{tag}, copied from account {origin.account}")

    return asked("images", look)


def _source(programs: Programs, tag: str) -> Finding:
    if tag:
        return good("source", f"this checkout, tagged {tag}")
    commit = images.commit(programs)
    if commit is None:
        return bad("source", "no git repository, so no commit to name the images by", "give a tag: --tag")
    if commit.changed:
        return bad(
            "source",
            f"{commit.changed} file{'s' * (commit.changed > 1)} changed since commit {commit.tag}",
            "commit them, so that the images' tag tells what runs; or name them otherwise: --tag",
        )
    return good("source", f"commit {commit.tag}")


def _docker(programs: Programs, platform: str) -> Finding:
    if programs.run(["docker", "version", "--format", "{{.Server.Version}}"]).code:
        return bad("docker", "no engine answers", "start docker, or deploy images that are there: IMAGES=tag")
    inspected = programs.run(["docker", "buildx", "inspect"])
    if inspected.code:
        return bad("docker", "it has no buildx", "install docker's buildx plugin (docker-buildx)")
    platforms = next((line for line in inspected.output.splitlines() if line.strip().startswith("Platforms:")), "")
    if platform not in platforms:
        return bad(
            "docker",
            f"it cannot build for {platform}",
            "$ docker run --privileged --rm tonistiigi/binfmt --install all",
            "or set CpuArchitecture to this machine's own",
        )
    return good("docker", f"builds for {platform}")
