"""Add to moto's accounts what real ones have: AWS's own roles, GitHub's provider, quotas, half-made stacks.

`aws_gaps.close_gaps` calls `close_account_gaps`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.core.common_models import CloudFormationModel
from moto.iam.exceptions import EntityAlreadyExists, InvalidInput
from moto.iam.models import IAMBackend, iam_backends
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.responses import ServiceQuotasResponse

LINKED: Final = {
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "ecs.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_ECSService",
}
"""The service-linked roles that these services use, from AWS's documentation of each."""
DEFAULTS: dict[tuple[str, str], tuple[str, float]] = {
    ("fargate", "L-3032A538"): ("Fargate On-Demand vCPU resource count", 100.0)
}
"""Quotas that an account has by default. A test may change one."""
_HALF_MADE: Final = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}


class Provider(CloudFormationModel):
    """An OIDC provider: one of moto's own, so that an account cannot have two with one address."""

    def __init__(self, arn: str) -> None:
        self.arn = arn

    @property
    def physical_resource_id(self) -> str:
        """What `Ref` returns."""
        return self.arn

    @staticmethod
    def cloudformation_type() -> str:
        """Return the kind's name."""
        return "AWS::IAM::OIDCProvider"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return None: its address names it, not a property."""
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Return whether `Fn::GetAtt` knows the attribute."""
        return attr == "Arn"

    def get_cfn_attribute(self, _name: str) -> str:
        """Return its ARN."""
        return self.arn

    def is_created(self) -> bool:
        """Return that it exists."""
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003 - moto passes it
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,  # noqa: ARG003 - the same
        **_: object,
    ) -> Self:
        """Make it; refuse a second one with the same address."""
        properties = cloudformation_json["Properties"]
        backend = iam_backends[account_id]["aws"]
        try:
            made = backend.create_open_id_connect_provider(properties["Url"], [], properties["ClientIdList"], [])
        except EntityAlreadyExists as error:
            raise ValidationError(message=f"Provider with url {properties['Url']} already exists.") from error
        return cls(made.arn)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: object, **__: object) -> Any:  # noqa: ANN401
        """Keep it."""
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: object) -> None:
        """Keep it: the template retains it."""


def close_account_gaps() -> None:
    """Add what is missing."""
    iam: Any = IAMBackend
    iam.create_service_linked_role = _linked(iam.create_service_linked_role)
    stacks: Any = CloudFormationBackend
    stacks.create_change_set = _refusing(stacks.create_change_set)
    stack: Any = Stack
    stack.parameter_list = property(_as_given)
    quotas: Any = ServiceQuotasResponse
    quotas.get_aws_default_service_quota = _default_quota


def _linked(original: Any) -> Any:  # noqa: ANN401 - moto's own types
    def create(self: Any, service_name: str, description: str, suffix: str) -> Any:  # noqa: ANN401 - the same
        if any(role._linked_service == service_name for role in self.roles.values()):
            name = LINKED.get(service_name, service_name)
            raise InvalidInput(
                f"Service role name {name} has been taken in this account, please try a different suffix."
            )
        made = original(self, service_name, description, suffix)
        made.name = LINKED.get(service_name, made.name)
        return made

    return create


def _refusing(original: Any) -> Any:  # noqa: ANN401 - moto's own types
    def create(self: Any, stack_name: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the same
        for stack in self.stacks.values():
            if stack.name == stack_name and stack.status in _HALF_MADE:
                raise ValidationError(
                    message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
                )
        return original(self, stack_name, *arguments, **named)

    return create


def _as_given(self: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - moto's stack
    """Describe parameters as text, lists too, as they were passed."""
    resolved = self.resource_map.resolved_parameters
    texts = {name: ",".join(value) if isinstance(value, list) else value for name, value in resolved.items()}
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in texts.items()]


def _default_quota(self: Any) -> str:  # noqa: ANN401 - moto's request
    asked = json.loads(self.body)
    key = asked["ServiceCode"], asked["QuotaCode"]
    if key not in DEFAULTS:
        raise NoSuchResource
    name, value = DEFAULTS[key]
    return json.dumps({"Quota": {"QuotaCode": key[1], "QuotaName": name, "Value": value}})
