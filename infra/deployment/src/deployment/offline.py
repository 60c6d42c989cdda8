"""Replaces AWS where it cannot be reached, so that a plan still shows everything that is known locally."""

from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError, UnknownRegionError

from deployment import aws_regions
from deployment.aws import Aws, AwsFailure


class NotAskedError(BotoCoreError):
    """No request was sent, because AWS would not have answered."""

    fmt = "AWS was not asked"


class NoAws(Aws):
    """A replacement for Aws whose every request raises the reason why AWS is unavailable."""

    def __init__(self, region: str, model_region: str, why: Exception) -> None:
        self.region = region
        self.model_region = model_region
        self.why = why

    def __getattr__(self, _client: str) -> Any:  # noqa: ANN401 - in place of any client
        """Return a client whose every method raises."""
        return _Nobody(self.why)


class _Nobody:
    """A client whose every method raises."""

    def __init__(self, why: Exception) -> None:
        self._why = why

    def __getattr__(self, _method: str) -> Any:  # noqa: ANN401 - in place of any method
        def fail(*_: object, **__: object) -> NoReturn:
            raise self._why

        return fail


def connect(region: str, model_region: str) -> Aws:
    """Create the AWS clients, or their replacement if the region, the profile or its file is not valid."""
    if region not in aws_regions.known():
        return NoAws(region, model_region, UnknownRegionError(region_name=region, error_msg="no such region"))
    try:
        return Aws(region, model_region)
    except AwsFailure as error:
        return NoAws(region, model_region, error)


def is_out_of_reach(error: Exception) -> bool:
    """Return whether AWS sent no response at all: a further request would wait for the same timeout."""
    return not isinstance(error, ClientError)
