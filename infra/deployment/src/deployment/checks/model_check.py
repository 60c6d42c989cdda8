"""Whether the region has the model, and how many may talk to it at once."""

from collections.abc import Sequence
from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, AwsFailure, code_of
from deployment.checks.finding import Finding, asked, bad, care, good
from deployment.model_quota import Quota

_NO_SUCH_MODEL: Final = {"ResourceNotFoundException", "ValidationException"}


def check(aws: Aws, model: str, regions: Sequence[str]) -> Finding:
    """Look for the model.

    Args:
        aws: whom to ask.
        model: its id.
        regions: where the newest model is known to be.
    """
    return asked("model", lambda: _model(aws, model, regions))


def _model(aws: Aws, model: str, regions: Sequence[str]) -> Finding:
    try:
        details = aws.bedrock.get_foundation_model(modelIdentifier=model)["modelDetails"]
    except ClientError as error:
        if code_of(error) not in _NO_SUCH_MODEL:
            raise
        return _missing(aws, model, regions)
    status = details.get("modelLifecycle", {}).get("status", "ACTIVE")
    if status != "ACTIVE":
        return care(
            "model", f"{model} is {status.lower()} in {aws.model_region}", "set NovaSonicModelId to its successor"
        )
    return good("model", f"{model} in {aws.model_region}")


def _missing(aws: Aws, model: str, regions: Sequence[str]) -> Finding:
    try:
        listed = aws.bedrock.list_foundation_models(byProvider="amazon")["modelSummaries"]
    except AwsFailure:
        listed = []
    speaks = sorted({one["modelId"] for one in listed if "sonic" in one["modelId"]})
    there = f"this region has {', '.join(speaks)}" if speaks else f"Nova Sonic is in {', '.join(regions)}"
    return bad("model", f"{model} is not in {aws.model_region}", f"{there}: set NovaSonicRegion or NovaSonicModelId")


def quota(aws: Aws, found: Quota, places: int, given: int | None) -> Finding:
    """Compare the quota with what the deployment would admit.

    Args:
        aws: Names the model's region.
        found: The quota.
        places: Conversations that the tasks of the first deployment have places for.
        given: `ModelStreams` of the environment; None takes the quota.
    """
    value = f"{_streams(found.streams)} in {aws.model_region} ({found.source})"
    if found.streams < 1:
        if given is not None:
            return care("model quota", f"{value}; ModelStreams={given} is used", *_how_to_raise(aws, found))
        # Field reports disagree whether a listed 0 is enforced, so a person who has tried it can say so.
        tried = "an account that has opened a stream all the same names how many it may with ModelStreams"
        return bad("model quota", value, *_how_to_raise(aws, found), tried)
    if given is not None and given > found.streams:
        return care("model quota", f"{value}; ModelStreams={given} is more", *_how_to_raise(aws, found))
    limit = found.streams if given is None else given
    if limit < places:
        busy = "callers beyond it are put through to FallbackDestination, or hear that all lines are busy"
        return care(
            "model quota",
            f"{value}; the tasks have places for {places} conversations",
            busy,
            *_how_to_raise(aws, found),
        )
    return good("model quota", value)


def overflow_quota(found: Quota, region: str) -> Finding:
    """Say how many streams the second region adds."""
    value = f"{_streams(found.streams)} in {region} ({found.source})"
    if found.streams < 2:  # noqa: PLR2004 - one conversation, and one stream to renew it
        return care("overflow quota", value, "that is too few for a conversation that is renewed: leave it empty")
    return good("overflow quota", value)


def _streams(count: int) -> str:
    return f"{count} stream{'s' * (count != 1)} at once"


def _how_to_raise(aws: Aws, found: Quota) -> tuple[str, ...]:
    if found.adjustable:
        return (f"ask for more in the Service Quotas console, region {aws.model_region}, service Amazon Bedrock",)
    if found.adjustable is None:
        return (f"look at the Service Quotas console, region {aws.model_region}, service Amazon Bedrock",)
    form = "ask with the limit increase form of the AWS Support Center, or ask your AWS account team"
    return (f"not adjustable in the Service Quotas console: {form}",)
