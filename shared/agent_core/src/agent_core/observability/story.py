"""The story of one conversation as an operator gets it: numbers for everybody, spans for whoever collects them."""

import time
from collections.abc import Mapping

from agent_core.events import EndRecord, Tally
from agent_core.observability.counting import Counting
from agent_core.observability.traces import NoSpan, Span, Tracer, Value


class Story:
    """Takes what happens in a conversation, as it happens.

    Args:
        counting: Of this process.
        tracer: Begins its span.
        tally: The conversation's own count.
        labels: Identifiers.
    """

    def __init__(self, counting: Counting, tracer: Tracer, tally: Tally, labels: Mapping[str, str | None]) -> None:
        self._counting = counting
        self._tally = tally
        self._tracer = tracer
        self._span: Span = NoSpan()
        self._labels: dict[str, Value] = {name: value for name, value in labels.items() if value is not None}
        self._stream: Span | None = None
        self._turn_ended_at: float | None = None

    def began(self) -> None:
        """The conversation begins."""
        self._counting.began(self._tally)
        self._span = self._tracer("conversation")

    def stream_began(self) -> None:
        """A stream to the model takes over."""
        self._end_stream()
        self._stream = self._span.child("model stream")

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.end()
            self._stream = None

    def turn_ended(self) -> None:
        """The caller has stopped talking."""
        self._turn_ended_at = time.monotonic()

    def answer_began(self) -> None:
        """The first sound of an answer is there; nobody has waited for a greeting."""
        if self._turn_ended_at is None:
            return
        began, self._turn_ended_at = self._turn_ended_at, None
        waited = time.monotonic() - began
        waited_ms = round(waited * 1000)
        self._tally.slowest_answer_ms = max(self._tally.slowest_answer_ms or 0, waited_ms)
        self._counting.answered(waited_ms)
        self._span.child("turn", ago=waited).end()

    def tool_called(self, tool: str, outcome: str, elapsed_ms: float) -> None:
        """A tool has been called."""
        self._counting.tool_called(tool, outcome, elapsed_ms)
        span = self._span.child(f"tool {tool}", ago=elapsed_ms / 1000)
        span.end(failed=None if outcome == "ok" else outcome)

    def ended(self, record: EndRecord) -> None:
        """The conversation is over."""
        self._end_stream()
        reason = record.reason
        self._span.end(
            failed=None if reason.is_normal else reason.value,
            reason=reason.value,
            cost_usd=record.cost_usd,
            agent_turns=record.tally.agent_turns,
            interruptions=record.tally.interruptions,
            **self._labels,
        )
