"""Define facts about a conversation that other modules use, and the record that closes it."""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final

GOODBYE_SECONDS: Final = 10.0
"""Longest wait for the agent's goodbye to be heard, before a conversation ends anyway."""


class EndReason(StrEnum):
    """Why a conversation ended; every conversation has exactly one reason."""

    CALLER_HUNG_UP = "caller_hung_up"
    """The caller hung up or closed the page."""
    AGENT_ENDED = "agent_ended"
    """Both said goodbye and the agent ended the conversation."""
    NEVER_CONNECTED = "never_connected"
    """The phone rang, or a visitor's offer was answered, but no media reached this task: the caller gave up, another
    task carries the call, or every slot was taken when the visitor's connection was established.
    """
    TRANSFERRED = "transferred"
    """The caller was transferred to a person; the telephone network holds the call now."""
    MEDIA_DISCONNECTED = "media_disconnected"
    """The media connection broke without a hang-up: it closed or fell silent, or a newer connection of the same caller
    replaced it. The caller may still be there, and another conversation may continue this one.
    """
    PROTOCOL_ERROR = "protocol_error"
    """The media connection broke its protocol too often."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """The speech model failed and retries did not help."""
    MODEL_REJECTED = "model_rejected"
    """The speech model rejected the service: access, model name or request."""
    IDLE_TIMEOUT = "idle_timeout"
    """The caller was silent for a while, and again after the question whether they are still there."""
    MAX_DURATION = "max_duration"
    """The maximum duration was reached."""
    DRAINED = "drained"
    """This task had to stop before the conversation was over. Another task continues it if the call store is shared;
    otherwise the agent says goodbye first.
    """
    TASK_LOST = "task_lost"
    """The task was killed, so it is not known how the conversation ended. Another task has written this record, with
    the figures of up to twenty seconds before.
    """
    INTERNAL_ERROR = "internal_error"
    """A defect of ours; the log contains its trace."""

    @classmethod
    def _missing_(cls, value: object) -> "EndReason | None":
        """Accept the names of version 0.9: its tasks share the call store with ours while a deployment runs."""
        return cls(_FORMER[value]) if isinstance(value, str) and value in _FORMER else None

    @property
    def is_normal(self) -> bool:
        """Whether the caller got what they called for, as far as we can tell."""
        return self in _NORMAL

    @property
    def is_ours(self) -> bool:
        """Whether only a change of this version can help: a defect, or a request that the model never accepts."""
        return self in _OURS


_FORMER: Final = {
    "caller_left": "caller_hung_up",
    "peer_lost": "media_disconnected",
    "caller_silent": "idle_timeout",
    "time_limit": "max_duration",
    "failed": "internal_error",
}
_NORMAL: Final = frozenset(
    {
        EndReason.CALLER_HUNG_UP,
        EndReason.AGENT_ENDED,
        EndReason.IDLE_TIMEOUT,
        EndReason.TRANSFERRED,
        EndReason.NEVER_CONNECTED,
        EndReason.MAX_DURATION,
    }
)


_OURS: Final = frozenset({EndReason.INTERNAL_ERROR, EndReason.MODEL_REJECTED})


class Disclosure(StrEnum):
    """Whether the caller has heard that an AI speaks, and on whose behalf."""

    HEARD = "heard"
    """To its end, in whatever words."""
    CUT = "cut"
    """It had begun, and the caller spoke or left before its end; it was not repeated."""
    NOT_HEARD = "not_heard"
    """The agent has not said it, or nothing was said at all."""


class Rating(StrEnum):
    """A visitor's judgement of a conversation."""

    UP = "up"
    DOWN = "down"


@dataclass(slots=True)
class SessionStats:
    """What is counted during a conversation; becomes part of its end record."""

    resumed: int = 0
    """How often the conversation was lost and resumed before. On the phone, records with the same ``call_sid`` cover
    the rest; a visit of the page has this one record.
    """
    caller_turns: int = 0
    """Turns in which the model understood words."""
    agent_turns: int = 0
    """Replies that were started, including the greeting."""
    interruptions: int = 0
    """Replies that the caller talked over."""
    tools: dict[str, int] = field(default_factory=dict)
    """Calls per tool; an unknown tool counts as ``unknown``."""
    tool_failures: int = 0
    """Calls that returned no useful result."""
    model_errors: dict[str, int] = field(default_factory=dict)
    """Streams to the model that broke, by the model's error name, or ours."""
    model_streams: int = 0
    """Streams opened to the model; more than one means that one was replaced."""
    renewals: int = 0
    """Streams among them that replaced one near its age limit."""
    stages: int = 0
    """Streams among them that began another stage of the conversation."""
    unknown_events: int = 0
    """Events of the model that are unknown to this version, or unreadable."""
    phrases: int = 0
    """Announcements that the caller heard instead of the model, such as "One moment, please."
    """
    audio_in_ms: int = 0
    """Caller audio sent to the model."""
    audio_out_ms: int = 0
    """Agent audio that the caller heard, announcements included."""
    audio_dropped_ms: int = 0
    """Caller audio that never reached the model: it did not keep up, or no stream was open and the buffer was full."""
    missing_packets: int = 0
    """Packets of caller audio that never arrived; phone only."""
    malformed_messages: int = 0
    """Messages that broke the protocol and were dropped."""
    ignored_messages: int = 0
    """Well-formed messages that were dropped: repeated, out of turn, of another stream, or unknown."""
    speech_input_tokens: int = 0
    """The caller's speech, as counted by the model."""
    text_input_tokens: int = 0
    """Prompt, history, tool results and written words, as counted by the model."""
    speech_output_tokens: int = 0
    """The agent's speech, as counted by the model."""
    text_output_tokens: int = 0
    """The agent's text, including tool calls, as counted by the model."""
    first_audio_ms: int | None = None
    """From the start of the media stream to the first audio of the agent."""
    slowest_answer_ms: int | None = None
    """Longest time from the end of a caller's turn, as the model reports it, to the first audio of the reply."""

    def count_model_error(self, kind: str) -> None:
        """Count a stream that broke."""
        self.model_errors[kind] = self.model_errors.get(kind, 0) + 1

    def count_tool(self, name: str, *, failed: bool) -> None:
        """Count one tool call."""
        self.tools[name] = self.tools.get(name, 0) + 1
        self.tool_failures += failed

    def after(self, earlier: "SessionStats") -> "SessionStats":
        """Return the sum of this tally and that of an earlier part of the same conversation."""
        total: dict[str, Any] = {}
        for name in (one.name for one in fields(self)):
            before, now = getattr(earlier, name), getattr(self, name)
            if isinstance(now, dict):
                total[name] = {key: before.get(key, 0) + now.get(key, 0) for key in before | now}
            elif name not in _NOT_SUMMED:
                total[name] = before + now
        # Latencies are not summed: the first one and the worst one of the conversation count.
        waits = [wait for wait in (earlier.slowest_answer_ms, self.slowest_answer_ms) if wait is not None]
        first = self.first_audio_ms if earlier.first_audio_ms is None else earlier.first_audio_ms
        return SessionStats(**total, first_audio_ms=first, slowest_answer_ms=max(waits, default=None))


_NOT_SUMMED: Final = frozenset({"first_audio_ms", "slowest_answer_ms"})

COUNTED: Final = (
    "interruptions",
    "model_streams",
    "audio_dropped_ms",
    "speech_input_tokens",
    "text_input_tokens",
    "speech_output_tokens",
    "text_output_tokens",
)
"""Fields of a tally that are reported during the conversation; they only grow."""


@dataclass(frozen=True, slots=True)
class CallDetailRecord:
    """The one record that summarizes a conversation.

    It contains identifiers and numbers: no transcript, no phone number.
    """

    session_id: str
    channel: str
    reason: EndReason
    started_at: float
    """Unix seconds."""
    duration_ms: int
    stats: SessionStats
    call_sid: str | None = None
    agent: str = ""
    """Folder name of the agent that spoke."""
    agent_version: str = ""
    """Version of that folder: a digest of its content."""
    stage: str = ""
    """The agent's stage in which the conversation ended; empty if it has none."""
    cost_usd: float = 0.0
    """Estimate of the model's cost."""
    consent: str | None = None
    """Version of the notice that the visitor accepted, or saw before talking if no consent is required."""
    consented_at: float | None = None
    """Unix seconds at which the service received the consent."""
    disclosure: Disclosure = Disclosure.NOT_HEARD
    """Whether the caller heard that an AI speaks, and on whose behalf."""
    rating: Rating | None = None
    """The visitor's rating, if it arrived before this record was written; most follow as ``session_rated``."""


@dataclass(frozen=True, slots=True)
class VisitorConsent:
    """The notice that a visitor accepted, or was shown."""

    version: str
    """Version of the notice."""
    at: float
    """Unix seconds."""
