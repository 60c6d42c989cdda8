"""Copying an image from another account's registry: the very image that was tested there, by its digest.

The copy belongs to this account, so that no rule and no outage over there takes away what runs here.
"""

import re
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError

from deployment import images
from deployment.aws import code_of
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import ImageError, UsageError

PARAMETER: Final = "ImagesFrom"
_REGISTRY: Final = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_COPY_SECONDS: Final = 1800.0


@dataclass(frozen=True)
class SourceRegistry:
    """The registry of the account in which images are tested."""

    host: str
    account: str
    region: str


def source(job: DeployContext) -> SourceRegistry | None:
    """Return where this environment takes its images from; None where they are built.

    Raises:
        UsageError: the parameter names no registry.
    """
    host = job.environment.parameters.get(PARAMETER, "")
    if not host:
        return None
    found = _REGISTRY.fullmatch(host)
    if found is None:
        raise UsageError(
            f"{PARAMETER}={host} is not a registry", "set it to 111122223333.dkr.ecr.eu-north-1.amazonaws.com"
        )
    return SourceRegistry(host, found["account"], found["region"])


def digest(job: DeployContext, origin: SourceRegistry, repository: str, tag: str) -> str:
    """Return the digest of an image over there; empty if there is none of this tag."""
    try:
        listed = job.aws.registry_in(origin.region).describe_images(
            registryId=origin.account, repositoryName=repository, imageIds=[{"imageTag": tag}]
        )
    except ClientError as error:
        if code_of(error) in {"ImageNotFoundException", "RepositoryNotFoundException"}:
            return ""
        raise
    return str(listed["imageDetails"][0]["imageDigest"])


def promote(job: DeployContext, origin: SourceRegistry, tag: str) -> None:
    """Copy what this account's registry does not have yet.

    Raises:
        ImageError: it is not over there, could not be copied, or arrived as another image.
    """
    logged_in = False
    for service, uri in images.repositories(job.cloudformation.outputs(job.stacks.registry)).items():
        host, _, repository = uri.partition("/")
        wanted = digest(job, origin, repository, tag)
        if images.is_there(job.aws, repository, tag):
            _same(job, service, repository, tag, wanted)
            job.screen.row(CheckMark.GOOD, service, "there already")
            continue
        if not wanted:
            raise ImageError(f"{origin.host} has no image {tag} of {service}", "deploy it there first")
        if not logged_in:
            images.log_in(job.aws.registry_in(origin.region), job.programs, origin.host)
            images.log_in(job.aws.ecr, job.programs, host)
            logged_in = True
        _copy(job, service, f"{origin.host}/{repository}@{wanted}", f"{uri}:{tag}")
        _same(job, service, repository, tag, wanted)
        job.screen.row(CheckMark.GOOD, service, f"copied from account {origin.account}, {wanted[:19]}")


def copy_command(origin: str, image: str) -> list[str]:
    """Return what copies an image between registries as it is; an index around it would have another digest."""
    return ["docker", "buildx", "imagetools", "create", "--prefer-index=false", "--tag", image, origin]


def _copy(job: DeployContext, service: str, origin: str, image: str) -> None:
    job.screen.progress(f"{service}: copying")
    done = job.programs.run(copy_command(origin, image), seconds=_COPY_SECONDS)
    if done.code:
        raise ImageError(f"the image of {service} was not copied", *done.tail())


def _same(job: DeployContext, service: str, repository: str, tag: str, wanted: str) -> None:
    """Compare digests. What is no longer over there cannot be compared, and is what was copied once."""
    (here,) = job.aws.ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    if wanted and here["imageDigest"] != wanted:
        raise ImageError(
            f"image {tag} of {service} here is not the one over there: {here['imageDigest']}, not {wanted}",
            "a tag never moves: delete the image here, or deploy another tag",
        )
