"""Add to moto which models a region has, and how many concurrent conversations an account may have."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from moto.bedrock.exceptions import ResourceNotFoundException
from moto.bedrock.responses import BedrockResponse
from moto.servicequotas.responses import ServiceQuotasResponse

SONIC: Final = "amazon.nova-2-5-sonic"


CONCURRENT: Final = "On-demand InvokeModel concurrent requests for Amazon Nova {}Sonic"
"""Service Quotas' name of the quota of one generation, as accounts list it."""


@dataclass
class Models:
    """The regions of AWS's page "Model support by AWS Region" have Nova 2.5 Sonic, with 200 concurrent streams.

    The generations before it have quotas of their own, as they are listed in the field: 20 and 2.
    """

    offering: set[str] = field(default_factory=lambda: {"us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1"})
    status: str = "ACTIVE"
    conversations: float | None = 200.0
    default: float | None = None
    """AWS's default, which the deployment reads where the account lists no value."""
    adjustable: bool = False

    def of(self, region: str) -> list[dict[str, Any]]:
        """List a region's models."""
        here = [SONIC] if region in self.offering else []
        return [
            {
                "modelId": model,
                "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model}",
                "modelLifecycle": {"status": self.status},
            }
            for model in ["amazon.nova-lite-v1:0", *here]
        ]

    def quotas(self) -> list[dict[str, Any]]:
        """List what Bedrock allows this account."""
        older = [_quota("", 20.0), _quota("2 ", 2.0)]
        minutes = {"QuotaName": "On-demand InvokeModel requests per minute for Amazon Nova Lite", "Value": 1000.0}
        return [minutes, *older, *self._own(self.conversations)]

    def defaults(self) -> list[dict[str, Any]]:
        """List what Bedrock allows any account."""
        return [_quota("", 20.0), _quota("2 ", 20.0), *self._own(self.default)]

    def _own(self, value: float | None) -> list[dict[str, Any]]:
        return [] if value is None else [_quota("2.5 ", value, adjustable=self.adjustable)]


def _quota(generation: str, value: float, *, adjustable: bool = False) -> dict[str, Any]:
    return {"QuotaName": CONCURRENT.format(generation), "Value": value, "Adjustable": adjustable}


@contextmanager
def telling(models: Models) -> Iterator[Models]:
    """Let moto answer with these during the block."""
    bedrock, quotas = _Bedrock(models), _Quotas(models)
    added: list[tuple[type[Any], str, Any]] = [
        (BedrockResponse, "get_foundation_model", bedrock.get),
        (BedrockResponse, "list_foundation_models", bedrock.list),
        (ServiceQuotasResponse, "list_service_quotas", quotas.list),
        (ServiceQuotasResponse, "list_aws_default_service_quotas", quotas.defaults),
    ]
    before = {(kind, name): kind.__dict__.get(name) for kind, name, _ in added}
    for kind, name, answer in added:
        setattr(kind, name, _method(answer))
    try:
        yield models
    finally:
        for (kind, name), own in before.items():
            if own is None:
                delattr(kind, name)
            else:
                setattr(kind, name, own)


def _method(answer: Any) -> Any:  # noqa: ANN401 - moto's handlers have no types
    def handle(self: Any) -> str:  # noqa: ANN401 - the same
        return json.dumps(answer(self))

    return handle


class _Bedrock:
    def __init__(self, models: Models) -> None:
        self._models = models

    def get(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - moto's request
        wanted = request.uri.rpartition("/")[2].replace("%3A", ":")
        for details in self._models.of(request.region):
            if details["modelId"] == wanted:
                return {"modelDetails": details}
        raise ResourceNotFoundException("Could not resolve the foundation model from the provided model identifier.")

    def list(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - moto's request
        return {"modelSummaries": self._models.of(request.region)}


class _Quotas:
    def __init__(self, models: Models) -> None:
        self._models = models

    def list(self, _request: object) -> dict[str, Any]:
        return {"Quotas": self._models.quotas()}

    def defaults(self, _request: object) -> dict[str, Any]:
        return {"Quotas": self._models.defaults()}
