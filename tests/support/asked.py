"""Record what a program requests from AWS, call by call, and what a role must allow for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.client import BaseClient

_FREE: Final = {"sts:GetCallerIdentity"}
"""Actions that AWS allows every caller."""
_PREFIXES: Final = {"service-quotas": "servicequotas"}
"""Services whose prefix in policies differs from boto3's name."""


@contextmanager
def listening() -> Iterator[set[str]]:
    """Collect every action that is called during the block, named as in policies."""
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
