"""AWS, where it cannot be asked: what needs no answer of it is shown all the same."""

from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError, UnknownRegionError

from deployment import aws_regions
from deployment.aws import Aws, AwsFailure


class NotAskedError(BotoCoreError):
    """AWS was not asked, since it would not have answered."""

    fmt = "AWS was not asked"


class NoAws(Aws):
    """In AWS's place: every request ends in the reason why there is none."""

    def __init__(self, region: str, model_region: str, why: Exception) -> None:
        self.region = region
        self.model_region = model_region
        self.why = why

    def __getattr__(self, _client: str) -> Any:  # noqa: ANN401 - in place of any client
        """Give a client that is none."""
        return _Nobody(self.why)


class _Nobody:
    """A client that cannot ask."""

    def __init__(self, why: Exception) -> None:
        self._why = why

    def __getattr__(self, _method: str) -> Any:  # noqa: ANN401 - in place of any method
        def fail(*_: object, **__: object) -> NoReturn:
            raise self._why

        return fail


def connect(region: str, model_region: str) -> Aws:
    """Make AWS's clients, or what stands for them where the region, the profile or its file is wrong."""
    if region not in aws_regions.known():
        return NoAws(region, model_region, UnknownRegionError(region_name=region, error_msg="no such region"))
    try:
        return Aws(region, model_region)
    except AwsFailure as error:
        return NoAws(region, model_region, error)


def is_out_of_reach(error: Exception) -> bool:
    """Tell whether AWS gave no answer at all: the next request would end the same way, after as long a wait."""
    return not isinstance(error, ClientError)
