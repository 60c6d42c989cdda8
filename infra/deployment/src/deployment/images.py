"""Builds the images for the environment's CPU architecture and pushes them, tagged with their commit."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, code_of
from deployment.errors import ImageError
from deployment.subprocesses import Programs

DOCKERFILES: Final = {"phone": "services/phone-agent/Dockerfile", "web": "services/webrtc-agent/Dockerfile"}
PLATFORMS: Final = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
_BUILD_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Commit:
    """The commit that is checked out."""

    tag: str
    changed: int
    """Number of files that differ from the commit."""


def commit(programs: Programs) -> Commit | None:
    """Return the commit that is checked out; None without git or without a repository."""
    head = programs.run(["git", "rev-parse", "--short=12", "HEAD"])
    status = programs.run(["git", "status", "--porcelain"])
    if head.code or status.code:
        return None
    return Commit(head.output.strip(), len(status.output.splitlines()))


def is_there(aws: Aws, repository: str, tag: str) -> bool:
    """Return whether a repository has an image with this tag. Tags are immutable, so it is the right image."""
    try:
        aws.ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if code_of(error) in {"ImageNotFoundException", "RepositoryNotFoundException"}:
            return False
        raise
    return True


def log_in(client: Any, programs: Programs, registry: str) -> None:  # noqa: ANN401 - boto3's client for ECR
    """Log docker in to the registry. The token, valid for hours, goes over stdin, because process lists show arguments.

    Raises:
        ImageError: The login failed.
    """
    (token,) = client.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(token["authorizationToken"]).decode().partition(":")
    done = programs.run(["docker", "login", "--username", user, "--password-stdin", registry], stdin=password)
    if done.code:
        raise ImageError(f"docker could not log in to {registry}", *done.tail(3))


def build_command(service: str, image: str, platform: str) -> list[str]:
    """Return the command that builds and pushes an image.

    Without provenance: it would create an index for each image, whose untagged parts the lifecycle rules delete.
    """
    return [
        *("docker", "buildx", "build", "--platform", platform, "--file", DOCKERFILES[service], "--tag", image),
        *("--provenance=false", "--progress=plain", "--push", "."),
    ]


def build(programs: Programs, service: str, image: str, platform: str, on_line: Callable[[str], None]) -> None:
    """Build and push one image.

    Raises:
        ImageError: With the last lines of docker's output.
    """
    done = programs.run(build_command(service, image, platform), seconds=_BUILD_SECONDS, on_line=on_line)
    if done.code:
        raise ImageError(f"building the image of {service} failed", *done.tail())


def repositories(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return each service's repository URI from the registry stack's outputs."""
    return {"phone": outputs["PhoneRepositoryUri"], "web": outputs["WebRepositoryUri"]}
