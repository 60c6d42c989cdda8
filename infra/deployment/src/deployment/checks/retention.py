"""Checks that the registry's lifecycle rules do not delete images that environments run."""

from collections.abc import Iterator
from typing import Any, Final

from deployment import image_retention
from deployment.aws import Aws, AwsFailure
from deployment.checks.finding import Finding, care, good
from deployment.cloudformation import CloudFormation
from deployment.stacks import Stack
from deployment.template import StackTemplate

_SOON: Final = 5
"""Warn when at most this many further pushes delete an image that runs."""


def check(aws: Aws, cloudformation: CloudFormation, registry: Stack, environments: list[str]) -> list[Finding]:
    """Report running images that the next pushes delete, in every environment that these credentials may read."""
    kept = int(cloudformation.parameters(registry).get("KeptImages") or registry.template.default("KeptImages"))
    running = list(_running(cloudformation, registry.template, environments))
    repositories = {service: _images(aws, image_retention.REPOSITORIES[service]) for _, service, _ in running}
    found = [_judge(*one, repositories[one[1]], kept) for one in running]
    if running and not any(found):
        return [good("images kept", "no lifecycle rule deletes an image that runs")]
    return [finding for finding in found if finding is not None]


def _running(
    cloudformation: CloudFormation, template: StackTemplate, environments: list[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield environment, service and image tag of what runs. Skips environments without permission to read them."""
    for environment in environments:
        for service in image_retention.REPOSITORIES:
            stack = Stack(f"pipecat-{environment}-{service}", template)
            try:
                tag = cloudformation.parameters(stack).get("ImageTag", "")
            except AwsFailure:
                # The credentials of one environment often must not read another's stacks.
                continue
            if tag:
                yield environment, service, tag


def _images(aws: Aws, repository: str) -> list[Any]:
    try:
        pages = aws.ecr.get_paginator("describe_images").paginate(repositoryName=repository)
        return [image for page in pages for image in page["imageDetails"]]
    except AwsFailure:
        return []


def _judge(environment: str, service: str, tag: str, images: list[Any], kept: int) -> Finding | None:
    image = next((one for one in images if tag in one.get("imageTags", [])), None)
    what = f"{environment} runs {service}:{tag}"
    if image is None:
        return care(
            "images kept",
            f"{what}, which the registry does not contain: a new task cannot start",
            f"deploy an image that exists: `make deploy ENVIRONMENT={environment}`",
        )
    left = kept - image_retention.newer_than(images, image)
    if left > _SOON or any(one.startswith(image_retention.PREFIX) for one in image["imageTags"]):
        return None
    when = f"after {left} more pushes" if left > 0 else "within a day"
    return care(
        "images kept",
        f"{what}, which will be deleted {when}: it has no tag that marks it as in use",
        f"$ make deploy ENVIRONMENT={environment} IMAGES={tag}",
    )
