"""What Amazon Bedrock says when it refuses, and in which words.

    BedrockError
    ├── Refused       before the stream: an HTTP status with `x-amzn-errortype`
    └── StreamFault   after it: an exception message in the event stream, then the end

The texts are literal: clients match on them. Those of the limits were seen in public code and issue threads.
"""

from collections.abc import Iterable

HISTORY_AFTER_AUDIO = "Chat history should be sent completely before streaming audio."
HISTORY_TOO_LONG = "Chat history is over max limit. Trim chat history and try again."
CONTENT_FILTERED = "Error 1: This request has been blocked by our content filters."
OPEN_CONTENTS = "Error(s):\nError 1 : All contents must be closed before ending prompt"
EMPTY_CONTENT = "Cannot end content as no content data was received"
TOOL_RESULT = "Tool Response parsing error"
INVALID_INPUT = "Invalid input request, please fix your input and try again."
"""The model's own words for events it does not take: out of order, or tools and audio it refuses."""
MALFORMED = "Malformed input request, please reformat your input and try again."
"""Bedrock's words, for any model, where an event does not fit its schema."""
UNPARSABLE = "Unable to parse input chunk. Please check input format contains correct format."
TOO_MANY = "Too many requests, please wait before trying again."
"""Bedrock's words for a request above a quota of the account, with 429 and no header that says when to try again."""
VOICE = "Received invalid id: '{voice}'. Please check AWS documentation for valid voiceIds."
"""As a team saw it that had written `Matthew`."""
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
    """The service refuses; `detail` is what only the stand-in's own log says."""

    def __init__(self, kind: str, message: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {message}" + (f" ({detail})" if detail else ""))
        self.kind = kind
        self.message = message
        self.detail = detail


class StreamRefused(BedrockError):
    """A request is turned away before its stream opens; `kind` is spelled like `ThrottlingException`."""

    @property
    def status(self) -> int:
        """The HTTP status that goes with the class."""
        return STATUS.get(self.kind, 400)


class StreamFault(BedrockError):
    """An open stream ends with an exception; `kind` is spelled like `validationException`.

    A `literal` message goes out as it is; the service puts the request's identifier before those of a validation.
    """

    def __init__(self, kind: str, message: str, detail: str = "", *, literal: bool = False) -> None:
        super().__init__(kind, message, detail)
        self.literal = literal


def screen(text: str, blocked: Iterable[str]) -> None:
    """Refuse text that holds any of these words, whatever their case.

    Raises:
        StreamFault: It does.
    """
    if any(word.lower() in text.lower() for word in blocked):
        raise invalid(CONTENT_FILTERED)


def invalid(message: str, detail: str = "") -> StreamFault:
    """Make the exception for input that breaks the protocol."""
    return StreamFault("validationException", message, detail)
