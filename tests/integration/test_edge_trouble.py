"""The load balancer's stand-in with clients and targets that disconnect, stall, fail or drain."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from standins.edge.server import Edge, EdgeSettings
from tests.support.edge_setting import PHONE, TEMPLATE, WEB, Setting, get, placed, talk
from tests.support.edge_targets import TellingApp, raw_target
from tests.support.waiting import until

type Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    """Start a load balancer as the template configures it."""
    async with placed() as setting:
        yield setting


@pytest.fixture
async def impatient() -> AsyncIterator[Setting]:
    """Start a load balancer with an idle timeout of two seconds instead of five."""
    async with placed(IdleTimeoutSeconds="120") as setting:
        yield setting


@pytest.fixture
async def client(setting: Setting) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of it."""
    async with httpx.AsyncClient(base_url=setting.edge.url, trust_env=False) as client:
        yield client


async def test_a_line_on_which_nothing_moves_is_closed_after_the_idle_timeout(impatient: Setting) -> None:
    """The load balancer closes a connection after the idle timeout; a message resets it.

    The template sets minutes; this test runs sixty times faster.
    """
    url = f"ws://127.0.0.1:{impatient.edge.port}/media-stream"
    async with connect(url, proxy=None, ping_interval=None) as line:
        await asyncio.sleep(1.2)
        await line.send("still here")
        await line.recv()
        spoken = time.monotonic()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(line.recv(), 20)
        assert time.monotonic() - spoken > 1.8
    assert line.close_code == 1006


async def test_an_idle_connection_is_closed_and_half_a_request_is_told(impatient: Setting) -> None:
    """Half a request gets 408 after the timeout; the load balancer just closes an idle connection."""
    nothing, half, body = await asyncio.gather(
        talk(impatient.edge.port),
        talk(impatient.edge.port, b"GET / HT"),
        talk(impatient.edge.port, b"POST /connect HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"),
    )
    assert nothing == b""
    assert half.startswith(b"HTTP/1.1 408 ")
    assert body.startswith(b"HTTP/1.1 408 ")


async def test_a_target_that_says_nothing_gives_504(impatient: Setting) -> None:
    """A target that never answers causes 504 after the idle timeout, and the connection closes."""
    answer = await talk(impatient.edge.port, get("/slow"))
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert b"awselb/2.0" in answer
    assert impatient.reasons() == ["target_idle"]


async def test_a_client_that_leaves_after_the_answer_is_no_failure(setting: Setting) -> None:
    """Clients that disconnect after the response, many at once, are not failures."""
    await asyncio.gather(*(talk(setting.edge.port, get("/incoming-call")) for _ in range(40)))
    for _ in range(20):
        async with httpx.AsyncClient(base_url=setting.edge.url, trust_env=False) as client:
            await client.get("/")
    assert setting.reasons() == []


async def test_a_client_that_leaves_is_no_fault_of_the_target(setting: Setting, client: httpx.AsyncClient) -> None:
    """The load balancer counts a client that disconnects early as 460, and closes the target's connection."""
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/slow", timeout=httpx.Timeout(8, read=0.3))
    await until(lambda: setting.reasons() != [])
    assert setting.events[-1] == {"event": "edge_answered", "status": 460, "reason": "client_closed"}
    assert [target.outstanding for target in setting.edge.targets(WEB)] == [0, 0]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nNo Colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
    ],
)
async def test_what_is_no_http_is_answered_by_the_edge(setting: Setting, request_: bytes, status: int) -> None:
    """The load balancer answers a request that is not HTTP; it reaches no target."""
    answer = await talk(setting.edge.port, request_)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert setting.webs[0].seen == setting.webs[1].seen == 0


async def test_a_body_that_breaks_the_protocol_is_refused(setting: Setting) -> None:
    """The load balancer rejects a malformed body: the target got the head, but never the end of the body."""
    request = b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    async with asyncio.timeout(4):
        answer = await talk(setting.edge.port, request)
    assert b"\r\n0\r\n\r\n" not in answer
    assert setting.reasons() == ["bad_body"]


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def _nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("answer", [_hang_up, _nonsense])
async def test_a_target_that_breaks_off_gives_502(answer: Answer) -> None:
    """A target that disconnects early causes 502, and the client's connection stays open."""
    async with raw_target(answer) as address, Edge(EdgeSettings(TEMPLATE, {WEB: [address]})) as edge:
        assert (await talk(edge.port, get("/"))).startswith(b"HTTP/1.1 502 ")


async def test_nobody_there_gives_502_and_no_target_503() -> None:
    """A process that refuses connections causes 502; a service without targets causes 503."""
    async with raw_target(_hang_up) as gone:
        pass
    async with Edge(EdgeSettings(TEMPLATE, {WEB: [gone]})) as edge:
        assert (await talk(edge.port, get("/"))).startswith(b"HTTP/1.1 502 ")
        assert (await talk(edge.port, get("/incoming-call"))).startswith(b"HTTP/1.1 503 ")


async def test_half_an_answer_is_not_passed_off_as_a_whole_one() -> None:
    """A truncated response breaks the client's connection, so that the client notices."""
    async with (
        raw_target(_half_an_answer) as address,
        Edge(EdgeSettings(TEMPLATE, {WEB: [address]})) as edge,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        with pytest.raises(httpx.HTTPError):
            await client.get(edge.url)


async def test_long_requests_spread_over_the_targets(setting: Setting, client: httpx.AsyncClient) -> None:
    """Least-outstanding-requests routing gives no target a second request while another target is idle."""
    slow = [asyncio.create_task(client.get("/slow")) for _ in range(6)]
    await until(lambda: sum(target.outstanding for target in setting.edge.targets(WEB)) == 6)
    assert [target.outstanding for target in setting.edge.targets(WEB)] == [3, 3]
    for web in setting.webs:
        web.go_on.set()
    assert {answer.text for answer in await asyncio.gather(*slow)} == {"web", "web 2"}


async def test_a_sick_target_gets_nothing_and_all_sick_get_everything(
    setting: Setting, client: httpx.AsyncClient
) -> None:
    """An unhealthy target gets no request; when all are unhealthy, routing fails open as on a real ALB."""

    async def served() -> set[str]:
        """Send requests as new visitors: the cookie would bind a returning one to a target."""
        names = set()
        for _ in range(8):
            names.add((await client.get("/")).json()["service"])
            client.cookies.clear()
        return names

    async def until_healthy(healthy: list[bool]) -> None:
        await until(lambda: [target.health.healthy for target in setting.edge.targets(WEB)] == healthy)

    await until_healthy([True, True])
    assert await served() == {"web", "web 2"}
    setting.webs[0].healthy = False
    await until_healthy([False, True])
    assert await served() == {"web 2"}
    setting.webs[1].healthy = False
    await until_healthy([False, False])
    assert await served() == {"web", "web 2"}
    setting.webs[1].healthy = True
    await until_healthy([False, True])


async def test_a_target_that_leaves_keeps_its_lines_for_the_drain_time_only(setting: Setting) -> None:
    """A draining target gets no new call; its connections stay open until the drain timeout closes them."""
    async with connect(f"ws://127.0.0.1:{setting.edge.port}/media-stream", proxy=None) as line:
        (phone,) = setting.edge.targets(PHONE)
        setting.edge.deregister(PHONE, phone)
        assert (await talk(setting.edge.port, get("/incoming-call"))).startswith(b"HTTP/1.1 503 ")
        await line.send("still on")
        assert await line.recv() == "still on"
        phone.close()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(line.recv(), 10)


async def test_it_closes_what_is_open_when_it_stops() -> None:
    """When the load balancer stops, it closes every open connection and leaves no task."""
    async with TellingApp("phone").serving() as address:
        async with Edge(EdgeSettings(TEMPLATE, {PHONE: [address]})) as edge:
            lines = [await connect(f"ws://127.0.0.1:{edge.port}/media-stream", proxy=None) for _ in range(5)]
        for line in lines:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(line.recv(), 5)
        assert edge.connections == 0
