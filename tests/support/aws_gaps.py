"""Add to moto's CloudFormation what the product's templates need, so that they can be deployed into it.

Import it once, and call `close_gaps`. It behaves as CloudFormation is documented to: omitted values are left out,
attributes have their values, change sets return outputs and exports, and an export in use cannot change. A resource of
a kind that moto does not know is only recorded; a secret is one of moto's own.
"""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel
from moto.ec2.models.vpcs import VPC
from moto.ecs.models import Service, ecs_backends
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup
from moto.secretsmanager.models import secretsmanager_backends

from tests.support.aws_account import close_account_gaps
from tests.support.aws_ipv6 import blocks, ipv6_blocks
from tests.support.templates import read

type Json = Any

NOTED = {
    "AWS::ApplicationAutoScaling::ScalableTarget": None,
    "AWS::ApplicationAutoScaling::ScalingPolicy": "PolicyName",
    "AWS::CloudFormation::WaitConditionHandle": None,
    "AWS::Budgets::Budget": None,
    "AWS::CloudFront::Distribution": None,
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Logs::QueryDefinition": None,
    "AWS::S3::BucketPolicy": None,
    "AWS::SNS::Subscription": None,
    "AWS::SNS::TopicPolicy": None,
    "AWS::WAFv2::WebACL": None,
    "AWS::WAFv2::WebACLAssociation": None,
}
"""Kinds that moto skips, and the property that names one of them."""


class Noted:
    """A resource of a kind that moto skips: it has a name and attributes, and does nothing."""

    def __init__(self, name: str, region: str) -> None:
        self.name = name
        self.region = region

    @property
    def physical_resource_id(self) -> str:
        """What `Ref` returns."""
        return self.name

    def get_cfn_attribute(self, name: str) -> str:
        """Return what `Fn::GetAtt` does, as far as it follows from the resource."""
        if name == "DomainName":
            return f"{self.name.lower()[-13:]}.cloudfront.net"
        return f"arn:aws:pretend:{self.region}:123456789012:{self.name}"

    def is_created(self) -> bool:
        """Return that it exists."""
        return True

    @classmethod
    def has_cfn_attr(cls, _attr: str) -> bool:
        """Accept any attribute: the linter knows them better."""
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Json,  # noqa: ARG003 - moto passes it
        account_id: str,  # noqa: ARG003 - the same
        region_name: str,
        **_: object,
    ) -> Self:
        """Record it."""
        return cls(resource_name, region_name)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: object, **__: object) -> Any:  # noqa: ANN401
        """Keep its name."""
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: object) -> None:
        """Forget it."""


class Secret(Noted, CloudFormationModel):
    """A secret of moto's own."""

    @staticmethod
    def cloudformation_type() -> str:
        """Return the kind's name."""
        return "AWS::SecretsManager::Secret"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return the property that names one."""
        return "Name"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Json, account_id: str, region_name: str, **_: object
    ) -> Self:
        """Make it with its first value; `Ref` is its ARN."""
        backend = secretsmanager_backends[account_id][region_name]
        properties = cloudformation_json["Properties"]
        value, description = properties["SecretString"], properties["Description"]
        backend.create_secret(resource_name, value, None, description, [], None, None, [], force_overwrite=False)
        return cls(backend.describe_secret(resource_name).arn, region_name)


def _noted(kind: str, named_by: str | None) -> type[CloudFormationModel]:
    body = {
        "cloudformation_type": staticmethod(lambda: kind),
        "cloudformation_name_type": staticmethod(lambda: named_by or ""),
        "__module__": __name__,
    }
    return type(kind.rpartition(":")[2], (Noted, CloudFormationModel), body)


_original_clean = parsing.clean_json


def _clean(node: Json, resources: Any) -> Json:  # noqa: ANN401 - moto's own type
    """Leave list members out that stand for no value; look values up by text, also where the key is a number."""
    if isinstance(node, dict) and "Fn::FindInMap" in node:
        name, *path = node["Fn::FindInMap"]
        node = {"Fn::FindInMap": [name, *(str(_original_clean(key, resources)) for key in path)]}
    if isinstance(node, dict) and "Fn::Cidr" in node:
        block, count, bits = (_clean(one, resources) for one in node["Fn::Cidr"])
        return blocks(block, int(count), int(bits))
    cleaned = _original_clean(node, resources)
    return [one for one in cleaned if one is not None] if isinstance(node, list) else cleaned


def _count_as_number(kind: type[Any], way: str) -> None:
    """Convert the number of tasks to a number, as CloudFormation converts each value to its property's type."""
    original = getattr(kind, way)

    def counted(_: object, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - moto's own types
        json = copy.deepcopy(named.pop("cloudformation_json", None) or arguments[1])
        # An update that leaves it out keeps it.
        usual = named["original_resource"].desired_count if "original_resource" in named else 1
        json["Properties"]["DesiredCount"] = int(json["Properties"].get("DesiredCount", usual))
        if way.startswith("create"):
            return original(arguments[0], json, *arguments[2:], **named)
        return original(cloudformation_json=json, **named)

    setattr(kind, way, classmethod(counted))


def _stop_service(_: object, name: str, _json: Json, account_id: str, region_name: str) -> None:
    """Stop a service whose stack is deleted: moto's CloudFormation leaves it running."""
    backend = ecs_backends[account_id][region_name]
    for one in list(backend.services.values()):
        if one.physical_resource_id == name and one.status == "ACTIVE":
            backend.delete_service(one.cluster_name, one.name, force=True)


def _attributes_of(kind: type[Any], attributes: Mapping[str, Callable[[Any], str | list[str]]]) -> None:
    """Add attributes to a kind of moto's; each is a function of the resource."""
    original, original_has = getattr(kind, "get_cfn_attribute", None), kind.has_cfn_attr

    def get(self: Any, name: str) -> Any:  # noqa: ANN401 - moto's own types
        if name in attributes:
            return attributes[name](self)
        assert original is not None
        return original(self, name)

    kind.get_cfn_attribute = get
    kind.has_cfn_attr = classmethod(lambda _, name: name in attributes or original_has(name))


def _execute_with_exports(self: Any, change_set_name: str, stack_name: str | None = None) -> None:  # noqa: ANN401
    """Execute a change set, then add the outputs and exports that moto omits."""
    change = next(
        one for one in self.change_sets.values() if change_set_name in (one.change_set_id, one.change_set_name)
    )
    stack = self.stacks[change.stack_id]
    before = {one.name: one.value for one in stack.exports} if stack.template_dict else {}
    stack.resource_map.cross_stack_resources = self.exports
    _original_execute(self, change_set_name, stack_name)
    stack.parameters = change.parameters
    stack.template_dict = copy.deepcopy(change.template_dict)
    stack.description = stack.template_dict.get("Description")
    stack.output_map = stack._create_output_map()
    _exchange_exports(self, stack, before)


def _exchange_exports(backend: Any, stack: Any, before: Mapping[str, str]) -> None:  # noqa: ANN401 - moto's own types
    after = {one.name: one for one in stack.exports}
    for name, value in before.items():
        if (name not in after or after[name].value != value) and _is_imported(backend, name):
            raise ValidationError(message=f"Cannot update export {name} as it is in use")
        backend.exports.pop(name, None)
    taken = sorted(after.keys() & backend.exports.keys())
    if taken:
        raise ValidationError(message=f"Exports with names {taken} are already there")
    backend.exports.update(after)


def _is_imported(backend: Any, name: str) -> bool:  # noqa: ANN401 - moto's own type
    return any(name in imports_of(stack) for stack in backend.stacks.values())


def imports_of(stack: Any) -> set[str]:  # noqa: ANN401 - moto's own type
    """List the exports that a stack's template imports."""
    found: set[str] = set()

    def look(node: Json) -> None:
        match node:
            case {"Fn::ImportValue": name}:
                found.add(parsing.clean_json(name, stack.resource_map))
            case dict():
                for value in node.values():
                    look(value)
            case list():
                for value in node:
                    look(value)

    look(stack.template_dict)
    return found


def _delete_unless_imported(self: Any, name_or_stack_id: str) -> None:  # noqa: ANN401 - moto's own type
    """Refuse to delete a stack whose export another stack imports, as CloudFormation does."""
    for stack in self.stacks.values():
        if name_or_stack_id in (stack.name, stack.stack_id):
            used = sorted(one.name for one in stack.exports if _is_imported(self, one.name))
            if used:
                raise ValidationError(message=f"Export {used[0]} cannot be deleted as it is in use")
    _original_delete(self, name_or_stack_id)


_original_execute = models.CloudFormationBackend.execute_change_set
_original_delete = models.CloudFormationBackend.delete_stack
_original_update = parsing.parse_and_update_resource


def _update_or_keep(logical_id: str, json: Json, resources: Any, **where: str) -> Any:  # noqa: ANN401 - moto's own types
    """Keep a resource of a kind that moto cannot update; moto would lose it."""
    return _original_update(logical_id, json, resources, **where) or resources[logical_id]


def _references(node: Json) -> list[str]:
    """Find what a part of a template refers to, also in the text of a `Fn::Sub`."""
    match node:
        case {"Ref": str() as name}:
            return [name]
        case str():
            return re.findall(r"\$\{(\w+)\}", node)
        case dict():
            return [name for value in node.values() for name in _references(value)]
        case list():
            return [name for value in node for name in _references(value)]
    return []


def _exports_made(self: Any) -> list[Any]:  # noqa: ANN401 - moto's own type
    """List the exports of a stack, without those whose condition is false."""
    resources = self._resource_map
    outputs = [
        one
        for one in (self._output_json_map or {}).values()
        if "Export" in one and ("Condition" not in one or resources.lazy_condition_map[one["Condition"]])
    ]
    cleaned = [(_clean(one["Export"]["Name"], resources), _clean(one["Value"], resources)) for one in outputs]
    return [parsing.Export(self._stack_id, name, value) for name, value in cleaned]


def _read_once(self: Any) -> None:  # noqa: ANN401 - moto's own type
    self.template_dict = read(self.template)


def _changes(self: Any) -> list[models.Change]:  # noqa: ANN401 - moto's own type
    """List what a change set changes, also where only a parameter differs."""
    resources = self.stack.resource_map
    before = dict(resources._resource_json_map)
    found = resources.build_resource_diff(self.template_dict, self.parameters)
    kinds = {**before, **self.template_dict["Resources"]}
    return [models.Change(action, name, kinds[name]["Type"]) for action, names in found.items() for name in names]


_closed: list[type[CloudFormationModel]] = []


def close_gaps() -> None:
    """Add what is missing; once per process is enough."""
    if _closed:
        return
    _closed.extend(_noted(kind, named_by) for kind, named_by in NOTED.items())
    close_account_gaps()
    parsing.NULL_MODELS.clear()
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()
    moto: Any = parsing
    moto.clean_json = _clean
    moto.parse_and_update_resource = _update_or_keep
    moto.get_references_from_template = _references
    moto.OutputMap.exports = property(_exports_made)
    # moto reads a template five times, with a pure Python parser.
    stack: Any = models.Stack
    stack.parse_template = staticmethod(read)
    change_set: Any = models.ChangeSet
    change_set._parse_template = _read_once
    change_set.diff = _changes
    for way in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
        _count_as_number(Service, way)
    service: Any = Service
    service.delete_from_cloudformation_json = classmethod(_stop_service)
    _attributes_of(
        FakeLoadBalancer,
        {
            "LoadBalancerFullName": lambda one: one.arn.partition(":loadbalancer/")[2],
            "CanonicalHostedZoneID": lambda _: "Z23TAZ6LKFMNIO",
        },
    )
    _attributes_of(FakeTargetGroup, {"TargetGroupFullName": lambda one: one.arn.rpartition(":")[2]})
    _attributes_of(VPC, {"CidrBlock": lambda one: one.cidr_block, "Ipv6CidrBlocks": ipv6_blocks})
    backend: Any = models.CloudFormationBackend
    backend.execute_change_set = _execute_with_exports
    backend.delete_stack = _delete_unless_imported
