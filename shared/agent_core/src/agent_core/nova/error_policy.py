"""Decide what to do about the model's errors: a table of retry policies, a count of failures, and what was learned.

Kinds and texts are the service's own, from its API model and from field reports. The first matching row applies. An
error that no row matches is one of the SDK's many connection failures, and is retried.

Documentation, field reports and other clients disagree about some limits of the service. Each conversation starts with
what most of them say; a refusal that contradicts it is recorded in ``Quirks``, so that later callers do not run into
it.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from agent_core.errors import ModelError, ModelRejected
from agent_core.nova.transcript import MAX_HISTORY_BYTES, MIN_HISTORY_BYTES

MAX_TRIES = 3
"""Consecutive stream failures after which the conversation gives up; endless retries cost money and leave the caller in
silence.
"""
MAX_A_MINUTE = 6
"""Failures within one minute after which it gives up, even if replies were completed in between."""
_MINUTE = 60.0
WAIT_SECONDS = 20.0
"""A caller who has waited this long since their last word gets the fallback instead of another retry."""


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


class Failures:
    """Counts the failed streams of one conversation. All times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.in_a_row = 0
        """Failures since the last turn that worked: a completed reply, followed by the caller speaking. The first audio
        of a reply proves nothing, nor does "let me see" before a tool call: a model may fail right after it every time.
        """
        self.lived = False
        """Whether the model has sent any event in this conversation."""
        self._answered = False
        self._replay_buffer: deque[float] = deque(maxlen=MAX_A_MINUTE)

    def count(self, now: float, *, waiting: bool) -> None:
        """Record a failed stream, and whether the caller waits for a reply."""
        self.in_a_row += 1
        self._replay_buffer.append(now)
        self._answered = self._answered and not waiting

    def answered(self) -> None:
        """Record a completed reply."""
        self._answered = True

    def caller_spoke(self) -> None:
        """Record that the caller has said something new."""
        if self._answered:
            self.in_a_row, self._answered = 0, False

    def pointless(self, error: ModelError, now: float, waited: float) -> bool:
        """Return whether another stream should not be tried.

        Args:
            error: Why the last stream failed.
            now: Time of the failure.
            waited: Seconds that the caller has waited since their last word.
        """
        # A refusal is final only if the conversation has never worked: no access, an unknown model, an error in what
        # every session sends. Later refusals concern this conversation's content or are temporary.
        if isinstance(error, ModelRejected) and not self.lived:
            return True
        many = len(self._replay_buffer) == MAX_A_MINUTE and now - self._replay_buffer[0] < _MINUTE
        return many or self.in_a_row >= MAX_TRIES or waited >= WAIT_SECONDS


@dataclass(slots=True)
class Quirks:
    """Shared by all conversations of a process; lost on restart."""

    history_bytes: int = MAX_HISTORY_BYTES
    """Most bytes of history that a new session is sent."""
    holds_audio: bool = False
    """Whether the caller's audio is held back while the model waits for a tool result, and sent after it.

    One production team had streams closed that sent audio meanwhile; Pipecat, LiveKit and Strands always send it.
    """

    head_start: float = 0.0
    """Seconds of silence before a reply, so that bursts of audio do not leave gaps in it (``HeadStart``)."""
    takes_nudges: bool = True
    """Whether the model may be prompted in writing to say something while it waits for a tool result (AWS's guide for
    Nova 2.5). Set to False after a refusal in such a moment.
    """

    def shorten_history(self) -> None:
        """Halve the history that new sessions are sent."""
        self.history_bytes = max(self.history_bytes // 2, MIN_HISTORY_BYTES)
