"""Whether the region has the model, and how many may talk to it at once."""

from collections.abc import Sequence
from typing import Final

from botocore.exceptions import ClientError

from deployment.aws import Aws, AwsFailure, code_of
from deployment.checks.finding import Finding, asked, bad, care, good, unknown

_NO_SUCH_MODEL: Final = {"ResourceNotFoundException", "ValidationException"}


def check(aws: Aws, model: str, conversations: int, regions: Sequence[str]) -> list[Finding]:
    """Look for the model and its quota.

    Args:
        aws: whom to ask.
        model: its id.
        conversations: how many all tasks together admit.
        regions: where the newest model is known to be.
    """
    return [
        asked("model", lambda: _model(aws, model, regions)),
        asked("model quota", lambda: _quota(aws, model, conversations)),
    ]


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


def _quota(aws: Aws, model: str, conversations: int) -> Finding:
    pages = aws.model_quotas.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
    names = [(one["QuotaName"], one["Value"]) for page in pages for one in page["Quotas"]]
    found = [(name, value) for name, value in names if "sonic" in name.lower() and "concurrent" in name.lower()]
    if not found:
        return unknown("model quota", f"{aws.model_region} lists none for Nova Sonic's conversations")
    # Each generation has a quota of its own; a name that says no generation may stand for any of them.
    own = [one for one in found if f"{_spoken(model)} " in f"{one[0]} "]
    name, value = max(own or found, key=lambda one: one[1])
    if value < conversations:
        return care(
            "model quota",
            f"{value:.0f} conversations at once, {conversations} are admitted ({name})",
            "ask for more in the Service Quotas console: those above it hear the fallback",
        )
    return good("model quota", f"{value:.0f} conversations at once")


def _spoken(model: str) -> str:
    """Call a model what quotas call it: "Nova 2.5 Sonic" for `amazon.nova-2-5-sonic`."""
    version = model.removeprefix("amazon.").partition("-v1:")[0].split("-")[1:-1]
    return " ".join(filter(None, ("Nova", ".".join(version), "Sonic")))
