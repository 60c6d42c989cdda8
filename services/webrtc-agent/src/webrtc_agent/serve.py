"""Make the real parts of the web service and serve."""

import asyncio
import gc
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

import httpx
import structlog
import uvloop
from fastapi import FastAPI

from agent_core.adapters.call_store.factory import open_shelf
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.folder import FolderContext
from agent_core.background_tasks import operations
from agent_core.certificates import check_certificates
from agent_core.drain import make_server
from agent_core.nova.transport import clients_of
from agent_core.observability import logs, metrics
from agent_core.observability.meter import Meter
from agent_core.observability.records import log_record
from webrtc_agent import ice, opus
from webrtc_agent.app import create_app
from webrtc_agent.call_back import can_contact
from webrtc_agent.call_me import CallMe
from webrtc_agent.open_request import OpenRequest
from webrtc_agent.rates import OUTPUT_RATE
from webrtc_agent.rooms import DailyRooms
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

SERVICE = "webrtc-agent"
_WORKERS = 4
_QUOTING = ("pipecat.transports.smallwebrtc", "pipecat.processors.frameworks.rtvi")
"""Modules that write a visitor's words into their warnings."""


async def serve(settings: WebSettings) -> None:
    """Make the real parts and serve until a signal stops the process."""
    meter = Meter(SERVICE, settings.metrics_namespace)
    model, overflow = clients_of(settings, partial(meter.count, metrics.ERRORS, Error="ModelTransport"))
    context = FolderContext(settings, settings.variables(), settings.transfer_destinations, can_contact(settings))
    agents = AgentCatalogue.read(settings.agents_dir, context)
    # Process-wide, so it is set before the first connection.
    ice.offer_only(settings.ice_hosts)
    # aiortc encodes audio there, a hundred times per second and visitor; by default every core would add a thread.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_WORKERS, "worker"))
    shelf = open_shelf(settings.call_store, region=settings.aws_region, endpoint=settings.table_endpoint)
    async with agents.running():
        agent = AgentRuntime(settings, model, agents, log_record, meter, overflow=overflow)
        web_service = WebService(settings, agent, _daily_rooms(settings), shelf, CallMe.of(settings, shelf))
        app = create_app(web_service)
        server = make_server(app, agent, settings)
        # Before the first visitor: resampling takes longer than they should wait.
        agent.recordings.prepare([OUTPUT_RATE], {one.language for one in agent.agents.all})
        # The loaded modules stay for good; without this, every collection scans them while all calls wait.
        gc.freeze()
        structlog.get_logger().info(
            "starting", port=settings.fast_api_port, model=settings.model_id, transports=web_service.transports
        )
        # A store of its own: the service closes the other one before its last record is written.
        others = open_shelf(settings.call_store, region=settings.aws_region, endpoint=settings.table_endpoint)
        async with (
            operations(agent, meter),
            agent.sharing_records(others, SERVICE),
            _request_kept_open(app, agent, settings),
        ):
            await server.serve()


@asynccontextmanager
async def _request_kept_open(app: FastAPI, agent: AgentRuntime, settings: WebSettings) -> AsyncIterator[None]:
    if not settings.keep_request_open:
        yield
        return
    # No proxy from the environment: the request must pass the load balancer only.
    async with httpx.AsyncClient(base_url=settings.base_url, trust_env=False) as client:
        request = OpenRequest(client, agent.admission, agent.counting.open_request_failed)
        request.install(app)
        async with request.running():
            yield


def _daily_rooms(settings: WebSettings) -> DailyRooms | None:
    if not settings.uses_daily:
        return None
    from webrtc_agent.daily import make_rooms  # noqa: PLC0415 - its library takes 12 MB, only where it is used

    return make_rooms(settings)


def run() -> None:
    """Read the settings and serve until a signal stops the process.

    Raises:
        ConfigurationError: a setting is missing or invalid.
    """
    settings = WebSettings.read()
    check_certificates()
    opus.check()
    logs.configure(SERVICE, settings, silent=_QUOTING)
    uvloop.run(serve(settings))
