"""The phone service inside the test's own process, over a scripted model, so that a test sees its clock and tasks."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from pydantic import SecretStr

from agent_core.adapters.call_store.store import CallStore
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.drain import MAX_MESSAGE_BYTES
from agent_core.events import CallDetailRecord
from agent_core.tools.goodbye import goodbye_tools
from agent_core.uvicorn_protocols import PING_SECONDS, HttpProtocol, WebSocketProtocol
from phone_agent.app import create_app
from phone_agent.call_control import CallControl
from phone_agent.phone_service import PhoneService
from phone_agent.settings import PhoneSettings
from standins.twilio.server import TwilioExchange
from tests.support.agents import one_agent
from tests.support.scripted_model import ScriptedModel

_STOP_SECONDS = 5.0


@dataclass
class PhoneInProcess:
    """A running service and what it leaves behind."""

    url: str
    agent: AgentRuntime
    phone: PhoneService
    model: ScriptedModel
    records: list[CallDetailRecord]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to pytest."""
        yield


@asynccontextmanager
async def phone_in_process(
    exchange: TwilioExchange,
    model: ScriptedModel,
    store: CallStore | None = None,
    agents: AgentCatalogue | None = None,
    **changed: object,
) -> AsyncIterator[PhoneInProcess]:
    """Serve on a free port until the block ends."""
    records: list[CallDetailRecord] = []

    def keep(record: CallDetailRecord) -> None:
        records.append(record)

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = PhoneSettings.model_validate(
        {
            "twilio_account_sid": exchange.settings.account_sid,
            "twilio_auth_token": SecretStr(exchange.settings.auth_token),
            "public_base_url": url,
            **changed,
        }
    )
    agent = AgentRuntime(settings, model, agents or one_agent(goodbye_tools()), keep)
    async with httpx.AsyncClient(base_url=exchange.url, auth=settings.rest_credentials, trust_env=False) as twilio:
        phone = PhoneService(settings, agent, CallControl(twilio, exchange.settings.account_sid), store)
        app = create_app(phone)
        config = uvicorn.Config(
            app,
            log_config=None,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=None,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield PhoneInProcess(url, agent, phone, model, records)
        finally:
            server.should_exit = True
            await asyncio.wait({serving}, timeout=_STOP_SECONDS)
