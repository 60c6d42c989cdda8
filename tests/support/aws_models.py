"""What moto does not tell: which models a region has, and how many conversations an account may have at once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from moto.bedrock.exceptions import ResourceNotFoundException
from moto.bedrock.responses import BedrockResponse
from moto.servicequotas.responses import ServiceQuotasResponse

SONIC: Final = "amazon.nova-2-5-sonic"


@dataclass
class Models:
    """Every region but eu-north-1 has Nova 2.5 Sonic, and 200 conversations are allowed."""

    without: set[str] = field(default_factory=lambda: {"eu-north-1"})
    status: str = "ACTIVE"
    conversations: float | None = 200.0

    def of(self, region: str) -> list[dict[str, Any]]:
        """List a region's models."""
        here = [] if region in self.without else [SONIC]
        return [
            {
                "modelId": model,
                "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model}",
                "modelLifecycle": {"status": self.status},
            }
            for model in ["amazon.nova-lite-v1:0", *here]
        ]

    def quotas(self) -> list[dict[str, Any]]:
        """List what Bedrock allows an account."""
        listed = [{"QuotaName": "On-demand InvokeModel requests per minute for Amazon Nova Lite", "Value": 1000.0}]
        if self.conversations is not None:
            name = "Concurrent requests for Amazon Nova 2.5 Sonic"
            listed.append({"QuotaName": name, "Value": self.conversations})
        return listed


@contextmanager
def telling(models: Models) -> Iterator[Models]:
    """Have moto answer with these as long as the block lasts."""
    bedrock, quotas = _Bedrock(models), _Quotas(models)
    added: list[tuple[type[Any], str, Any]] = [
        (BedrockResponse, "get_foundation_model", bedrock.get),
        (BedrockResponse, "list_foundation_models", bedrock.list),
        (ServiceQuotasResponse, "list_service_quotas", quotas.list),
    ]
    for kind, name, answer in added:
        setattr(kind, name, _method(answer))
    try:
        yield models
    finally:
        for kind, name, _ in added:
            delattr(kind, name)


def _method(answer: Any) -> Any:  # noqa: ANN401 - moto's handlers carry no types
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
