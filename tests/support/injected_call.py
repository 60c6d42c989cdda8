"""One telephone call in which a function of the product raises once, and the ledgers after it.

The service runs in the test's process over a scripted model. A call greets, hears a key and a sentence, is interrupted,
says goodbye through a tool and hangs up over REST, so that most of what a call can do is on its way.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import httpx
import structlog
from loguru import logger as pipecat_log
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

import agent_core
import phone_agent
from agent_core.admission import Slot
from standins.twilio.media import Announcer
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import scripted_model as say
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.raise_once import name_of, raising_once, started_functions
from tests.support.scripted_model import Json, ScriptedModel, ScriptedStream
from tests.support.stranger import Stranger
from tests.support.waiting import until

FOLDERS = tuple(Path(str(module.__file__)).parent for module in (agent_core, phone_agent))
CALL_SECONDS = 60.0
SETTLE_SECONDS = 12.0
"""A pre-warmed session waits for four seconds, tear-down takes up to five, and what it abandons another two."""
_TONE = b"\x00\x10" * 800
_NOISE = bytes([0x00, 0x80]) * 80


def react(stream: ScriptedStream) -> None:
    """Greet, and answer the caller's first audio with a goodbye."""

    def on_event(name: str, body: Json) -> None:
        if name == "textInput" and "greet" in body["content"]:
            stream.say(*say.answer("Hello.", _TONE))
        if name == "audioInput" and not stream.uses:
            stream.uses = 1
            stream.say(*say.heard("goodbye"), *say.interruption(), *say.answer("Goodbye.", _TONE))
            stream.say(*say.tool_use("end_call", "t1", {"reason": "caller_said_goodbye"}))

    stream.on_event = on_event


@dataclass(frozen=True)
class Outcome:
    """Imbalances after a defect in one function; empty if the ledgers balance."""

    function: str
    wrong: tuple[str, ...]


class Bench:
    """A service, and callers who call it one by one."""

    def __init__(self, phone: PhoneInProcess, exchange: TwilioExchange) -> None:
        self._phone = phone
        self._exchange = exchange
        self._tasks = 0
        self._admitted = 0
        admission = phone.agent.admission
        admit = admission.admit

        def noting(*, counted: bool = False) -> Slot:
            place = admit(counted=counted)
            self._admitted += 1
            return place

        admission.admit = noting  # type: ignore[method-assign]

    async def functions(self) -> list[CodeType]:
        """Return the product's functions that a call uses, by name; the first call also loads lazy modules."""
        functions: dict[CodeType, None] = {}
        for _ in range(2):
            with started_functions(*FOLDERS) as started:
                await self._call()
                await until(self._is_idle, SETTLE_SECONDS)
            functions = started
        self._tasks = len(_tasks())
        return sorted(functions, key=name_of)

    async def outcomes(self, functions: Iterable[CodeType]) -> list[Outcome]:
        """Let each of the functions raise once, in a call of its own, and balance the ledgers after it."""
        return [await self._outcome(function) for function in functions]

    async def _outcome(self, function: CodeType) -> Outcome:
        self._admitted = 0
        self._phone.records.clear()
        self._phone.model.streams.clear()
        with raising_once(function) as raised:
            await self._call()
            with suppress(TimeoutError):
                await until(self._is_idle, SETTLE_SECONDS)
        wrong = self._books() if raised else {"never raised": 1}
        for task in _tasks() if wrong else ():
            task.cancel()
        self._forget()
        return Outcome(name_of(function), tuple(f"{what}: {how_many}" for what, how_many in wrong.items()))

    def _books(self) -> dict[str, int]:
        """Return every imbalance."""
        phone, admission = self._phone.phone, self._phone.agent.admission
        books = {
            "places": admission.taken + admission._promised,
            "streams of the model": self._phone.model.open_streams,
            "sessions": len(self._phone.agent.sessions),
            "calls": len(phone.live),
            "parked": len(phone.prewarm_pool._prewarmed),
            "sockets without a ticket": phone._unproven + len(phone._expected),
            "tasks": len(_tasks()) - self._tasks,
            "records": len(self._phone.records) - self._admitted,
        }
        return {what: how_many for what, how_many in books.items() if how_many}

    def _is_idle(self) -> bool:
        return not self._books()

    def _forget(self) -> None:
        """Clear the state of one call before the next."""
        self._phone.agent.admission.taken = self._phone.agent.admission._promised = 0
        self._phone.agent.sessions.clear()
        self._phone.phone.live.clear()

    async def _call(self) -> None:
        """Make one call; whatever the service does, the caller's side releases everything."""
        stranger = Stranger(self._phone.url, self._exchange.settings)
        lost = (AssertionError, ConnectionClosed, InvalidHandshake, OSError, httpx.HTTPError, EOFError, ValueError)
        try:
            with suppress(*lost):
                async with asyncio.timeout(CALL_SECONDS):
                    invitation = await stranger.ring()
                    async with await stranger.open_stream() as socket:
                        announcer = await stranger.begin(socket, invitation.ticket)
                        talking = asyncio.create_task(_talk(socket, announcer))
                        try:
                            await _echo(socket, announcer)
                        finally:
                            talking.cancel()
                            await asyncio.wait({talking})
        finally:
            await stranger.aclose()


async def _echo(socket: ClientConnection, announcer: Announcer) -> None:
    """Return marks until the service closes the socket."""
    async for text in socket:
        message = json.loads(text)
        if message["event"] == "mark":
            await socket.send(announcer.mark(message["mark"]["name"]))


async def _talk(socket: ClientConnection, announcer: Announcer) -> None:
    """Press a key, speak for a while, and hang up."""
    await asyncio.sleep(1.0)
    await socket.send(announcer.dtmf("5"))
    await asyncio.sleep(3.0)
    for _ in range(10):
        await socket.send(announcer.media(_NOISE))
    await asyncio.sleep(20.0)
    await socket.send(announcer.stop())


def product_tasks(*packages: str) -> set[asyncio.Task[object]]:
    """Return the tasks that run code of these packages."""
    ours = tuple(f"/{package}/" for package in packages)
    return {
        task
        for task in asyncio.all_tasks()
        if any(one in str(getattr(getattr(task.get_coro(), "cr_code", None), "co_filename", "")) for one in ours)
    }


def _tasks() -> set[asyncio.Task[object]]:
    return product_tasks("agent_core", "phone_agent", "pipecat")


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """Run the service without its log: each defect would fill pages of it."""
    pipecat_log.remove()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        async with (
            TwilioExchange(ExchangeSettings()) as exchange,
            phone_in_process(exchange, ScriptedModel(react)) as phone,
        ):
            yield Bench(phone, exchange)
    finally:
        structlog.reset_defaults()
