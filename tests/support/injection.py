"""Inject the secrets of a task definition before a container starts, as ECS's agent does.

Source: github.com/aws/amazon-ecs-agent, agent/asm/asm.go and agent/taskresource/asmsecret.
"""

import json
from collections.abc import Mapping
from typing import Any

import boto3

from tests.support.stacks import REGION

_WHY = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    "unable to retrieve secret from asm: "
)


class TaskStoppedError(Exception):
    """The task stopped before it ran; the text is its stopped reason."""


def inject(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of the one container, with the current values in Secrets Manager.

    Raises:
        TaskStoppedError: a secret, or a key in its JSON, does not exist.
    """
    (container,) = definition["ContainerDefinitions"]
    plain = {one["Name"]: str(one["Value"]) for one in container["Environment"]}
    return plain | {one["Name"]: _value(one["ValueFrom"]) for one in container["Secrets"]}


def _value(value_from: str) -> str:
    """Read one value; a reference is the ARN's seven parts, then key, stage and version."""
    parts = value_from.split(":")
    arn, key = ":".join(parts[:7]), parts[7]
    client = boto3.client("secretsmanager", REGION)
    try:
        text = client.get_secret_value(SecretId=arn)["SecretString"]
    except client.exceptions.ResourceNotFoundException as error:
        raise TaskStoppedError(f"{_WHY}{error}") from error
    values = json.loads(text)
    if key not in values:
        raise TaskStoppedError(f"{_WHY}retrieved secret from Secrets Manager did not contain json key {key}")
    return "<nil>" if values[key] is None else str(values[key])
