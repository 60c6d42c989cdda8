"""What can go wrong, as data.

AgentError
├── ConfigurationError      the operator must set something; the service does not start
├── Refused                 the other side may not do this
│   ├── Forbidden               no valid signature or ticket
│   ├── AtCapacity              every place is taken
│   │   └── Overloaded              this task's event loop is late
│   │   └── ModelBusy               every stream to the model is in use, here and in every other task
│   ├── OverBudget              the day's spend is reached
│   └── Draining                this task is leaving and takes nothing new
├── ProtocolError           the other side broke the protocol
├── InvalidArguments        the model called a tool with arguments that do not fit
└── UpstreamError           a service we depend on failed
    └── ModelError              the speech model failed
        ├── ModelUnavailable        retrying may help (throttled, overloaded, timed out, connection lost)
        └── ModelRejected           retrying does not help (no access, wrong model, invalid request)

Each error says how an HTTP client, a WebSocket peer and a caller are told; the edges translate, nobody else.
"""

from typing import ClassVar


class AgentError(Exception):
    """Base of every error that this product raises on purpose."""

    http_status: ClassVar[int] = 500
    """Answer of an HTTP route."""
    close_code: ClassVar[int] = 1011
    """WebSocket close code (RFC 6455)."""
    spoken: ClassVar[str] = "Sorry, something went wrong on our side."
    """What a caller hears, where somebody is listening."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfigurationError(AgentError):
    """A setting is missing or wrong; the text says which and what to do."""


class PermissionRefused(AgentError):
    """The other side may not do this."""

    http_status = 403
    close_code = 1008


class Forbidden(PermissionRefused):
    """No valid signature or ticket came with the request."""

    spoken = "This request carries no valid signature or ticket."


class AtCapacity(PermissionRefused):
    """Every place for a conversation is taken.

    No server error: a crowd must not look like a defect to whatever counts those, such as a deployment's alarm.
    """

    http_status = 429
    close_code = 1013
    spoken = "All our lines are busy. Please call again in a few minutes."


class Overloaded(AtCapacity):
    """This task's event loop is late: one more conversation would put gaps into all of them."""


class ModelBusy(AtCapacity):
    """Every stream to the model that the account may open is in use, or the model has just refused one.

    Another task has none either, so the other side is not sent on to one.

    Args:
        reason: What is in use.
        retry_after: Seconds after which another try may succeed.
    """

    def __init__(self, reason: str, *, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class OverBudget(PermissionRefused):
    """What may be spent in a day has been spent; conversations that go on go on.

    Args:
        reason: What was reached.
        retry_after: Seconds until the next day begins, if known.
    """

    http_status = 429
    close_code = 1013
    spoken = "We have reached our limit for today. Please call again tomorrow."

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Draining(PermissionRefused):
    """This task is leaving and takes no new conversation."""

    http_status = 503
    close_code = 1012
    spoken = "We are just changing shifts. Please call again in a minute."


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
        service: Which one, for logs and metrics: a constant name.
        reason: What happened; never a text that the service sent.
        retry_after: Seconds after which another try may succeed, if known.
    """

    http_status = 503
    spoken = "I can't reach that service right now."
    host: str = ""
    """Where the request went, where that is known: for the log."""

    def __init__(self, service: str, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.retry_after = retry_after


class ModelError(UpstreamError):
    """The speech model failed.

    Args:
        kind: The error's name on the wire, such as ``ThrottlingException``.
        reason: The model's own message, or ours where it gave none.
    """

    def __init__(self, kind: str, reason: str = "") -> None:
        super().__init__("nova_sonic", f"{kind}: {reason}" if reason else kind)
        self.kind = kind


class ModelUnavailable(ModelError):
    """Another try may help: throttled, overloaded, timed out, connection lost."""


class ModelRejected(ModelError):
    """Another try does not help: no access, no such model, an invalid request."""
