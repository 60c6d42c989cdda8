"""What runs beside the conversations for as long as a service does: metrics, traces, ECS's protection of this task."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from uuid import uuid4

import httpx

from agent_core.adapters.ecs_agent import EcsAgent
from agent_core.adapters.stream_table import DynamoStreamTable
from agent_core.agent import Agent
from agent_core.observability import logs
from agent_core.observability.meter import Meter
from agent_core.observability.reporting import reporting
from agent_core.observability.traces import Tracer
from agent_core.protection import TaskProtection
from agent_core.settings import CoreSettings
from agent_core.tidying import tidying


@asynccontextmanager
async def operations(agent: Agent, meter: Meter) -> AsyncIterator[None]:
    """Run it for the length of a block, as the settings want it."""
    settings = agent.settings
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(tidying())
        if settings.model_streams_table is not None:
            tables = [
                DynamoStreamTable(
                    settings.model_streams_table, f"{name}/{settings.model_id}", region=settings.aws_region
                )
                for name in settings.model_regions
            ]
            for table in tables:
                stack.push_async_callback(table.aclose)
            sharing = agent.capacity.shared(tables, uuid4().hex[:12], agent.counting.stream_table_failed)
            await stack.enter_async_context(sharing)
        if logs.is_json(settings.log_format):
            await stack.enter_async_context(reporting(meter, settings.metrics_seconds, logs.write_document))
        if settings.ecs_agent_uri is not None:
            base_url = f"{str(settings.ecs_agent_uri).rstrip('/')}/"
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, trust_env=False))
            protection = TaskProtection(EcsAgent(client), agent.admission, agent.counting.protection_failed)
            await stack.enter_async_context(protection.running())
        if settings.otel_exporter_otlp_endpoint is not None:
            agent.tracer = await stack.enter_async_context(_tracing(meter.service, settings))
        yield


def _tracing(service: str, settings: CoreSettings) -> AbstractAsyncContextManager[Tracer]:
    from agent_core.observability.otlp import tracing  # noqa: PLC0415 - 60 ms and 5 MB that nobody else needs

    labels = {"service.name": service, "deployment.environment.name": settings.environment.value}
    return tracing(str(settings.otel_exporter_otlp_endpoint), labels)
