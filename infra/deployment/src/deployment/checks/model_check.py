"""Checks that the region offers the model, and how many concurrent streams the account may open."""

from collections.abc import Sequence
from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, AwsFailure, code_of
from deployment.checks.finding import Finding, asked, bad, care, good
from deployment.model_quota import Quota

_NO_SUCH_MODEL: Final = {"ResourceNotFoundException", "ValidationException"}


def check(aws: Aws, model: str, regions: Sequence[str]) -> Finding:
    """Check that the model is available.

    Args:
        aws: The clients.
        model: ID of the model.
        regions: Regions that are known to offer the newest model.
    """
    return asked("model", lambda: _model(aws, model, regions))


def _model(aws: Aws, model: str, regions: Sequence[str]) -> Finding:
    try:
        details = aws.bedrock.get_foundation_model(modelIdentifier=model)["modelDetails"]
    except ClientError as error:
        if code_of(error) not in _NO_SUCH_MODEL:
            raise
        return _missing(aws, model, regions)
    # AWS announces the end of a model long before: LEGACY models still work.
    status = details.get("modelLifecycle", {}).get("status", "ACTIVE")
    if status != "ACTIVE":
        return care(
            "model", f"{model} is {status.lower()} in {aws.model_region}", "set NovaSonicModelId to its successor"
        )
    return good("model", f"{model} in {aws.model_region}")


def _missing(aws: Aws, model: str, regions: Sequence[str]) -> Finding:
    try:
        listed = aws.bedrock.list_foundation_models(byProvider="amazon")["modelSummaries"]
    # The list is only for the advice.
    except AwsFailure:
        listed = []
    speaks = sorted({one["modelId"] for one in listed if "sonic" in one["modelId"]})
    there = f"this region has {', '.join(speaks)}" if speaks else f"Nova Sonic is in {', '.join(regions)}"
    return bad("model", f"{model} is not in {aws.model_region}", f"{there}: set NovaSonicRegion or NovaSonicModelId")


def quota(aws: Aws, found: Quota, places: int, given: int | None) -> Finding:
    """Compare the quota with the capacity of the first deployment.

    Args:
        aws: The clients; they name the model's region.
        found: The quota.
        places: Number of conversations that the first deployment's tasks admit together.
        given: `ModelStreams` of the environment; None uses the quota.
    """
    value = f"{_streams(found.streams)} in {aws.model_region} ({found.source})"
    if found.streams < 1:
        if given is not None:
            return care("model quota", f"{value}; ModelStreams={given} is used", *_how_to_raise(aws, found))
        # Field reports disagree whether AWS enforces a listed 0, so an operator who has tried it can override it.
        tried = "if the account can open a stream anyway, set ModelStreams to the number of streams it may open"
        return bad("model quota", value, *_how_to_raise(aws, found), tried)
    if given is not None and given > found.streams:
        return care("model quota", f"{value}; ModelStreams={given} is more", *_how_to_raise(aws, found))
    # Fewer streams than places is allowed: it limits calls, and the operator should know.
    limit = found.streams if given is None else given
    if limit < places:
        busy = "further callers are transferred to FallbackDestination, or hear that all lines are busy"
        return care(
            "model quota",
            f"{value}; the tasks admit {places} conversations",
            busy,
            *_how_to_raise(aws, found),
        )
    return good("model quota", value)


def overflow_quota(found: Quota, region: str) -> Finding:
    """Return how many streams the overflow region adds."""
    value = f"{_streams(found.streams)} in {region} ({found.source})"
    if found.streams < 2:  # noqa: PLR2004 - one conversation needs a second stream while its session is renewed
        return care("overflow quota", value, "too few to renew a session: leave NovaSonicOverflowRegion empty")
    return good("overflow quota", value)


def _streams(count: int) -> str:
    return f"{count} concurrent stream{'s' * (count != 1)}"


def _how_to_raise(aws: Aws, found: Quota) -> tuple[str, ...]:
    if found.adjustable:
        return (f"request an increase in the Service Quotas console, region {aws.model_region}, Amazon Bedrock",)
    if found.adjustable is None:
        return (f"see the Service Quotas console, region {aws.model_region}, Amazon Bedrock",)
    form = "use the limit increase form of the AWS Support Center, or ask your AWS account team"
    return (f"not adjustable in the Service Quotas console: {form}",)
