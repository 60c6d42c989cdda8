"""Send OpenTelemetry spans as OTLP over HTTP. Imported only if an endpoint is set."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from agent_core.aside import Aside
from agent_core.observability.traces import NONE, Attributes, Tracer

_SEND_SECONDS = 5.0
_FLUSH_SECONDS = 6.0
"""Longest time for sending the remaining spans at shutdown."""
_EVERY_MS = 2000


class OtlpSpan:
    """One span.

    Args:
        tracer: Starts its children.
        span: OpenTelemetry's.
    """

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    def child(self, name: str, attributes: Attributes = NONE, *, ago: float = 0.0, remote: bool = False) -> "OtlpSpan":
        """Start a child span."""
        # The child may have started earlier than it is reported.
        began = time.time_ns() - round(ago * 1e9)
        context = trace.set_span_in_context(self._span)
        kind = SpanKind.CLIENT if remote else SpanKind.INTERNAL
        return OtlpSpan(self._tracer, self._tracer.start_span(name, context, kind, attributes, start_time=began))

    def end(self, attributes: Attributes = NONE, *, failed: str | None = None) -> None:
        """End the span."""
        if not self._span.is_recording():
            return
        self._span.set_attributes(attributes)
        if failed is not None:
            self._span.set_status(Status(StatusCode.ERROR, failed))
        self._span.end()


@asynccontextmanager
async def tracing(endpoint: str, labels: Mapping[str, str]) -> AsyncIterator[Tracer]:
    """Send spans in the background while the block runs; OpenTelemetry does so in a thread of its own.

    Args:
        endpoint: Base URL of the receiver; ``/v1/traces`` is appended.
        labels: Of the resource, such as ``service.name``.
    """
    # No exit hook: this block flushes the spans itself, within a deadline.
    provider = TracerProvider(resource=Resource.create(dict(labels)), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_SEND_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MS))
    tracer = provider.get_tracer("agent_core")

    # An explicit empty parent: a conversation's span must not become a child of whatever request is active.
    def begin(name: str) -> OtlpSpan:
        return OtlpSpan(tracer, tracer.start_span(name, context=trace.set_span_in_context(trace.INVALID_SPAN)))

    try:
        yield begin
    finally:
        aside = Aside("traces")  # a hanging receiver must not delay the exit
        flushing = asyncio.create_task(aside.run(provider.shutdown))
        await asyncio.wait({flushing}, timeout=_FLUSH_SECONDS)
        flushing.cancel()
        aside.close()
