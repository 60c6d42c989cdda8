"""The product and its stand-ins, started once for all tests: loading the product takes two seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from standins.nova.server import NovaSettings, NovaStandin
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support.audit import Audit
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess, phone_process
from tests.support.remembered_call import Scene, remembered_call
from tests.support.score import Score, short_notes
from tests.support.stranger import Stranger
from tests.support.waiting import until

AUTH_TOKEN = "canary-auth-token"
API_SECRET = "canary-api-key-secret"
MODEL_SECRET = "canary-model-secret"


@dataclass(frozen=True)
class House:
    """Everything outside the product."""

    nova: NovaStandin
    exchange: TwilioExchange
    score: Score
    weather_url: str
    """Accepts connections and never answers."""
    folder: Path

    def start_phone(
        self, name: str, program: Sequence[str] = ("phone_agent",), **settings: str
    ) -> AbstractAsyncContextManager[PhoneProcess]:
        """Start a separate phone service."""
        known = {
            "AWS_SECRET_ACCESS_KEY": MODEL_SECRET,
            "TWILIO_API_SID": self.exchange.settings.api_key_sid,
            "TWILIO_API_SECRET": self.exchange.settings.api_key_secret,
            "OPEN_METEO_FORECAST_URL": self.weather_url,
            "OPEN_METEO_GEOCODING_URL": self.weather_url,
        }
        return phone_process(self.nova, self.exchange, self.folder / f"{name}.jsonl", known | settings, program)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Run the stand-ins for the model and the telephone network, and a weather service that never answers."""
    folder = tmp_path_factory.mktemp("phone")
    score = Score()
    keys = {"standin": MODEL_SECRET, **{f"vended-{number}": f"vended-secret-{number}" for number in range(1, 20)}}
    nova = NovaStandin(NovaSettings(certificates=folder, credentials=keys), score.backend())
    exchange = TwilioExchange(ExchangeSettings(auth_token=AUTH_TOKEN, api_key_secret=API_SECRET))
    weather = await asyncio.start_server(_never_answer, "127.0.0.1", 0)
    port = weather.sockets[0].getsockname()[1]
    async with weather, nova, exchange:
        yield House(nova, exchange, score, f"http://127.0.0.1:{port}/", folder)


async def _never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass
    writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running_phone(house: House) -> AsyncIterator[PhoneProcess]:
    """Run the phone service."""
    async with house.start_phone("phone") as phone:
        yield phone


@pytest_asyncio.fixture(loop_scope="session")
async def phone(running_phone: PhoneProcess, house: House) -> AsyncIterator[PhoneProcess]:
    """Return the running service, and check after each test that it released everything."""
    house.score.plan = short_notes
    audit = Audit(running_phone, house.nova.ledger)
    yield running_phone
    house.nova.faults.clear()
    house.exchange.rest_faults.clear()
    await until(lambda: _is_idle(running_phone, house), 10.0)
    await audit.balance()


async def _is_idle(phone: PhoneProcess, house: House) -> bool:
    return house.nova.ledger.streams_open == 0 and await phone.sessions() == 0


@pytest.fixture
def dial(phone: PhoneProcess, house: House) -> Callable[[], Caller]:
    """Return a function that calls the running service."""
    return lambda: Caller(house.exchange, phone.url)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(phone: PhoneProcess, house: House) -> AsyncIterator[Stranger]:
    """Return a client that connects to the running service directly, without Twilio."""
    somebody = Stranger(phone.url, house.exchange.settings)
    yield somebody
    await somebody.aclose()


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    """Run a service in the test's own process, with a call that the store remembers."""
    async with remembered_call() as scene:
        yield scene
