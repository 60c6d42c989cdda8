"""Define everything that can go wrong, as data.

AgentError
├── ConfigurationError      the operator must set something; the service refuses to start
├── Refused                 the other side is not allowed to do this
│   ├── Forbidden               no valid signature or ticket
│   ├── AtCapacity              every slot is taken
│   │   └── Overloaded              this task's event loop is late
│   │   └── ModelBusy               every stream to the model is in use, here and in every other task
│   ├── OverBudget              the daily budget is spent
│   └── Draining                this task is draining and accepts nothing new
├── ProtocolError           the other side broke the protocol
├── InvalidArguments        the model called a tool with arguments that do not fit
└── UpstreamError           a service we depend on failed
    └── ModelError              the speech model failed
        ├── ModelUnavailable        retrying may help (throttled, overloaded, timed out, connection lost)
        └── ModelRejected           retrying does not help (no access, wrong model, invalid request)

Each error defines its HTTP status, its WebSocket close code and the sentence for the caller; only the edges translate.
"""

from typing import ClassVar

from agent_core.sentence import Sentence


class AgentError(Exception):
    """Base of every error that this product raises deliberately."""

    http_status: ClassVar[int] = 500
    """Response status of an HTTP route."""
    close_code: ClassVar[int] = 1011
    """WebSocket close code (RFC 6455)."""
    spoken: ClassVar[str] = Sentence.ERROR
    """What a caller hears or a visitor reads, if one is connected: a key of the sentences, or a text for programs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfigurationError(AgentError):
    """A setting is missing or wrong; the text says which and what to do."""


class PermissionRefused(AgentError):
    """The other side is not allowed to do this."""

    http_status = 403
    close_code = 1008


class Forbidden(PermissionRefused):
    """The request had no valid signature or ticket."""

    spoken = "This request carries no valid signature or ticket."


class AtCapacity(PermissionRefused):
    """Every slot for a conversation is taken.

    Not a server error: a peak in load must not look like a defect, for example to a deployment's alarm.
    """

    http_status = 429
    close_code = 1013
    spoken: ClassVar[str] = Sentence.BUSY


class Overloaded(AtCapacity):
    """This task's event loop is late: one more conversation would cause gaps in all of them."""


class ModelBusy(AtCapacity):
    """Every stream to the model that the account may open is in use, or the model has just throttled one.

    No other task has one either, so the other side is not redirected to one.

    Args:
        reason: What is in use.
        retry_after: Seconds after which a retry may succeed.
    """

    def __init__(self, reason: str, *, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class OverBudget(PermissionRefused):
    """The daily budget is spent; active conversations continue.

    Args:
        reason: What was reached.
        retry_after: Seconds until the next day starts, if known.
    """

    http_status = 429
    close_code = 1013
    spoken: ClassVar[str] = Sentence.OVER_BUDGET

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Draining(PermissionRefused):
    """This task is draining and accepts no new conversation."""

    http_status = 503
    close_code = 1012
    spoken: ClassVar[str] = Sentence.DRAINING


class ProtocolError(AgentError):
    """The other side broke the protocol."""

    http_status = 400
    close_code = 1002
    spoken = "This request could not be understood."


class BodyTooLarge(ProtocolError):
    """The body of a request is larger than any that its sender has a reason for."""

    http_status = 413
    spoken = "The request is too large."


class InvalidArguments(AgentError):
    """The model called a tool with arguments that do not fit its schema."""

    http_status = 422


class UpstreamError(AgentError):
    """A service that we depend on failed.

    Args:
        service: Its name, for logs and metrics: a constant.
        reason: What happened; never a text from the service.
        retry_after: Seconds after which a retry may succeed, if known.
    """

    http_status = 503
    spoken: ClassVar[str] = Sentence.UNREACHABLE
    host: str = ""
    """Where the request went, if known; for the log."""

    def __init__(self, service: str, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.retry_after = retry_after


class ModelError(UpstreamError):
    """The speech model failed.

    Args:
        kind: The error's name on the wire, such as ``ThrottlingException``.
        reason: The model's own message, or ours if it sent none.
    """

    def __init__(self, kind: str, reason: str = "") -> None:
        super().__init__("nova_sonic", f"{kind}: {reason}" if reason else kind)
        self.kind = kind


class ModelUnavailable(ModelError):
    """A retry may help: throttled, overloaded, timed out, connection lost."""


class ModelRejected(ModelError):
    """A retry does not help: no access, unknown model, invalid request."""
