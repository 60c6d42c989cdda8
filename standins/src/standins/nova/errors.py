"""Errors of Amazon Bedrock, with its own texts.

    BedrockError
    ├── Refused       before the stream opens: an HTTP status with `x-amzn-errortype`
    └── StreamFault   afterwards: an exception message in the event stream, then the end

Texts are literal, because clients match them. Those of the limits come from public code and issue threads.
"""

from collections.abc import Iterable

HISTORY_AFTER_AUDIO = "Chat history should be sent completely before streaming audio."
HISTORY_TOO_LONG = "Chat history is over max limit. Trim chat history and try again."
CONTENT_FILTERED = "Error 1: This request has been blocked by our content filters."
OPEN_CONTENTS = "Error(s):\nError 1 : All contents must be closed before ending prompt"
EMPTY_CONTENT = "Cannot end content as no content data was received"
TOOL_RESULT = "Tool Response parsing error"
INVALID_INPUT = "Invalid input request, please fix your input and try again."
"""The model's text for events it rejects: wrong order, or tools and audio it does not accept."""
MALFORMED = "Malformed input request, please reformat your input and try again."
"""Bedrock's text, for any model, if an event does not match its schema."""
UNPARSABLE = "Unable to parse input chunk. Please check input format contains correct format."
TOO_MANY = "Too many requests, please wait before trying again."
"""Bedrock's text for a request above an account quota: status 429, without a Retry-After header."""
VOICE = "Received invalid id: '{voice}'. Please check AWS documentation for valid voiceIds."
"""As reported by a team that had sent `Matthew`."""
LIFETIME = "Model has timed out in processing the request. Try your request again."
INVALID_EVENT_BYTES = "Invalid event bytes"
IDLE = (
    "Timed out waiting for audio bytes or interactive content. "
    "Please ensure gaps between audio bytes and interactive content are less than {seconds:.0f} seconds"
)

STATUS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "InternalServerException": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
"""HTTP status of each error class, from the service's API model."""


class BedrockError(Exception):
    """An error of the service; `detail` is for the stand-in's own log only."""

    def __init__(self, kind: str, message: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {message}" + (f" ({detail})" if detail else ""))
        self.kind = kind
        self.message = message
        self.detail = detail


class StreamRefused(BedrockError):
    """The request is rejected before its stream opens; `kind` is spelled like `ThrottlingException`."""

    @property
    def status(self) -> int:
        """HTTP status of the error class."""
        return STATUS.get(self.kind, 400)


class StreamFault(BedrockError):
    """An open stream ends with an exception; `kind` is spelled like `validationException`.

    A `literal` message is sent unchanged; the service prefixes those of a validation with the request ID.
    """

    def __init__(self, kind: str, message: str, detail: str = "", *, literal: bool = False) -> None:
        super().__init__(kind, message, detail)
        self.literal = literal


def screen(text: str, blocked: Iterable[str]) -> None:
    """Reject text that contains a blocked word, ignoring case.

    Raises:
        StreamFault: It contains one.
    """
    if any(word.lower() in text.lower() for word in blocked):
        raise invalid(CONTENT_FILTERED)


def invalid(message: str, detail: str = "") -> StreamFault:
    """Return the exception for input that violates the protocol."""
    return StreamFault("validationException", message, detail)
