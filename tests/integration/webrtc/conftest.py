"""The web service and the model's stand-in, started once per module: loading takes two seconds."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from standins.nova.server import NovaSettings, NovaStandin
from tests.support.audit import Audit
from tests.support.score import Score, short_notes
from tests.support.visitor import Visitor
from tests.support.waiting import until
from tests.support.web_process import WebProcess, web_process


@dataclass(frozen=True)
class Surroundings:
    """Everything outside the web service."""

    nova: NovaStandin
    score: Score
    folder: Path

    def start_web(
        self, name: str, program: Sequence[str] = ("webrtc_agent",), **settings: str
    ) -> AbstractAsyncContextManager[WebProcess]:
        """Start a separate web service."""
        return web_process(self.nova, self.folder / f"{name}.jsonl", settings, program)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def surroundings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Surroundings]:
    """Run the model's stand-in."""
    folder = tmp_path_factory.mktemp("web")
    score = Score()
    async with NovaStandin(NovaSettings(certificates=folder), score.backend()) as nova:
        yield Surroundings(nova, score, folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running_web(surroundings: Surroundings) -> AsyncIterator[WebProcess]:
    """Run the web service, with a limit of starts that is high enough for a whole test run."""
    limits = {
        "RATE_LIMIT_STARTS_PER_MINUTE": "1000",
        "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "1000",
        "MAX_SESSIONS": "12",
    }
    limits |= {"ARRIVALS_PER_ADDRESS": "12"}
    limits |= {"TRANSFER_DESTINATIONS": "desk=sip:desk@pbx.example,sales=tel:+46850000000"}
    async with surroundings.start_web("web", **limits) as web:
        yield web


@pytest_asyncio.fixture(loop_scope="session")
async def web(running_web: WebProcess, surroundings: Surroundings) -> AsyncIterator[WebProcess]:
    """Return the running service, and check after each test that it released everything."""
    surroundings.score.plan = short_notes
    audit = Audit(running_web, surroundings.nova.ledger)
    yield running_web
    surroundings.nova.faults.clear()
    await until(lambda: _is_idle(running_web, surroundings), 10.0)
    await audit.balance()


async def _is_idle(web: WebProcess, surroundings: Surroundings) -> bool:
    return surroundings.nova.ledger.streams_open == 0 and await web.sessions() == 0


@pytest.fixture
def visitor(web: WebProcess) -> Callable[[], Visitor]:
    """Return a function that makes visitors of the running service."""
    return lambda: Visitor(web.url)
