"""Reads the account's quota of concurrent model streams, in the model's region.

AWS names it "On-demand InvokeModel concurrent requests for Amazon Nova 2 Sonic", one per model generation. Its code
differs between generations and is not documented, so the quota is found by its name.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployment.aws import Aws

DOCUMENTED: Final = 20
"""AWS's documented default, for accounts that list no value; new accounts often get less."""
_GENERATION: Final = re.compile(r"nova(?P<version>[\d\s._-]*)sonic")
_MODEL: Final = re.compile(r"^amazon\.nova(?P<version>(?:-\d+)*)-sonic(?:-v\d+(?::\d+)?)?$")


@dataclass(frozen=True)
class Quota:
    """The number of streams that may be open concurrently.

    Attributes:
        streams: For all environments of the account together.
        adjustable: Whether the Service Quotas console accepts an increase request; None if AWS does not say.
        source: Where the value comes from.
    """

    streams: int
    adjustable: bool | None
    source: str


def read(aws: Aws, model: str, region: str = "") -> Quota:
    """Return the quota of a model: the account's value, else AWS's default, else the documented one.

    Args:
        aws: The clients.
        model: ID of the model.
        region: The model's region; empty selects the deployment's model region.

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
    """Return the numbers of a generation, whatever separates them; None for another kind of model."""
    return None if found is None else re.findall(r"\d+", found["version"])
