"""Tags the images that environments run, so that no lifecycle rule deletes them.

`deployed-<environment>-now` marks what runs, `-next` what is being rolled out, `-before` what ran before. These tags
move (registry.yaml); the immutable tag that tasks start from does not.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, AwsFailure, code_of, short
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.errors import ImageError
from deployment.images import DOCKERFILES

PREFIX: Final = "deployed-"
"""Prefix of every tag that exempts an image; the lifecycle rules of registry.yaml match it."""
REPOSITORIES: Final = {service: f"pipecat-voice-agent/{service}" for service in DOCKERFILES}
_MANIFESTS: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


def announce(job: DeployContext, tag: str) -> None:
    """Tag the images that are about to be rolled out; the running ones keep their tag until then."""
    _tell(job, lambda repository: tag_also(job.aws, repository, tag, _marker(job, "next")))


def confirm(job: DeployContext, tag: str) -> None:
    """Tag the images that run now, and those that ran before: a rollback goes back one deployment."""

    def move(repository: str) -> None:
        # Move `before` only if another image runs now, or a repeated deployment would overwrite the way back.
        was, now = (digest(job.aws, repository, one) for one in (_marker(job, "now"), tag))
        if was and was != now:
            tag_also(job.aws, repository, _marker(job, "now"), _marker(job, "before"))
        tag_also(job.aws, repository, tag, _marker(job, "now"))

    _tell(job, move)


def tag_also(aws: Aws, repository: str, tag: str, marker: str) -> None:
    """Add a tag to an image in the registry, without pulling it.

    Raises:
        ImageError: The repository has no image with this tag.
    """
    # Without these types ECR would convert the manifest, which changes its digest.
    found = aws.ecr.batch_get_image(
        repositoryName=repository, imageIds=[{"imageTag": tag}], acceptedMediaTypes=list(_MANIFESTS)
    )["images"]
    if not found:
        raise ImageError(f"{repository} has no image {tag}")
    image: Any = found[0]
    # Old manifests contain no media type, so it must be passed on.
    about = {"imageManifestMediaType": image["imageManifestMediaType"]} if "imageManifestMediaType" in image else {}
    try:
        aws.ecr.put_image(repositoryName=repository, imageManifest=image["imageManifest"], imageTag=marker, **about)
    except ClientError as error:
        if code_of(error) != "ImageAlreadyExistsException":  # it has this tag already
            raise


def digest(aws: Aws, repository: str, tag: str) -> str:
    """Return the digest of the image with a tag; empty if there is none."""
    found = aws.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])["images"]
    return str(found[0]["imageId"]["imageDigest"]) if found else ""


def kept_images(given: Mapping[str, str], default: str, deployed: str) -> str:
    """Return how many images the registry keeps: never fewer than any environment has set.

    Args:
        given: Parameters of the environment that is being deployed.
        default: The template's default.
        deployed: The registry's current setting; empty if there is no registry.
    """
    # Environments share the registry: the largest number wins.
    return str(max(int(one) for one in (given.get("KeptImages") or default, deployed) if one))


def newer_than(images: Iterable[Mapping[str, Any]], image: Mapping[str, Any]) -> int:
    """Return how many images were pushed after this one: the registry deletes the oldest first."""
    return sum(one["imagePushedAt"] > image["imagePushedAt"] for one in images)


def _marker(job: DeployContext, which: str) -> str:
    return f"{PREFIX}{job.environment.name}-{which}"


def _tell(job: DeployContext, mark: Any) -> None:  # noqa: ANN401 - called with a repository
    """Tag both services' images. A failure only warns: the images that run are still in the registry."""
    # Each repository separately: one failure does not prevent the tag of the other.
    for service, repository in REPOSITORIES.items():
        try:
            mark(repository)
        except (ImageError, *AwsFailure) as error:
            why = error.what if isinstance(error, ImageError) else short(error)
            job.screen.row(
                CheckMark.CARE,
                service,
                f"its image could not be tagged as in use, so the registry may delete it: {why}",
            )
