"""The stacks of the product, deployed into moto, and every property that CloudFormation would send."""

import copy
import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudformation import parsing

from tests.support.aws_gaps import close_gaps
from tests.support.given import refused
from tests.support.templates import FOLDER, read

REGION = "eu-north-1"

# Each session would parse the descriptions of AWS's services again, megabytes of JSON.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

type Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Stack:
    """One stack of a deployment."""

    name: str
    template: str
    parameters: Parameters = field(default_factory=dict)

    def called(self, name: str) -> "Stack":
        """Return the same stack under another name."""
        return replace(self, name=name)


@dataclass(frozen=True)
class Resource:
    """A resource that CloudFormation would make: its kind and its properties, every reference resolved."""

    kind: str
    properties: dict[str, Any]


class Deployed:
    """The result of a deployment."""

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], Resource] = {}
        """By stack and logical name."""
        self.names: dict[tuple[str, str], str] = {}
        """The name of each when it was made; the same keys."""
        self.outputs: dict[str, dict[str, str]] = {}
        """By stack, then by key."""

    def of(self, stack: str, name: str) -> dict[str, Any]:
        """Return the properties of one resource."""
        return self.resources[stack, name].properties

    def every(self, kind: str, stack: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the properties of all resources of a kind."""
        return {
            key: one.properties for key, one in self.resources.items() if one.kind == kind and stack in (None, key[0])
        }


def usual(network: Parameters | None = None, **parameters: str) -> list[Stack]:
    """List the stacks in their order, for the environment test.

    Args:
        network: parameters of network-existing.yaml; without them the deployment makes the network.
        parameters: passed to every template that has them.
    """

    def stack(name: str, template: str, **own: str) -> Stack:
        return Stack(name, template, {**parameters, **own})

    services = ("phone", "web")
    return [
        stack("registry", "registry"),
        stack("network", "network") if network is None else stack("network", "network-existing", **network),
        stack("platform", "platform"),
        stack("permissions", "permissions"),
        stack("edge", "edge"),
        stack("https", "https"),
        stack("firewall", "firewall"),
        stack("canary", "canary"),
        *(stack(f"{name}-rollback", "rollback", ServiceName=name) for name in services),
        *(stack(name, "service", ServiceName=name, ImageTag="0a1b2c3") for name in services),
        *(stack(f"{name}-scaling", "scaling", ServiceName=name) for name in services),
        *(stack(f"{name}-alarms", "alarms", ServiceName=name) for name in services),
        *(stack(name, name) for name in ("platform-alarms", "events", "flow-logs", "observability")),
    ]


@contextmanager
def pretend_aws() -> Iterator[Deployed]:
    """Start an empty AWS in this process, and record what CloudFormation makes in it."""
    close_gaps()
    made = Deployed()
    moto: Any = parsing
    parse, create = moto.parse_resource_and_generate_name, moto.parse_and_create_resource

    def noting(logical_id: str, resource_json: dict[str, Any], resources_map: Any) -> Any:  # noqa: ANN401 - moto's
        parsed = parse(logical_id, resource_json, resources_map)
        key = str(resources_map["AWS::StackName"]), logical_id
        made.resources[key] = Resource(resource_json["Type"], copy.deepcopy(parsed[1]["Properties"]))
        return parsed

    def naming(logical_id: str, resource_json: dict[str, Any], resources_map: Any, **where: str) -> Any:  # noqa: ANN401
        resource: Any = create(logical_id, resource_json, resources_map, **where)
        if resource is not None:
            made.names[str(resources_map["AWS::StackName"]), logical_id] = resource.physical_resource_id
        return resource

    moto.parse_resource_and_generate_name, moto.parse_and_create_resource = noting, naming
    try:
        with mock_aws():
            yield made
    finally:
        moto.parse_resource_and_generate_name, moto.parse_and_create_resource = parse, create


def deploy(made: Deployed, stacks: list[Stack], folder: Path = FOLDER) -> None:
    """Make or update stacks in their order; the services' address is the edge's unless a stack says otherwise."""
    client = boto3.client("cloudformation", REGION)
    for stack in stacks:
        exists = stack.name in made.outputs
        try:
            (client.update_stack if exists else client.create_stack)(**_arguments(made, stack, folder))
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
            continue
        described = client.describe_stacks(StackName=stack.name)["Stacks"][0]
        if described["StackStatus"] != ("UPDATE_COMPLETE" if exists else "CREATE_COMPLETE"):
            raise ValueError(f"{stack.name} is {described['StackStatus']}")
        made.outputs[stack.name] = {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}


def _arguments(made: Deployed, stack: Stack, folder: Path) -> dict[str, Any]:
    """Return the arguments for CloudFormation; fail where the real one would reject a parameter."""
    text = (folder / f"{stack.template}.yaml").read_text()
    ways_out = [found["NatGatewayIds"] for name, found in made.outputs.items() if "NatGatewayIds" in found]
    edges = [found["PublicUrl"] for name, found in made.outputs.items() if name.endswith("edge")]
    listeners = [found["ListenerArn"] for name, found in made.outputs.items() if name.endswith("edge")]
    wanted = {"Environment": "test", "PublicBaseUrl": edges[-1] if edges else "", **stack.parameters}
    wanted |= {"ListenerArn": listeners[-1]} if listeners else {}
    wanted |= {"NatGatewayIds": ways_out[-1]} if ways_out else {}
    template = read(text)
    given = {key: value for key, value in wanted.items() if key in template["Parameters"]}
    why = refused(template, given)
    if why:
        raise ValueError(f"{stack.name}: {why}")
    return {
        "StackName": stack.name,
        "TemplateBody": text,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        "Capabilities": ["CAPABILITY_IAM"],
    }


def parameters_of(path: Path) -> dict[str, str]:
    """Read an environment's file as the shell does: one parameter per line, without the comments."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
