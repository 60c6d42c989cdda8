"""What to do about each error of the model, as a table.

Kinds and texts are the service's own, from its API model and from what was seen in the field. The first row that fits
counts. What no row fits is a connection that broke in one of the SDK's many ways, and may be better next time.
"""

from dataclasses import dataclass
from enum import Enum


class RetryPolicy(Enum):
    """What may help."""

    RETRY = "retry"
    """Another stream, a little later each time. The caller is told to wait if words of theirs are at stake."""
    RECOVER = "recover"
    """Another stream at once and without a word: the trouble is the service's own and short, or was to be expected."""
    GIVE_UP = "give_up"
    """Nothing, as long as the conversation has not worked yet: the next stream would be refused like this one. Once it
    has, the same words mean something that passes or can be done differently, and another stream is tried."""


class Complaint(Enum):
    """What the model did not like, where its text says so: the next stream does that differently."""

    HISTORY = "history"
    """The history is too long, or came too late."""
    BLOCKED_WORDS = "blocked_words"
    """The caller's last words, or the answer to them, met a content filter."""
    INPUT = "input"
    """Some event of ours. Seen for audio during a tool's work, for histories, and in calls that were otherwise well."""


_COMPLAINTS = (
    ("chat history", Complaint.HISTORY),
    ("content filter", Complaint.BLOCKED_WORDS),
    ("invalid input request", Complaint.INPUT),
    ("malformed input request", Complaint.INPUT),
)


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """One kind of error, narrowed down by a piece of its text where one kind means several things."""

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
    ErrorRule("ServiceQuotaExceededException", RetryPolicy.RETRY),  # of streams at once: one may end
    ErrorRule("ExpiredTokenException", RetryPolicy.RETRY),  # keys are looked up anew for each stream
    ErrorRule("AccessDeniedException", RetryPolicy.GIVE_UP),
    ErrorRule("InvalidSignatureException", RetryPolicy.GIVE_UP),
    ErrorRule("MissingAuthenticationTokenException", RetryPolicy.GIVE_UP),
    ErrorRule("ResourceNotFoundException", RetryPolicy.GIVE_UP),
    ErrorRule("UnrecognizedClientException", RetryPolicy.GIVE_UP),
)

_KINDS = frozenset(row.kind for row in TABLE)


def is_known(kind: str) -> bool:
    """Tell whether the table speaks of this kind."""
    return kind in _KINDS


def remedy_for(kind: str, text: str) -> RetryPolicy:
    """Look an error up.

    Args:
        kind: The error's class on the wire, such as ``ThrottlingException``.
        text: Its message.
    """
    for row in TABLE:
        if row.kind == kind and row.text in text:
            return row.retry_policy
    return RetryPolicy.RETRY


def complaint_of(kind: str, text: str) -> Complaint | None:
    """Look up what a refusal is about; None where it does not say so.

    Args:
        kind: The error's class on the wire.
        text: Its message.
    """
    if kind != "ValidationException":
        return None
    lower = text.lower()
    return next((complaint for piece, complaint in _COMPLAINTS if piece in lower), None)
