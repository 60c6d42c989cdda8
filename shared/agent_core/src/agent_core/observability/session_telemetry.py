"""Report one conversation to the operator: metrics always, spans if they are collected.

Spans have the names and attributes of OpenTelemetry's conventions for generative AI: ``invoke_agent`` for the
conversation, ``chat`` for each stream to the model, ``execute_tool`` for each tool. Tokens are only on the streams, so
that a backend that sums them counts each once.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent_core.events import CallDetailRecord, SessionStats
from agent_core.observability import gen_ai
from agent_core.observability.metrics_recorder import MetricsRecorder
from agent_core.observability.traces import NONE, Attributes, NoSpan, Tracer, TraceSpan, Value

_MOST_ID: Final = 64
"""Most characters of an identifier from the model."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The parties of a conversation: the service, and the id of its model."""

    service: str
    model: str


class SessionTelemetry:
    """Receives the events of a conversation as they happen.

    Args:
        counting: Of this process.
        tracer: Starts its span.
        stats: The conversation's own counts.
        speaker: The parties.
        labels: Identifiers.
    """

    def __init__(
        self,
        counting: MetricsRecorder,
        tracer: Tracer,
        stats: SessionStats,
        speaker: ModelIdentity,
        labels: Mapping[str, str | None],
    ) -> None:
        self._counting = counting
        self._stats = stats
        self._tracer = tracer
        self._speaker = speaker
        self._span: TraceSpan = NoSpan()
        self._labels: dict[str, Value] = {name: value for name, value in labels.items() if value is not None}
        self._of_all: dict[str, Value] = {gen_ai.PROVIDER: gen_ai.BEDROCK}
        if (session_id := labels.get("session_id")) is not None:
            self._of_all[gen_ai.CONVERSATION] = session_id
        # On every span, so that a backend can compare the tools and streams of one agent.
        of_agent = {gen_ai.AGENT_ID: labels.get("agent"), gen_ai.AGENT_VERSION: labels.get("agent_version")}
        self._of_all |= {name: value for name, value in of_agent.items() if value is not None}
        self._stream: TraceSpan | None = None
        self._used = (0, 0)
        self._turn_ended_at: float | None = None

    def began(self) -> None:
        """Record the start of the conversation."""
        self._counting.began(self._stats)
        self._span = self._tracer(f"{gen_ai.INVOKE_AGENT} {self._speaker.service}")

    def stream_began(self, model_session_id: str) -> None:
        """Record that a stream to the model takes over."""
        # One stream is active at a time, so the next one ends the one before.
        self._end_stream()
        model: dict[str, Value] = {
            gen_ai.OPERATION: gen_ai.CHAT,
            gen_ai.REQUEST_MODEL: self._speaker.model,
            gen_ai.RESPONSE_MODEL: self._speaker.model,  # Bedrock names no other
            gen_ai.RESPONSE_ID: model_session_id[:_MOST_ID],
        }
        name = f"{gen_ai.CHAT} {self._speaker.model}"
        self._stream = self._span.child(name, self._of_all | model, remote=True)

    def _end_stream(self) -> None:
        if self._stream is not None:
            before, self._used = self._used, self._tokens()
            # The tally counts the whole conversation; the span shows this stream's part.
            taken, given = (after - earlier for after, earlier in zip(self._used, before, strict=True))
            self._stream.end({gen_ai.INPUT_TOKENS: taken, gen_ai.OUTPUT_TOKENS: given})
            self._stream = None

    def _tokens(self) -> tuple[int, int]:
        """Return the tokens so far, in and out."""
        stats = self._stats
        return (
            stats.speech_input_tokens + stats.text_input_tokens,
            stats.speech_output_tokens + stats.text_output_tokens,
        )

    def turn_ended(self) -> None:
        """Record the end of the caller's turn."""
        self._turn_ended_at = time.monotonic()

    def answer_began(self) -> None:
        """Record the first audio of a reply; a greeting is not a reply to anything."""
        # Measured once per turn: later audio of the same reply is not a new wait.
        if self._turn_ended_at is None:
            return
        began, self._turn_ended_at = self._turn_ended_at, None
        waited = time.monotonic() - began
        waited_ms = round(waited * 1000)
        self._stats.slowest_answer_ms = max(self._stats.slowest_answer_ms or 0, waited_ms)
        self._counting.answered(waited_ms, str(self._labels.get("agent", "")))
        self._span.child("turn", ago=waited).end()

    def tool_called(self, tool: str, outcome: str, elapsed_ms: float, call_id: str) -> None:
        """Record a tool call."""
        self._counting.tool_called(tool, outcome, elapsed_ms)
        attributes: dict[str, Value] = {
            gen_ai.OPERATION: gen_ai.EXECUTE_TOOL,
            gen_ai.TOOL_NAME: tool,
            gen_ai.TOOL_TYPE: gen_ai.FUNCTION,
            gen_ai.TOOL_CALL: call_id[:_MOST_ID],
        }
        name = f"{gen_ai.EXECUTE_TOOL} {tool}"
        span = self._span.child(name, self._of_all | attributes, ago=elapsed_ms / 1000)
        _end(span, None if outcome == "ok" else outcome)

    def stage_entered(self, stage: str, waited: float) -> None:
        """Record that another stage begins, and the seconds since the result that led to it."""
        self._span.child(f"stage {stage}", ago=waited).end({"stage": stage})

    def ended(self, record: CallDetailRecord) -> None:
        """Record the end of the conversation."""
        self._end_stream()
        reason = record.reason
        attributes: dict[str, Value] = {
            gen_ai.OPERATION: gen_ai.INVOKE_AGENT,
            gen_ai.AGENT: self._speaker.service,
            gen_ai.REQUEST_MODEL: self._speaker.model,
            "reason": reason.value,
            "cost_usd": record.cost_usd,
            "agent_turns": record.stats.agent_turns,
            "interruptions": record.stats.interruptions,
            **({"stage": record.stage} if record.stage else {}),
        }
        failed = None if reason.is_normal else reason.value
        _end(self._span, failed, self._of_all | attributes | self._labels)


def _end(span: TraceSpan, failed: str | None, attributes: Attributes = NONE) -> None:
    error = {} if failed is None else {gen_ai.ERROR_TYPE: failed}
    span.end({**attributes, **error}, failed=failed)
