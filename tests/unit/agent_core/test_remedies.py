"""The table of errors: the service's literal texts, and the product's reactions."""

import pytest

from agent_core.errors import ModelRejected, ModelUnavailable
from agent_core.nova.error_policy import TABLE, RetryPolicy, remedy_for
from agent_core.nova.sdk import translate

IDLE = (
    "Timed out waiting for audio bytes or interactive content. "
    "Please ensure gaps between audio bytes and interactive content are less than {} seconds"
)


@pytest.mark.parametrize(
    ("kind", "text", "retry_policy"),
    [
        ("ValidationException", "System instability detected. Please retry your request.", RetryPolicy.RECOVER),
        (
            "ValidationException",
            "InternalErrorCode=531::RST_STREAM closed stream. HTTP/2 error code: NO_ERROR",
            RetryPolicy.RECOVER,
        ),
        ("ValidationException", "RequestId=1 : " + IDLE.format(55), RetryPolicy.RECOVER),
        ("ValidationException", "RequestId=1 : " + IDLE.format(295), RetryPolicy.RECOVER),
        (
            "ModelTimeoutException",
            "Model has timed out in processing the request. Try your request again.",
            RetryPolicy.RECOVER,
        ),
        ("ThrottlingException", "Too many requests, please wait before trying again.", RetryPolicy.RETRY),
        ("ModelNotReadyException", "The model is not ready for inference.", RetryPolicy.RETRY),
        ("ModelErrorException", "", RetryPolicy.RETRY),
        ("ModelStreamErrorException", "Invalid event bytes", RetryPolicy.RETRY),
        ("InternalServerException", "", RetryPolicy.RETRY),
        ("ServiceUnavailableException", "", RetryPolicy.RETRY),
        ("ExpiredTokenException", "The security token included in the request is expired", RetryPolicy.RETRY),
        ("StreamEnded", "the model closed the stream", RetryPolicy.RETRY),
        ("AwsCrtError", "AWS_ERROR_HTTP_CONNECTION_CLOSED", RetryPolicy.RETRY),
        ("AccessDeniedException", "", RetryPolicy.GIVE_UP),
        ("ResourceNotFoundException", "", RetryPolicy.GIVE_UP),
        ("ServiceQuotaExceededException", "", RetryPolicy.RETRY),
        ("UnrecognizedClientException", "The security token included in the request is invalid.", RetryPolicy.GIVE_UP),
        (
            "ValidationException",
            "Malformed input request, please reformat your input and try again.",
            RetryPolicy.GIVE_UP,
        ),
        (
            "ValidationException",
            "Chat history should be sent completely before streaming audio.",
            RetryPolicy.GIVE_UP,
        ),
        ("ValidationException", "Tool Response parsing error", RetryPolicy.GIVE_UP),
        ("ValidationException", "All contents must be closed before ending prompt", RetryPolicy.GIVE_UP),
    ],
)
def test_each_error_has_its_remedy(kind: str, text: str, retry_policy: RetryPolicy) -> None:
    """Each error has its remedy, by the kinds and texts that the service sends."""
    assert remedy_for(kind, text) is retry_policy


def test_a_kind_with_several_meanings_ends_with_what_all_others_mean() -> None:
    """Of the rows of one kind, the one without a text comes last; otherwise it would hide the others."""
    for at, row in enumerate(TABLE):
        assert row.text or all(later.kind != row.kind for later in TABLE[at + 1 :])


class ThrottlingException(Exception):
    """An error that the SDK has no class for."""


class AccessDeniedException(Exception):
    """Another such error."""


class CallError(Exception):
    """A nameless error, as the SDK raises it."""

    fault = "client"


def test_what_the_sdk_raises_is_retried_or_not_by_the_table() -> None:
    """An unknown rejection is final if the product is at fault; a broken connection is retried."""
    assert isinstance(translate(ThrottlingException()), ModelUnavailable)
    assert isinstance(translate(AccessDeniedException()), ModelRejected)
    assert isinstance(translate(CallError()), ModelRejected)
    assert isinstance(translate(ConnectionResetError()), ModelUnavailable)
    assert isinstance(translate(TimeoutError()), ModelUnavailable)
