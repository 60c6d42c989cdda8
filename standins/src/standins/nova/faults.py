"""Fault injection: scripts that define when and how the stand-in fails."""

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from standins.nova.event_log import note

type Moment = Literal["open", "session", "turn", "answer", "tool_use", "tool_result"]
type Action = Literal[
    "freeze",
    "close",
    "rst",
    "disconnect",
    "exception",
    "unknown_event",
    "bad_json",
    "odd_audio",
    "empty_audio",
    "flood",
    "say",
    "hear",
    "stop_reason",
    "other_rate",
    "float_usage",
    "bare_interruption",
    "double_encoded",
    "object_arguments",
    "empty_arguments",
    "malformed_arguments",
    "two_uses",
    "repeated_use",
    "ask_again",
]

TOOL_XML = "<tools><function=get_current_weather><parameter=location>Paris</parameter></function></tools>"
"""A tool call that Nova 2 spoke instead of making it, as seen in the field."""

ACTIONS: Final[dict[Action, str]] = {
    "freeze": "Stops reading and writing without closing, like a hung service.",
    "close": "Ends the response normally, in the middle of the conversation.",
    "rst": "Sends RST_STREAM with `code`.",
    "disconnect": "Drops the TCP connection.",
    "exception": "Ends the stream with `error` and `message`, by default a modelStreamErrorException.",
    "unknown_event": "Writes an event of an unknown type.",
    "bad_json": "Writes a chunk that contains half an event.",
    "odd_audio": "Writes three bytes of audio, one and a half samples.",
    "empty_audio": "Writes an audioOutput without audio.",
    "flood": "Makes the reply `seconds` long and delivers it at `speed`.",
    "say": "Says `text` instead of the reply.",
    "hear": "Replaces what was recognised in the caller's speech by `text`, in any language.",
    "stop_reason": "Ends the reply's last AUDIO block with `stop_reason` instead of END_TURN.",
    "other_rate": "Declares and speaks the reply at `rate` Hz, whatever rate was requested.",
    "float_usage": "Writes the next usageEvent's numbers as floats.",
    "bare_interruption": 'Writes `{"interrupted":true}` without spaces if this reply is interrupted.',
    "double_encoded": "Encodes the tool's arguments twice: a JSON string that contains JSON (livekit/agents PR #5411).",
    "object_arguments": "Writes the tool's arguments as an object instead of as a string.",
    "empty_arguments": "Writes an empty string in place of the tool's arguments.",
    "malformed_arguments": "Cuts the last character off the tool's arguments.",
    "two_uses": "Requests the tool twice, under two toolUseIds, and waits for both results.",
    "repeated_use": "Writes the same toolUse twice, under one toolUseId, and accepts one result.",
    "ask_again": "Requests the tool again, or the next of `calls`, `after_ms` after the result.",
}
"""What each action does, for the reference page."""

_ONLY: Final[dict[Action, Moment]] = {
    "flood": "answer",
    "say": "answer",
    "hear": "turn",
    "stop_reason": "answer",
    "other_rate": "answer",
    "float_usage": "answer",
    "bare_interruption": "answer",
    "double_encoded": "tool_use",
    "object_arguments": "tool_use",
    "empty_arguments": "tool_use",
    "malformed_arguments": "tool_use",
    "two_uses": "tool_use",
    "repeated_use": "tool_use",
    "ask_again": "tool_use",
}
"""Actions that change what is written at one moment, instead of interrupting after it."""


class ToolCall(BaseModel):
    """A tool call to request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arguments: dict[str, Any] = {}


class ModelFault(BaseModel):
    """One fault script."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Moment
    """When: `open`, before a stream's headers (an `error` rejects it); `session`, once it is open; `turn`, at the end
    of the caller's speech; `answer`, at the start of a reply's audio; `tool_use`, at a tool request; `tool_result`,
    when its result arrives."""
    times: int | None = Field(default=1, ge=1)
    """How often; null for every time."""
    skip: int = Field(default=0, ge=0)
    """How many moments to skip first."""
    delay_ms: float = Field(default=0, ge=0, le=3_600_000)
    """Delay before continuing normally: of the headers at `open`, of the first audio at `answer`."""
    after_ms: float = Field(default=0, ge=0, le=3_600_000)
    """Delay of the action after the moment."""
    action: Action | None = None
    """The action; with an `error` and no action, the exception."""
    error: str | None = None
    """Exception class, `ThrottlingException` or `throttlingException`."""
    message: str = "Injected by the stand-in."
    """Text of the exception, sent unchanged."""
    request_id: bool = False
    """Whether the text is prefixed with `RequestId=… : `, as the service does for validation errors."""
    code: int = Field(default=0, ge=0, le=13)
    """HTTP/2 error code of `rst`; 0 is NO_ERROR, 2 INTERNAL_ERROR."""
    seconds: float = Field(default=60.0, gt=0, le=600)
    """Length of a `flood`."""
    speed: float = Field(default=10.0, gt=0, le=1000)
    """Speed of a `flood`, as a multiple of real time."""
    text: str = Field(default=TOOL_XML, min_length=1)
    """Text for `say` and `hear`; by default a tool call in XML, which Nova 2 has spoken in the field."""
    stop_reason: str = "CONTENT_FILTERED"
    """Value for `stop_reason`, documented or not."""
    rate: Literal[8000, 16000, 24000] = 24000
    """Sample rate of `other_rate`, in Hz."""
    calls: tuple[ToolCall, ...] = ()
    """Calls for `ask_again`, `[{"name": …, "arguments": {…}}, …]` in turn; empty repeats the same call."""

    @property
    def alters(self) -> bool:
        """Whether it changes what is written, instead of interrupting after it."""
        return self.action in _ONLY

    @model_validator(mode="after")
    def _check_moment(self) -> Self:
        # The other actions apply at any moment.
        if self.action is not None and _ONLY.get(self.action, self.on) != self.on:
            raise ValueError(f"{self.action} happens on {_ONLY[self.action]}")
        return self


class FaultPlan:
    """The active scripts, in the order in which they were added."""

    def __init__(self) -> None:
        self._scripts: list[_Script] = []

    def add(self, fault: ModelFault) -> None:
        """Add a script."""
        self._scripts.append(_Script(fault))

    def clear(self) -> None:
        """Remove all scripts."""
        self._scripts.clear()

    def take(self, moment: Moment) -> ModelFault | None:
        """Return the first script that applies now and count it; one that still skips lets the moment pass."""
        for script in self._scripts:
            # A script that does not apply leaves the moment to the next one.
            if script.fault.on == moment and script.strike():
                return script.fault
        return None

    def pending(self) -> list[ModelFault]:
        """Return the scripts that can still apply."""
        return [script.fault for script in self._scripts if script.left != 0]


def note_fault(fault: ModelFault, **whose: str) -> None:
    """Log that a fault occurred, in the stream or request that `whose` identifies."""
    fields: dict[str, Any] = {**whose, "on": fault.on, "action": fault.action, "error": fault.error}
    note("fault_struck", **fields)


class _Script:
    def __init__(self, fault: ModelFault) -> None:
        self.fault = fault
        self.left = fault.times
        self._skip = fault.skip

    def strike(self) -> bool:
        # 0 means used up; None never ends.
        if self.left == 0:
            return False
        if self._skip:
            self._skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True
