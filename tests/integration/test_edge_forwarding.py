"""The pretend load balancer between real clients and real servers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from standins.edge.server import Edge, Settings, find_template
from tests.support.edge_targets import TellingApp, raw_target
from tests.support.waiting import until

TEMPLATE = find_template(Path(__file__)).read_text()
PHONE, WEB = "PhoneTargetGroup", "WebTargetGroup"

type Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Setting:
    """An edge with a phone service and two web services behind it."""

    edge: Edge
    phone: TellingApp
    webs: list[TellingApp]
    events: list[dict[str, object]] = field(default_factory=list)

    def reasons(self) -> list[object]:
        """What the edge answered in a target's place."""
        return [event["reason"] for event in self.events if event["event"] == "edge_answered"]


@asynccontextmanager
async def placed(**parameters: str) -> AsyncIterator[Setting]:
    """Start one in which a second is a minute."""
    async with AsyncExitStack() as stack:
        phone, webs, events = TellingApp("phone"), [TellingApp("web"), TellingApp("web 2")], list[dict[str, object]]()
        addresses = [await stack.enter_async_context(app.serving()) for app in (phone, *webs)]
        targets = {PHONE: addresses[:1], WEB: addresses[1:]}
        settings = Settings(TEMPLATE, targets, hurry=60, parameters=parameters, log=events.append)
        edge = await stack.enter_async_context(Edge(settings))
        yield Setting(edge, phone, webs, events)


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    """Start one as the template has it."""
    async with placed() as setting:
        yield setting


@pytest.fixture
async def impatient() -> AsyncIterator[Setting]:
    """Start one that takes two seconds of silence, and not five."""
    async with placed(IdleTimeoutSeconds="120") as setting:
        yield setting


@pytest.fixture
async def client(setting: Setting) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of it."""
    async with httpx.AsyncClient(base_url=setting.edge.url, trust_env=False) as client:
        yield client


async def talk(port: int, *pieces: bytes) -> bytes:
    """Send raw bytes and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


def get(path: str, *headers: str) -> bytes:
    """Write a request that closes its connection."""
    lines = [f"GET {path} HTTP/1.1", "Host: agent.example", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def answered(raw: bytes) -> dict[str, Any]:
    """Read the JSON of an answer with a known length."""
    told: dict[str, Any] = json.loads(raw.partition(b"\r\n\r\n")[2])
    return told


async def test_odd_paths_reach_the_service_that_the_rules_say_and_arrive_unchanged(setting: Setting) -> None:
    """Nothing is decoded or tidied up on the way."""
    starts, ends = ["", "/", "/x"], ["", "/", "?x=/media-stream", "//", "%2F", "-x", "/../connect", "%", "%00"]
    bases = ["/incoming-call", "/INCOMING-CALL", "/media-stream", "/Media-Stream", "/connect", "/"]
    paths = [start + base + end for start in starts for base in bases for end in ends]
    for path in paths:
        told = answered(await talk(setting.edge.port, get(path)))
        bare = path.partition("?")[0]
        is_call = bare.startswith(("/incoming-call", "/media-stream"))
        assert (told["service"] == "phone", told["path"]) == (is_call, bare), path


async def test_forwarded_headers_arrive(setting: Setting) -> None:
    """The target sees who came, and not what the client made up."""
    request = get("/", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X_Evil: 1", "X-Mixed-Case: a")
    seen = dict(answered(await talk(setting.edge.port, request))["headers"])
    assert seen["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"
    assert (seen["x-forwarded-proto"], seen["x-forwarded-port"]) == ("http", str(setting.edge.port))
    assert (seen["host"], seen["x-mixed-case"]) == ("agent.example", "a")
    assert seen["x-amzn-trace-id"].startswith("Root=1-")
    assert "x_evil" not in seen


async def test_bodies_stream_both_ways(setting: Setting) -> None:
    """The answer to the first piece is there before the second piece is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", setting.edge.port, limit=1_000_000)
    writer.write(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    async with asyncio.timeout(20):
        assert await reader.readuntil(b"FIRST\r\n")
        writer.write(b"ea60\r\n" + b"second" * 10_000 + b"\r\n0\r\n\r\n")
        rest = await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()
    assert rest.count(b"S") == 10_000
    assert setting.reasons() == []


async def test_one_connection_carries_many_requests_to_both_services(
    setting: Setting, client: httpx.AsyncClient
) -> None:
    """A client keeps its connection whatever service answers, with and without bodies."""
    answers = [
        await client.get("/incoming-call"),
        await client.post("/connect", content=b"x" * 100_000),
        await client.head("/"),
        await client.post("/incoming-call/status", data={"CallSid": "CA1"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answers[0].json()["service"], answers[3].json()["service"]] == ["phone", "phone"]
    assert answers[1].json()["body"] == 100_000
    assert answers[2].content == b""
    assert setting.edge.connections == 1


async def test_websockets_pass_untouched_and_end_when_either_side_ends(setting: Setting) -> None:
    """Both ways, any size, and closed with the code that was given."""
    url = f"ws://127.0.0.1:{setting.edge.port}/media-stream/CA1"
    async with connect(url, proxy=None) as line:
        for text in ("hello", "x" * 60_000, ""):
            await line.send(text)
            assert await line.recv() == text
        await line.close(4001, "bye")
        assert line.close_code == 4001
    with pytest.raises(InvalidStatus, match="403"):
        await connect(url + "/refused", proxy=None)


async def test_forty_lines_at_once_keep_their_messages_apart(setting: Setting) -> None:
    """Each socket gets its own words in order."""

    async def chat(number: int) -> list[str]:
        async with connect(f"ws://127.0.0.1:{setting.edge.port}/media-stream", proxy=None) as line:
            heard = []
            for turn in range(20):
                await line.send(f"{number} {turn}")
                heard.append(str(await line.recv()))
            return heard

    heard = await asyncio.gather(*(chat(number) for number in range(40)))
    assert heard == [[f"{number} {turn}" for turn in range(20)] for number in range(40)]


async def test_a_line_on_which_nothing_moves_is_closed_after_the_idle_timeout(impatient: Setting) -> None:
    """So many minutes by the template; here, sixty times faster. A message starts the time anew."""
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
    """A client that sends nothing more gets 408; one that asked for nothing is only closed."""
    nothing, half, body = await asyncio.gather(
        talk(impatient.edge.port),
        talk(impatient.edge.port, b"GET / HT"),
        talk(impatient.edge.port, b"POST /connect HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"),
    )
    assert nothing == b""
    assert half.startswith(b"HTTP/1.1 408 ")
    assert body.startswith(b"HTTP/1.1 408 ")


async def test_a_target_that_says_nothing_gives_504(impatient: Setting) -> None:
    """After the idle timeout, and the connection is closed."""
    answer = await talk(impatient.edge.port, get("/slow"))
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert b"awselb/2.0" in answer
    assert impatient.reasons() == ["target_idle"]


async def test_a_client_that_leaves_after_the_answer_is_no_failure(setting: Setting) -> None:
    """Many do, at once."""
    await asyncio.gather(*(talk(setting.edge.port, get("/incoming-call")) for _ in range(40)))
    for _ in range(20):
        async with httpx.AsyncClient(base_url=setting.edge.url, trust_env=False) as client:
            await client.get("/")
    assert setting.reasons() == []


async def test_a_client_that_leaves_is_no_fault_of_the_target(setting: Setting, client: httpx.AsyncClient) -> None:
    """The load balancer counts it as 460 and gives up the target's connection."""
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/slow", timeout=0.3)
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
    """No target sees it."""
    answer = await talk(setting.edge.port, request_)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert setting.webs[0].seen == setting.webs[1].seen == 0


async def test_a_body_that_breaks_the_protocol_is_refused(setting: Setting) -> None:
    """The target has its head already, but never the end of its body."""
    request = b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    async with asyncio.timeout(4):
        answer = await talk(setting.edge.port, request)
    assert b"\r\n0\r\n\r\n" not in answer
    assert setting.reasons() == ["bad_body"]


async def test_an_old_client_gets_an_answer_that_it_can_read(setting: Setting) -> None:
    """HTTP/1.0 knows no chunks."""
    answer = await talk(setting.edge.port, b"GET /incoming-call HTTP/1.0\r\n\r\n")
    assert b"chunked" not in answer.lower()
    assert answered(answer)["service"] == "phone"


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
    """The client is told, and its connection lives on."""
    async with raw_target(answer) as address, Edge(Settings(TEMPLATE, {WEB: [address]})) as edge:
        assert (await talk(edge.port, get("/"))).startswith(b"HTTP/1.1 502 ")


async def test_nobody_there_gives_502_and_no_target_503() -> None:
    """A process that is not up, and a service that has none."""
    async with raw_target(_hang_up) as gone:
        pass
    async with Edge(Settings(TEMPLATE, {WEB: [gone]})) as edge:
        assert (await talk(edge.port, get("/"))).startswith(b"HTTP/1.1 502 ")
        assert (await talk(edge.port, get("/incoming-call"))).startswith(b"HTTP/1.1 503 ")


async def test_half_an_answer_is_not_passed_off_as_a_whole_one() -> None:
    """The connection breaks, so that the client notices."""
    async with (
        raw_target(_half_an_answer) as address,
        Edge(Settings(TEMPLATE, {WEB: [address]})) as edge,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        with pytest.raises(httpx.HTTPError):
            await client.get(edge.url)


async def test_long_requests_spread_over_the_targets(setting: Setting, client: httpx.AsyncClient) -> None:
    """Least outstanding requests: nobody gets a second while another has none."""
    slow = [asyncio.create_task(client.get("/slow")) for _ in range(6)]
    await until(lambda: sum(target.outstanding for target in setting.edge.targets(WEB)) == 6)
    assert [target.outstanding for target in setting.edge.targets(WEB)] == [3, 3]
    for web in setting.webs:
        web.go_on.set()
    assert {answer.text for answer in await asyncio.gather(*slow)} == {"web", "web 2"}


async def test_a_sick_target_gets_nothing_and_all_sick_get_everything(
    setting: Setting, client: httpx.AsyncClient
) -> None:
    """Health checks decide, and fail open like the original's."""

    async def served() -> set[str]:
        return {(await client.get("/")).json()["service"] for _ in range(8)}

    async def told(healthy: list[bool]) -> None:
        await until(lambda: [target.health.healthy for target in setting.edge.targets(WEB)] == healthy)

    await told([True, True])
    assert await served() == {"web", "web 2"}
    setting.webs[0].healthy = False
    await told([False, True])
    assert await served() == {"web 2"}
    setting.webs[1].healthy = False
    await told([False, False])
    assert await served() == {"web", "web 2"}
    setting.webs[1].healthy = True
    await told([False, True])


async def test_a_target_that_leaves_keeps_its_lines_for_the_drain_time_only(setting: Setting) -> None:
    """New calls find no target, the line goes on, and is cut at the end."""
    async with connect(f"ws://127.0.0.1:{setting.edge.port}/media-stream", proxy=None) as line:
        (phone,) = setting.edge.targets(PHONE)
        setting.edge.deregister(PHONE, phone)
        assert (await talk(setting.edge.port, get("/incoming-call"))).startswith(b"HTTP/1.1 503 ")
        await line.send("still on")
        assert await line.recv() == "still on"
        phone.close()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(line.recv(), 10)


async def test_the_listener_with_a_certificate_redirects() -> None:
    """Port 80 sends everybody to https; port 443 tells targets that it was https."""
    certificate = {"CertificateArn": "arn:aws:acm:eu-north-1:123456789012:certificate/0a1b"}
    async with TellingApp("web").serving() as address:
        async with Edge(Settings(TEMPLATE, {WEB: [address]}, parameters=certificate)) as edge:
            answer = await talk(edge.port, get("/a?b=c"))
        assert answer.startswith(b"HTTP/1.1 301 ")
        assert b"Location: https://agent.example:443/a?b=c\r\n" in answer
        async with Edge(Settings(TEMPLATE, {WEB: [address]}, parameters=certificate, listener=443)) as edge:
            assert dict(answered(await talk(edge.port, get("/")))["headers"])["x-forwarded-proto"] == "https"


async def test_it_closes_what_is_open_when_it_stops() -> None:
    """No connection and no task is left, however many lines were open."""
    async with TellingApp("phone").serving() as address:
        async with Edge(Settings(TEMPLATE, {PHONE: [address]})) as edge:
            lines = [await connect(f"ws://127.0.0.1:{edge.port}/media-stream", proxy=None) for _ in range(5)]
        for line in lines:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(line.recv(), 5)
        assert edge.connections == 0
