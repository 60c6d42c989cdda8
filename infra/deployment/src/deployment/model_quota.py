"""The account's quota of concurrent streams to the model, in the model's region.

AWS names it "On-demand InvokeModel concurrent requests for Amazon Nova 2 Sonic", one for each generation. Its code
differs from generation to generation and is documented nowhere, so the name is what identifies it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployment.aws import Aws

DOCUMENTED: Final = 20
"""AWS's default where an account lists no value; new accounts are often given less."""
_GENERATION: Final = re.compile(r"nova(?P<version>[\d\s._-]*)sonic")
_MODEL: Final = re.compile(r"^amazon\.nova(?P<version>(?:-\d+)*)-sonic(?:-v\d+(?::\d+)?)?$")


@dataclass(frozen=True)
class Quota:
    """How many streams may be open at once.

    Attributes:
        streams: Of all environments of the account together.
        adjustable: Whether the Service Quotas console takes a request; None where AWS does not say.
        source: Where the value comes from.
    """

    streams: int
    adjustable: bool | None
    source: str


def read(aws: Aws, model: str, region: str = "") -> Quota:
    """Read the quota of a model: the account's value, else AWS's default, else the documented one.

    Args:
        aws: The account.
        model: Id of the model.
        region: Of the model; empty is the first one of the deployment.

    Raises:
        BotoCoreError, ClientError: AWS did not answer.
    """
    quotas = aws.quotas_of(region) if region else aws.model_quotas
    of_account = quotas.get_paginator("list_service_quotas")
    of_aws = quotas.get_paginator("list_aws_default_service_quotas")
    for paginator, source in ((of_account, "this account's"), (of_aws, "AWS's default")):
        pages = paginator.paginate(ServiceCode="bedrock")
        found = _of(model, [one for page in pages for one in page["Quotas"]])
        if found is not None:
            return Quota(int(found["Value"]), found.get("Adjustable"), f"{source}: {found['QuotaName']}")
    return Quota(DOCUMENTED, None, "the documented default: this account lists none")


def _of(model: str, quotas: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the smallest quota that applies to a model."""
    wanted = _version(_MODEL.match(model))
    applying = [
        one
        for one in quotas
        if wanted is not None
        and "concurrent" in one["QuotaName"].lower()
        and _version(_GENERATION.search(one["QuotaName"].lower())) == wanted
    ]
    return min(applying, key=lambda one: float(one["Value"]), default=None)


def _version(found: re.Match[str] | None) -> list[str] | None:
    """Return the digits of a generation, however they are separated; None for another kind of model."""
    return None if found is None else re.findall(r"\d+", found["version"])
