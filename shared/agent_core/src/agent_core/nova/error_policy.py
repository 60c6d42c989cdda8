"""Map each error of the model to a retry policy.

Kinds and texts are the service's own, from its API model and from field reports. The first matching row applies. An
error that no row matches is one of the SDK's many connection failures, and is retried.
"""

from dataclasses import dataclass
from enum import Enum


class RetryPolicy(Enum):
    """What to do about an error."""

    RETRY = "retry"
    """Retry with back-off. The caller hears a hold announcement if a reply is pending."""
    RECOVER = "recover"
    """Retry at once and silently: the problem is internal to the service and short, or was expected."""
    GIVE_UP = "give_up"
    """Do not retry while the conversation has never worked: the next stream would be refused too. Once it has worked,
    the same error is temporary or can be avoided, and is retried.
    """


class Complaint(Enum):
    """What the model refused, where its text says so; the next stream avoids it."""

    HISTORY = "history"
    """The history is too long, or was sent too late."""
    BLOCKED_WORDS = "blocked_words"
    """The caller's last words, or the reply to them, were blocked by a content filter."""
    INPUT = "input"
    """Some event of ours. Seen for audio sent while a tool ran, for histories, and in calls that were otherwise fine.
    """


_COMPLAINTS = (
    ("chat history", Complaint.HISTORY),
    ("content filter", Complaint.BLOCKED_WORDS),
    ("invalid input request", Complaint.INPUT),
    ("malformed input request", Complaint.INPUT),
)


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """One kind of error, narrowed down by part of its text where one kind means several things."""

    kind: str
    retry_policy: RetryPolicy
    text: str = ""


TABLE = (
    ErrorRule("ValidationException", RetryPolicy.RECOVER, "System instability detected"),
    ErrorRule("ValidationException", RetryPolicy.RECOVER, "InternalErrorCode=53"),
    ErrorRule("ValidationException", RetryPolicy.RECOVER, "Timed out waiting for audio bytes or interactive content"),
    ErrorRule("ValidationException", RetryPolicy.GIVE_UP),
    ErrorRule("ModelTimeoutException", RetryPolicy.RECOVER),
    ErrorRule("ModelStreamErrorException", RetryPolicy.RETRY),
    ErrorRule("ModelErrorException", RetryPolicy.RETRY),
    ErrorRule("ModelNotReadyException", RetryPolicy.RETRY),
    ErrorRule("InternalServerException", RetryPolicy.RETRY),
    ErrorRule("ServiceUnavailableException", RetryPolicy.RETRY),
    ErrorRule("ThrottlingException", RetryPolicy.RETRY),
    ErrorRule("ServiceQuotaExceededException", RetryPolicy.RETRY),  # of concurrent streams: one may end
    ErrorRule("ExpiredTokenException", RetryPolicy.RETRY),  # credentials are looked up again for each stream
    ErrorRule("AccessDeniedException", RetryPolicy.GIVE_UP),
    ErrorRule("InvalidSignatureException", RetryPolicy.GIVE_UP),
    ErrorRule("MissingAuthenticationTokenException", RetryPolicy.GIVE_UP),
    ErrorRule("ResourceNotFoundException", RetryPolicy.GIVE_UP),
    ErrorRule("UnrecognizedClientException", RetryPolicy.GIVE_UP),
)

_KINDS = frozenset(row.kind for row in TABLE)


def is_known(kind: str) -> bool:
    """Return whether the table contains this kind."""
    return kind in _KINDS


def remedy_for(kind: str, text: str) -> RetryPolicy:
    """Return the remedy for an error.

    Args:
        kind: The error's class on the wire, such as ``ThrottlingException``.
        text: Its message.
    """
    for row in TABLE:
        if row.kind == kind and row.text in text:
            return row.retry_policy
    return RetryPolicy.RETRY


def complaint_of(kind: str, text: str) -> Complaint | None:
    """Return what a refusal is about; None if its text does not say.

    Args:
        kind: The error's class on the wire.
        text: Its message.
    """
    if kind != "ValidationException":
        return None
    lower = text.lower()
    return next((complaint for piece, complaint in _COMPLAINTS if piece in lower), None)
