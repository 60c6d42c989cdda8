"""What Amazon Bedrock says when it refuses, and in which words.

    BedrockError
    ├── Refused       before the stream: an HTTP status with `x-amzn-errortype`
    └── StreamFault   after it: an exception message in the event stream, then the end

The texts are literal: clients match on them. Those of the limits were seen in public code and issue threads.
"""

from dataclasses import dataclass

HISTORY_AFTER_AUDIO = "Chat history should be sent completely before streaming audio."
HISTORY_TOO_LONG = "Chat history is over max limit. Trim chat history and try again."
OPEN_CONTENTS = "Error(s):\nError 1 : All contents must be closed before ending prompt"
EMPTY_CONTENT = "Cannot end content as no content data was received"
TOOL_RESULT = "Tool Response parsing error"
MALFORMED = "Malformed input request, please reformat your input and try again."
UNPARSABLE = "Unable to parse input chunk. Please check input format contains correct format."
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


class Refused(BedrockError):
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


def invalid(message: str, detail: str = "") -> StreamFault:
    """Make the exception for input that breaks the protocol."""
    return StreamFault("validationException", message, detail)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may do, from the service's documentation and the errors seen in the field."""

    lifetime: float = 8 * 60.0
    """Seconds a stream stays open."""
    idle: float | None = None
    """Seconds without audio or interactive content; None takes the model's own: 55 for v1, 295 for later ones."""
    silence_counts: bool = True
    """Whether audio without speech resets the idle clock. Field reports on Nova 2 disagree."""
    history_bytes: int = 40 * 1024
    history_text_bytes: int = 1024

    def idle_for(self, model_id: str) -> float:
        """Give the idle limit of a model, in seconds."""
        if self.idle is not None:
            return self.idle
        return 55.0 if "nova-sonic-v1" in model_id else 295.0
