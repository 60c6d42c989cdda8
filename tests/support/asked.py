"""What a program asks AWS for, call by call, and what a role must allow for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.client import BaseClient

_FREE: Final = {"sts:GetCallerIdentity"}
"""What AWS answers to everybody."""
_PREFIXES: Final = {"service-quotas": "servicequotas"}
"""Services whose prefix in policies is not the name that boto3 knows them by."""


@contextmanager
def listening() -> Iterator[set[str]]:
    """Collect every action that is called as long as the block lasts, as policies name it."""
    found: set[str] = set()
    client: Any = BaseClient
    original = client._make_api_call

    def noting(self: Any, operation: str, parameters: Any) -> Any:  # noqa: ANN401 - botocore's
        service = self.meta.service_model.service_name
        found.add(f"{_PREFIXES.get(service, service)}:{operation}")
        return original(self, operation, parameters)

    client._make_api_call = noting
    try:
        yield found
    finally:
        client._make_api_call = original
        found -= _FREE
