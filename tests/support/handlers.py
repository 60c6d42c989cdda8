"""What CloudFormation's handlers need, from AWS's own lists: resource schemas and the service authorization reference.

Both come with cfn-lint. A schema lists the permissions of each handler; the reference lists the kinds of ARN that AWS
checks an action against.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.support.stacks import REGION, Deployed

ACCOUNT = "123456789012"
HANDLERS = ("create", "read", "update", "delete")
"""Handlers that an update of a stack calls. `list` is for the template generator and for searches."""
_TAGS = ("TagResource", "UntagResource", "ListTagsForResource")
_PARAMETERS = {
    "AWS::EC2::AvailabilityZone::Name": "ec2:DescribeAvailabilityZones",
    "AWS::EC2::Image::Id": "ec2:DescribeImages",
    "AWS::EC2::Instance::Id": "ec2:DescribeInstances",
    "AWS::EC2::KeyPair::KeyName": "ec2:DescribeKeyPairs",
    "AWS::EC2::SecurityGroup::Id": "ec2:DescribeSecurityGroups",
    "AWS::EC2::SecurityGroup::GroupName": "ec2:DescribeSecurityGroups",
    "AWS::EC2::Subnet::Id": "ec2:DescribeSubnets",
    "AWS::EC2::Volume::Id": "ec2:DescribeVolumes",
    "AWS::EC2::VPC::Id": "ec2:DescribeVpcs",
    "AWS::Route53::HostedZone::Id": "route53:ListHostedZones",
}
"""Actions that CloudFormation calls before it accepts a parameter of a type that AWS checks."""

type Statements = list[dict[str, Any]]


@dataclass(frozen=True)
class Needed:
    """One action that one handler calls on one resource."""

    resource: str
    """Stack and logical name."""
    kind: str
    handler: str
    action: str
    arn: str
    """What the role must allow it on: an ARN, or a pattern of ARNs that begins with `~`; `*` where AWS has no ARN."""

    def __str__(self) -> str:
        """Say what is missing where."""
        return f"{self.resource} ({self.kind}): the {self.handler} handler calls {self.action} on {self.arn}"


@cache
def _reference() -> dict[str, Any]:
    loaded: dict[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
    return loaded


def kinds_of(action: str) -> list[str]:
    """List the kinds of ARN that AWS checks an action against; none means that only `*` can be allowed.

    Raises:
        KeyError: AWS does not have this action.
    """
    service, _, verb = action.partition(":")
    kinds: list[str] = _reference()[service]["Actions"][verb.lower()].get("Resources", [])
    return kinds


def handlers_of(kind: str) -> dict[str, list[str]]:
    """List the permissions of each handler that a stack's update may call."""
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:  # budgets and other global kinds
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return {name: schema.get("handlers", {}).get(name, {}).get("permissions", []) for name in HANDLERS}


def asked_for(parameter: Mapping[str, Any]) -> str:
    """Return the action that CloudFormation calls for a template's parameter; empty for plain text and numbers.

    Raises:
        KeyError: a type of AWS's that is not listed here.
    """
    kind = re.sub(r"^List<(.*)>$", r"\1", str(parameter["Type"]))
    return _PARAMETERS[kind] if kind.startswith("AWS::") else ""


def needed(made: Deployed, stacks: set[str]) -> Iterator[Needed]:
    """Yield what the handlers of every resource of these stacks call, and on what."""
    for (stack, name), resource in made.resources.items():
        if stack not in stacks or (stack, name) not in made.names:
            continue
        handlers = handlers_of(resource.kind)
        roles = sorted(set(re.findall(r"arn:aws:iam::\d+:role/[\w/+=,.@-]+", str(resource.properties))))
        own = _own_kinds(handlers)
        for handler, actions in handlers.items():
            for action in actions:
                for arn in _arns(action, own, made.names[stack, name], roles):
                    yield Needed(f"{stack} {name}", resource.kind, handler, action, arn)


def _own_kinds(handlers: Mapping[str, list[str]]) -> set[str]:
    """List a resource's own kinds of ARN: those of actions with ARNs of one form only."""
    service, _ = Counter(one.partition(":")[0] for one in handlers["create"]).most_common(1)[0]
    alone = [kinds_of(one) for actions in handlers.values() for one in actions if one.startswith(f"{service}:")]
    return {kinds[0] for kinds in alone if len({_format(service, kind) for kind in kinds}) == 1}


def _arns(action: str, own: set[str], physical: str, roles: list[str]) -> list[str]:
    kinds = kinds_of(action)
    if not kinds:
        return ["*"]
    service, _, verb = action.partition(":")
    if verb in {"GetRole", "PassRole"}:
        return roles
    wanted = own & set(kinds)
    if not wanted:
        return ["~" + _format(service, kind) for kind in kinds[:1]]
    if verb not in _TAGS:
        wanted |= {kind for kind in kinds for parent in own if kind.startswith(f"{parent}-")}
    return [_fill(_format(service, kind), physical) for kind in sorted(wanted)]


def _format(service: str, kind: str) -> str:
    """Return a kind's ARN as a regular expression."""
    text = str(_reference()[service]["Resources"][kind.lower()]["ARNFormats"][0])
    for name, value in {"Partition": "aws", "Region": REGION, "Account": ACCOUNT}.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def _fill(pattern: str, physical: str) -> str:
    """Put a resource's own name into the ARN's format."""
    if re.fullmatch(pattern, physical):
        return physical
    if physical.startswith("arn:"):  # a part of it has a path below its name, such as a deployment of a service
        physical = physical.split(":", 5)[5].partition("/")[2] + "/0a1b2c3d"
    return pattern.replace(".*", physical)


def allows(statements: Statements, action: str, arn: str) -> bool:
    """Return whether a role's statements allow an action on an ARN.

    It ignores conditions, except for calls about tags: these have none of the condition keys that services define.
    """
    about_tags = action.partition(":")[2] in _TAGS
    given = [one for one in statements if action in one["Action"] and not (about_tags and "Condition" in one)]
    granted = [resource for one in given for resource in one["Resource"]]
    if arn.startswith("~"):
        return any(resource == "*" or re.fullmatch(arn[1:], resource) for resource in granted)
    return any(fnmatchcase(arn, resource) for resource in granted)
