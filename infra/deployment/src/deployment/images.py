"""The images: built here for the environment's processor, pushed once under the commit they were built from."""

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
    """What is checked out."""

    tag: str
    changed: int
    """Files that differ from the commit."""


def commit(programs: Programs) -> Commit | None:
    """Tell what is checked out; None where there is no git or no repository."""
    head = programs.run(["git", "rev-parse", "--short=12", "HEAD"])
    status = programs.run(["git", "status", "--porcelain"])
    if head.code or status.code:
        return None
    return Commit(head.output.strip(), len(status.output.splitlines()))


def is_there(aws: Aws, repository: str, tag: str) -> bool:
    """Tell whether a repository has an image of this tag. Tags do not move, so one that is there is the right one."""
    try:
        aws.ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if code_of(error) in {"ImageNotFoundException", "RepositoryNotFoundException"}:
            return False
        raise
    return True


def log_in(client: Any, programs: Programs, registry: str) -> None:  # noqa: ANN401 - boto3's client for ECR
    """Open the registry to docker for some hours; the token goes over stdin, where no list of processes shows it.

    Raises:
        ImageError: docker does not take it.
    """
    (token,) = client.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(token["authorizationToken"]).decode().partition(":")
    done = programs.run(["docker", "login", "--username", user, "--password-stdin", registry], stdin=password)
    if done.code:
        raise ImageError(f"docker could not log in to {registry}", *done.tail(3))


def build_command(service: str, image: str, platform: str) -> list[str]:
    """Tell how an image is built and pushed.

    Without provenance, which would make an index of each image; its unnamed parts look like leftovers to the registry.
    """
    return [
        *("docker", "buildx", "build", "--platform", platform, "--file", DOCKERFILES[service], "--tag", image),
        *("--provenance=false", "--progress=plain", "--push", "."),
    ]


def build(programs: Programs, service: str, image: str, platform: str, on_line: Callable[[str], None]) -> None:
    """Build and push one image.

    Raises:
        ImageError: with the last lines that docker wrote.
    """
    done = programs.run(build_command(service, image, platform), seconds=_BUILD_SECONDS, on_line=on_line)
    if done.code:
        raise ImageError(f"the image of {service} was not built", *done.tail())


def repositories(outputs: Mapping[str, str]) -> dict[str, str]:
    """Tell each service's repository from the registry's outputs."""
    return {"phone": outputs["PhoneRepositoryUri"], "web": outputs["WebRepositoryUri"]}
