"""Checks that pushed images match the CPU architecture of the tasks: with another one, every task exits at once."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import httpx

from deployment.aws import Aws
from deployment.checks.finding import Finding, asked, bad, good
from deployment.console import CheckMark
from deployment.images import DOCKERFILES, PLATFORMS

_REPOSITORY: Final = "pipecat-voice-agent"
_KINDS: Final = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]
_SECONDS: Final = 20.0


def check(aws: Aws, tag: str, processor: str) -> Iterator[Finding]:
    """Compare the images of a tag with CpuArchitecture; yields nothing if the registry does not say.

    Args:
        aws: The clients.
        tag: Tag of the images.
        processor: X86_64 or ARM64.
    """
    wanted = PLATFORMS.get(processor, "").rpartition("/")[2]
    for service in DOCKERFILES:
        finding = asked("processor", partial(_compare, aws, service, tag, wanted))
        if finding.mark is CheckMark.BAD:
            yield finding


def _compare(aws: Aws, service: str, tag: str, wanted: str) -> Finding:
    built_for = _built_for(aws, f"{_REPOSITORY}/{service}", tag)
    if built_for in {"", wanted}:
        return good("processor", wanted)
    processor = next((name for name, platform in PLATFORMS.items() if platform.endswith(f"/{built_for}")), built_for)
    return bad(
        "processor",
        f"the image {tag} of {service} was built for {built_for}, but tasks run on {wanted}",
        f"set CpuArchitecture={processor}, or deploy images that were built for {wanted}",
    )


def _built_for(aws: Aws, repository: str, tag: str) -> str:
    """Return the architecture in an image's configuration; empty if the registry does not have it."""
    found = aws.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}], acceptedMediaTypes=_KINDS)[
        "images"
    ]
    manifest: dict[str, Any] = json.loads(found[0]["imageManifest"]) if found else {}
    digest = manifest.get("config", {}).get("digest", "")
    # Only the manifest of a single image names a configuration; without one there is nothing to compare.
    if not digest:
        return ""
    address = aws.ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)["downloadUrl"]
    try:
        return str(httpx.get(address, timeout=_SECONDS).raise_for_status().json().get("architecture", ""))
    except (httpx.HTTPError, ValueError, AttributeError):
        return ""
