"""The worst-case cost of one unauthenticated client: `make costs` prints it, SECURITY.md promises it.

Measured on running services: CPU time is the work per request on any machine, memory is what remains held.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Final

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from standins.twilio.signing import sign
from tests.fuzzing.targets.offers import SEEDS
from tests.integration.conftest import House
from tests.support.costs import BOUNDS, Cost, allow_files, cost_of_one
from tests.support.phone_process import PhoneProcess
from tests.support.stranger import Stranger
from tests.support.waiting import until
from tests.support.web_process import WebProcess, web_process
from tools.workspace import ROOT
from webrtc_agent.request_schemas import MAX_SDP_BYTES

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANDIDATE: Final = "a=candidate:842163049 1 udp 1677729535 192.0.2.7 40000 typ host\r\n"
IDLE: Final = 2500
"""Connections opened before the measurement, so that no free memory hides a cost."""

PER_MINUTE: Final = 30_000
"""A budget for one address, a third of it in a burst, at which no measured request is rejected."""


def _tell(what: str, cost: Cost) -> None:
    sys.stdout.write(f"\n{what:<36} {cost}")
    assert cost.is_within(BOUNDS[what]), f"{what}: {cost}"


class Crowd:
    """Keeps connections to a service open, each idle after one request or in the middle of its first."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._place = host, int(port)
        self._writers: list[asyncio.StreamWriter] = []

    async def idle(self, count: int) -> None:
        """Send one request and stay connected."""
        for _ in range(count):
            reader, writer = await asyncio.open_connection(*self._place)
            self._writers.append(writer)
            writer.write(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n")
            await reader.readuntil(b"healthy")

    async def half(self, count: int) -> None:
        """Send half a request and stay connected."""
        for _ in range(count):
            _, writer = await asyncio.open_connection(*self._place)
            self._writers.append(writer)
            writer.write(b"POST /incoming-call HTTP/1.1\r\nhost: a\r\n")
        await asyncio.sleep(0.3)

    async def large(self, count: int) -> None:
        """Send a head just within the bound, without its end, and stay connected."""
        line = b"x: " + b"a" * 15_000 + b"\r\n"
        for _ in range(count):
            _, writer = await asyncio.open_connection(*self._place)
            self._writers.append(writer)
            writer.write(b"POST /incoming-call HTTP/1.1\r\nhost: a\r\n" + line * 4)
        await asyncio.sleep(0.3)

    async def too_large(self, count: int) -> None:
        """Send an endless head until the server closes the connection."""
        for _ in range(count):
            reader, writer = await asyncio.open_connection(*self._place)
            writer.write(b"POST /incoming-call HTTP/1.1\r\nhost: a\r\n")
            with suppress(ConnectionError):
                for _ in range(100):
                    writer.write(b"a: b\r\n" * 1000)
                    await writer.drain()
                await reader.read()
            writer.close()

    async def deaf(self, count: int, path: str) -> None:
        """Request a large response, read nothing of it, and stay connected."""
        for _ in range(count):
            _, writer = await asyncio.open_connection(*self._place, limit=1)
            self._writers.append(writer)
            writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        await asyncio.sleep(1.0)

    def leave(self) -> None:
        """Close all connections."""
        for writer in self._writers:
            writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phone(house: House) -> AsyncIterator[PhoneProcess]:
    """Run a phone service with connections to it."""
    allow_files(4 * IDLE)
    async with house.start_phone("costs") as service:
        crowd = Crowd(service.url)
        await crowd.idle(IDLE)
        yield service
        crowd.leave()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def web(house: House) -> AsyncIterator[WebProcess]:
    """Run a web service with connections to it, and a limit of starts high enough to measure them."""
    allow_files(4 * IDLE)
    limits = {
        "RATE_LIMIT_STARTS_PER_MINUTE": "4000",
        "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "1000",
        "MAX_SESSIONS": "8",
    }
    limits |= {
        "ARRIVALS_PER_ADDRESS": "8",
        "RATE_LIMIT_REQUESTS_PER_MINUTE_PER_ADDRESS": str(PER_MINUTE),
        "SERVE_CONSOLE": "true",
    }
    async with web_process(house.nova, house.folder / "costs-web.jsonl", limits) as service:
        crowd = Crowd(service.url)
        await crowd.idle(IDLE)
        yield service
        crowd.leave()


async def test_connections(phone: PhoneProcess) -> None:
    """The server keeps half a request for ten seconds, and an idle connection like the load balancer."""
    crowd = Crowd(phone.url)
    await crowd.idle(100)
    _tell("an idle connection", await cost_of_one(phone.process.pid, 500, crowd.idle))
    _tell("half a request", await cost_of_one(phone.process.pid, 500, crowd.half))
    crowd.leave()


async def test_heads(phone: PhoneProcess) -> None:
    """The server keeps an incomplete head within the bound for ten seconds, and rejects a larger one at once."""
    crowd = Crowd(phone.url)
    await crowd.large(100)
    _tell("half a request of 60 KB", await cost_of_one(phone.process.pid, 300, crowd.large))
    await crowd.too_large(20)
    _tell("a request without end", await cost_of_one(phone.process.pid, 200, crowd.too_large))
    crowd.leave()


def _largest_file() -> str:
    files = (ROOT / "services/webrtc-agent/src/webrtc_agent/static/assets").iterdir()
    return f"/assets/{max(files, key=lambda file: file.stat().st_size).name}"


async def test_files_of_the_page(web: WebProcess) -> None:
    """Each request is for the largest file, in the encoding of browsers and in the most expensive one."""
    for encoding in ("gzip", "identity"):
        headers = {"accept-encoding": encoding}

        async def ask(count: int, headers: dict[str, str] = headers) -> None:
            for _ in range(count):
                assert (await web.http.get(_largest_file(), headers=headers)).status_code == 200

        await ask(10)
        _tell("a file of the page", await cost_of_one(web.process.pid, 100, ask))


async def test_requests_above_the_budget(house: House) -> None:
    """A request above the budget waits a second for its rejection, so one connection costs one per second."""
    limits = {"RATE_LIMIT_REQUESTS_PER_MINUTE_PER_ADDRESS": "10"}
    async with web_process(house.nova, house.folder / "costs-budget.jsonl", limits) as service:
        headers = {"accept-encoding": "gzip"}

        async def exceed(count: int) -> None:
            answers = await asyncio.gather(*(service.http.get(_largest_file(), headers=headers) for _ in range(count)))
            # The budget grows by one request in six seconds meanwhile.
            assert [answer.status_code for answer in answers].count(429) > count // 2

        for _ in range(5):
            await service.http.get("/")
        await exceed(100)
        _tell("a request above the budget", await cost_of_one(service.process.pid, 90, exceed))


async def test_answers_that_are_not_read(web: WebProcess) -> None:
    """Each client requests the largest file of the page and reads nothing of it."""
    crowd, path = Crowd(web.url), _largest_file()
    await crowd.deaf(50, path)
    _tell("an answer that is not read", await cost_of_one(web.process.pid, 200, lambda count: crowd.deaf(count, path)))
    crowd.leave()


async def test_forgeries(phone: PhoneProcess, house: House) -> None:
    """The service checks and drops forged requests without contacting the model."""
    opened = house.nova.ledger.connections
    body = b"Body=" + b"x" * 65_000
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": sign("guess", phone.url)}
    socket_url = f"{phone.url.replace('http', 'ws', 1)}/media-stream/CA{'0' * 32}"
    async with httpx.AsyncClient(base_url=phone.url, trust_env=False) as client:

        async def forge(count: int) -> None:
            for _ in range(count):
                answer = await client.post("/incoming-call", content=body, headers=headers)
                assert answer.status_code == 403

        async def knock(count: int) -> None:
            for _ in range(count):
                with pytest.raises(InvalidStatus):
                    await connect(socket_url, proxy=None)

        await forge(20)
        await knock(20)
        _tell("a forged webhook of 64 KB", await cost_of_one(phone.process.pid, 200, forge))
        _tell("a forged handshake", await cost_of_one(phone.process.pid, 200, knock))
    assert house.nova.ledger.connections == opened


async def test_signed_sockets_without_a_ticket(phone: PhoneProcess, house: House) -> None:
    """At most twenty signed sockets without a ticket wait, five seconds each; none reaches the model."""
    opened = house.nova.ledger.connections
    strangers = [Stranger(phone.url, house.exchange.settings) for _ in range(19)]
    async with AsyncExitStack() as stack:

        async def hold(count: int) -> None:
            for stranger in strangers[:count]:
                await stack.enter_async_context(await stranger.open_stream())

        _tell("a signed socket without a ticket", await cost_of_one(phone.process.pid, 19, hold))
    await asyncio.gather(*(stranger.aclose() for stranger in strangers))
    assert house.nova.ledger.connections == opened


async def test_starts(web: WebProcess, house: House) -> None:
    """An unclaimed session is an entry for ten minutes; a start above the limit is a short response."""
    opened = house.nova.ledger.connections

    async def start(count: int) -> None:
        for _ in range(count):
            assert (await web.http.post("/connect")).status_code == 200

    async def exceed(count: int) -> None:
        for _ in range(count):
            assert (await web.http.post("/connect")).status_code == 429

    await start(200)
    _tell("a start without an offer", await cost_of_one(web.process.pid, 785, start))
    await start(15)
    _tell("a start above the limit", await cost_of_one(web.process.pid, 300, exceed))
    assert house.nova.ledger.connections == opened


async def test_offers(web: WebProcess, house: House) -> None:
    """A connection without audio lasts 15 s; the service opens the model only for one with audio."""
    opened = house.nova.ledger.connections
    garbage = {"sdp": CANDIDATE * (MAX_SDP_BYTES // len(CANDIDATE)), "type": "offer"}

    async def refuse(count: int) -> None:
        for _ in range(count):
            assert (await client.post("/api/offer", json=garbage)).status_code == 400

    async def hold(count: int) -> None:
        for _ in range(count):
            answer = await client.post("/api/offer", json={"sdp": SEEDS[0].decode(), "type": "offer"})
            assert answer.status_code == 200

    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.3")  # another address, which has not used up its starts
    async with httpx.AsyncClient(base_url=web.url, transport=transport) as client:
        await refuse(10)
        _tell("an offer of 64 KB that is none", await cost_of_one(web.process.pid, 100, refuse))
        await hold(3)
        _tell("an offer without sound", await cost_of_one(web.process.pid, 5, hold))
        full = await client.post("/api/offer", json={"sdp": SEEDS[0].decode(), "type": "offer"})
        assert full.status_code == 429
        assert await web.sessions() == 0
    await until(lambda: len(web.lines("session_ended")) == 8, 30.0)
    assert house.nova.ledger.connections == opened
