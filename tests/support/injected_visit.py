"""One browser visit in which a function of the web service raises once, and the ledgers after it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from types import CodeType

import httpx
import structlog
from loguru import logger as pipecat_log

import webrtc_agent
from agent_core.agent_runtime import AgentRuntime
from agent_core.events import CallDetailRecord
from agent_core.tools.goodbye import goodbye_tools
from tests.support.agents import one_agent
from tests.support.injected_call import Outcome, product_tasks, react
from tests.support.raise_once import name_of, raising_once, started_functions
from tests.support.scripted_model import ScriptedModel
from tests.support.visitor import Visitor
from tests.support.waiting import until
from webrtc_agent import ice
from webrtc_agent.app import create_app
from webrtc_agent.session_registry import State
from webrtc_agent.settings import WebSettings
from webrtc_agent.web_service import WebService

FOLDERS = (Path(str(webrtc_agent.__file__)).parent,)
SETTLE_SECONDS = 25.0
"""The service waits 15 seconds for a visitor, and tear-down takes up to five."""
VISIT_SECONDS = 40.0
_URL = "http://127.0.0.1:7860"
_OFTEN = 10_000


class VisitBench:
    """A web service without a socket, and visitors who use it one by one, over UDP on loopback."""

    def __init__(self) -> None:
        self._records: list[CallDetailRecord] = []
        self._model = ScriptedModel(react)
        settings = WebSettings.model_validate(
            {
                "ice_hosts": ("127.0.0.1",),
                "rate_limit_starts_per_minute": _OFTEN,
                "rate_limit_starts_per_minute_per_address": _OFTEN,
                "rate_limit_requests_per_minute_per_address": 1_000_000,
            }
        )
        ice.offer_only([ip_address("127.0.0.1")])

        def keep(record: CallDetailRecord) -> None:
            self._records.append(record)

        self._agent = AgentRuntime(settings, self._model, one_agent(goodbye_tools()), keep)
        self._lobby = WebService(settings, self._agent)
        self._app = create_app(self._lobby)
        self._tasks = 0

    async def functions(self) -> list[CodeType]:
        """Return the service's functions that a visit uses, by name."""
        functions: dict[CodeType, None] = {}
        for _ in range(2):
            self._records.clear()
            self._model.streams.clear()
            with started_functions(*FOLDERS) as started:
                await self._visit()
                with suppress(TimeoutError):
                    await until(self._is_idle, SETTLE_SECONDS)
            functions = started
            self._tasks = len(self._ours())
        assert self._books() == {}, (self._books(), self._records, [task.get_name() for task in self._ours()])
        return sorted(functions, key=name_of)

    async def outcomes(self, functions: Iterable[CodeType]) -> list[Outcome]:
        """Let each of the functions raise once, in a visit of its own, and balance the ledgers after it."""
        return [await self._outcome(function) for function in functions]

    async def _outcome(self, function: CodeType) -> Outcome:
        self._records.clear()
        self._model.streams.clear()
        with raising_once(function) as raised:
            await self._visit()
            with suppress(TimeoutError):
                await until(self._is_idle, SETTLE_SECONDS)
        wrong = self._books() if raised else {"never raised": 1}
        for task in self._ours() if wrong else ():
            task.cancel()
        admission = self._agent.admission
        admission.taken = admission._promised = 0
        self._agent.sessions.clear()
        self._lobby.arrivals._waiting.clear()
        self._lobby.registry._active.clear()
        self._lobby.registry._idle.clear()
        return Outcome(name_of(function), tuple(f"{what}: {how_many}" for what, how_many in wrong.items()))

    def _books(self) -> dict[str, int]:
        """Return every imbalance. A visit without an answer to its offer had no conversation, and has no record."""
        admission = self._agent.admission
        busy = [
            each for each in self._lobby.registry._active.values() if each.state in (State.ANSWERING, State.RUNNING)
        ]
        books = {
            "places": admission.taken + admission._promised,
            "streams of the model": self._model.open_streams,
            "sessions": len(self._agent.sessions),
            "arrivals": len(self._lobby.arrivals._waiting),
            "visits": len(busy),
            "tasks": len(self._ours()) - self._tasks,
            "records": max(0, len(self._records) - 1) or (len(self._records) - 1 if self._model.streams else 0),
        }
        return {what: how_many for what, how_many in books.items() if how_many}

    def _is_idle(self) -> bool:
        return not self._books()

    @staticmethod
    def _ours() -> set[asyncio.Task[object]]:
        return product_tasks("webrtc_agent", "agent_core", "pipecat")

    async def _visit(self) -> None:
        """Make one visit; whatever the service does, the visitor's side releases everything."""
        visitor = Visitor(_URL)
        await visitor.http.aclose()
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=("127.0.0.1", 5000))
        visitor.http = httpx.AsyncClient(transport=transport, base_url=_URL)
        lost = (AssertionError, OSError, httpx.HTTPError, ValueError, KeyError, TimeoutError)
        async with visitor:
            with suppress(*lost):
                async with asyncio.timeout(VISIT_SECONDS):
                    await visitor.connect()
                    await visitor.until("bot-stopped-speaking", seconds=6.0)
                    visitor.speak()
                    await asyncio.sleep(2.0)


@asynccontextmanager
async def visit_bench() -> AsyncIterator[VisitBench]:
    """Run the service without its log."""
    pipecat_log.remove()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    registry = VisitBench()
    try:
        yield registry
    finally:
        await registry._lobby.aclose()
        structlog.reset_defaults()
