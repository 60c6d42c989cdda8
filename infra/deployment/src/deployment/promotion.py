"""Copies tested images from another account's registry, identified by digest.

The copy belongs to this account, so neither a lifecycle rule nor an outage of the other account affects it.
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
    """Return the registry that this environment copies its images from; None if it builds them.

    Raises:
        UsageError: The parameter is not the host of a registry.
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
    """Return the digest of an image in the source registry; empty if the tag does not exist."""
    try:
        listed = job.aws.registry_in(origin.region).describe_images(
            # By account ID, because the registry is in another account.
            registryId=origin.account,
            repositoryName=repository,
            imageIds=[{"imageTag": tag}],
        )
    except ClientError as error:
        if code_of(error) in {"ImageNotFoundException", "RepositoryNotFoundException"}:
            return ""
        raise
    return str(listed["imageDetails"][0]["imageDigest"])


def promote(job: DeployContext, origin: SourceRegistry, tag: str) -> None:
    """Copy the images that this account's registry lacks.

    Raises:
        ImageError: An image is not in the source registry, could not be copied, or has another digest after the copy.
    """
    logged_in = False
    for service, uri in images.repositories(job.cloudformation.outputs(job.stacks.registry)).items():
        host, _, repository = uri.partition("/")
        # Copy by digest: a tag could be moved between this request and the copy.
        wanted = digest(job, origin, repository, tag)
        # An interrupted run may have copied one of the two images.
        if images.is_there(job.aws, repository, tag):
            _same(job, service, repository, tag, wanted)
            job.screen.row(CheckMark.GOOD, service, "already pushed")
            continue
        if not wanted:
            raise ImageError(f"{origin.host} has no image {tag} of {service}", "deploy it there first")
        # Log in once for both images, and only if there is something to copy.
        if not logged_in:
            images.log_in(job.aws.registry_in(origin.region), job.programs, origin.host)
            images.log_in(job.aws.ecr, job.programs, host)
            logged_in = True
        _copy(job, service, f"{origin.host}/{repository}@{wanted}", f"{uri}:{tag}")
        # Compare after the copy too: an index around the image would have another digest.
        _same(job, service, repository, tag, wanted)
        job.screen.row(CheckMark.GOOD, service, f"copied from account {origin.account}, {wanted[:19]}")


def copy_command(origin: str, image: str) -> list[str]:
    """Return the command that copies an image between registries; without an index, which would change the digest."""
    return ["docker", "buildx", "imagetools", "create", "--prefer-index=false", "--tag", image, origin]


def _copy(job: DeployContext, service: str, origin: str, image: str) -> None:
    job.screen.progress(f"{service}: copying")
    done = job.programs.run(copy_command(origin, image), seconds=_COPY_SECONDS)
    if done.code:
        raise ImageError(f"copying the image of {service} failed", *done.tail())


def _same(job: DeployContext, service: str, repository: str, tag: str, wanted: str) -> None:
    """Compare digests. If the source has deleted its image, there is nothing to compare with."""
    (here,) = job.aws.ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    if wanted and here["imageDigest"] != wanted:
        raise ImageError(
            f"image {tag} of {service} differs from the source's: {here['imageDigest']}, not {wanted}",
            "tags are immutable: delete the image here, or deploy another tag",
        )
