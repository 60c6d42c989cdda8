"""Run what accompanies the conversations of a service: metrics, traces and memory tuning."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from agent_core.agent_runtime import AgentRuntime
from agent_core.loop_lag import LagGuard, watching_loop
from agent_core.memory_tuning import tidying
from agent_core.observability import logs
from agent_core.observability.emf_exporter import reporting
from agent_core.observability.meter import Meter
from agent_core.observability.metrics import EVENT_LOOP_LAG
from agent_core.observability.traces import Tracer
from agent_core.settings import CoreSettings

if TYPE_CHECKING:
    from agent_core.adapters.stream_table import DynamoStreamTable


@asynccontextmanager
async def operations(agent: AgentRuntime, meter: Meter) -> AsyncIterator[None]:
    """Run these tasks while the block runs, as the settings require."""
    settings = agent.settings
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(tidying())
        if settings.model_streams_table is not None:
            tables = _stream_tables(settings.model_streams_table, settings)
            for table in tables:
                stack.push_async_callback(table.aclose)
            # Names this task in the shared table; the process id would repeat between containers.
            sharing = agent.capacity.shared(tables, uuid4().hex[:12], agent.counting.stream_table_failed)
            await stack.enter_async_context(sharing)
        # The guard needs no metrics, so it runs in every configuration.
        guard = LagGuard(settings.max_loop_lag_ms)
        agent.admission.is_late = lambda: guard.is_late
        saw: list[Callable[[float], None]] = [guard.saw]
        # Metrics are lines of the JSON log; text output has none.
        if logs.is_json(settings.log_format):
            saw.append(lambda lag_ms: meter.observe(EVENT_LOOP_LAG, lag_ms))
            await stack.enter_async_context(reporting(meter, settings.metrics_interval_seconds, logs.write_document))
        await stack.enter_async_context(watching_loop(*saw))
        if settings.otel_exporter_otlp_endpoint is not None:
            agent.tracer = await stack.enter_async_context(_tracing(meter.service, settings))
        yield


def _stream_tables(name: str, settings: CoreSettings) -> "list[DynamoStreamTable]":
    from agent_core.adapters.stream_table import DynamoStreamTable  # noqa: PLC0415 - boto3 takes 0.15 s and 3 MB

    # Each model has a quota of its own in each region, so each pair has its own count.
    pools = [f"{region}/{settings.model_id}" for region in settings.model_regions]
    return [DynamoStreamTable(name, pool, region=settings.aws_region) for pool in pools]


def _tracing(service: str, settings: CoreSettings) -> AbstractAsyncContextManager[Tracer]:
    from agent_core.observability.otlp import tracing  # noqa: PLC0415 - 60 ms and 5 MB that only tracing needs

    labels = {"service.name": service, "deployment.target_environment.name": settings.environment.value}
    return tracing(str(settings.otel_exporter_otlp_endpoint), labels)
