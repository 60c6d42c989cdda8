"""Make the real parts of the phone service and serve."""

import asyncio
import gc
from contextlib import aclosing
from functools import partial
from typing import Final

import httpx
import structlog
import uvloop

from agent_core.adapters.call_store.factory import open_shelf, open_store
from agent_core.adapters.call_store.seal import derive_key
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.folder import FolderContext
from agent_core.background_tasks import operations
from agent_core.certificates import check_certificates
from agent_core.drain import make_server
from agent_core.memory_tuning import use_one_heap
from agent_core.nova.transport import clients_of
from agent_core.observability import logs, metrics
from agent_core.observability.meter import Meter
from agent_core.observability.records import log_record
from phone_agent.app import create_app
from phone_agent.call_control import CallControl
from phone_agent.phone_service import PhoneService
from phone_agent.settings import PhoneSettings
from phone_agent.twilio_audio_sink import SAMPLE_RATE

_MEMORY: Final = b"phone-agent call memory v1"

SERVICE = "phone-agent"


async def serve(settings: PhoneSettings) -> None:
    """Make the real parts and serve until a signal stops the process."""
    meter = Meter(SERVICE, settings.metrics_namespace)
    model, overflow = clients_of(settings, partial(meter.count, metrics.ERRORS, Error="ModelTransport"))
    # One pooled client: a new TLS connection per request would delay every transfer.
    twilio = httpx.AsyncClient(base_url=settings.twilio_api, auth=settings.rest_credentials)
    context = FolderContext(settings, settings.variables(), settings.transfer_destinations)
    agents = AgentCatalogue.read(settings.agents_dir, context)
    keys = [derive_key(token.encode(), _MEMORY) for token in settings.auth_tokens]
    store = open_store(settings.call_store, keys, region=settings.aws_region, endpoint=settings.table_endpoint)
    async with twilio, agents.running(), aclosing(store):
        agent = AgentRuntime(settings, model, agents, log_record, meter, overflow=overflow)
        control = CallControl(twilio, settings.twilio_account_sid)
        phone = PhoneService(settings, agent, control, store)
        server = make_server(create_app(phone), agent, settings)
        # Before the first call: resampling takes longer than a caller should wait.
        agent.recordings.prepare([SAMPLE_RATE], {one.language for one in agent.agents.all})
        # The loaded modules stay for good; without this, every collection scans them while all calls wait.
        gc.freeze()
        structlog.get_logger().info("starting", port=settings.fast_api_port, model=settings.model_id)
        # A store of its own: its requests must not delay those for calls.
        others = open_shelf(settings.call_store, region=settings.aws_region, endpoint=settings.table_endpoint)
        async with operations(agent, meter), agent.sharing_records(others, SERVICE):
            # Beside the server: a slow or failing Twilio must not delay the start.
            checking = asyncio.create_task(control.check(), name="twilio-check")
            try:
                await server.serve()
            finally:
                checking.cancel()
                await asyncio.wait({checking})


def run() -> None:
    """Read the settings and serve until a signal stops the process.

    Raises:
        ConfigurationError: a setting is missing or invalid.
    """
    use_one_heap()
    settings = PhoneSettings.read()
    check_certificates()
    logs.configure(SERVICE, settings)
    uvloop.run(serve(settings))
