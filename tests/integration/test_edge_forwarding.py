"""The load balancer's stand-in between real clients and real servers, without faults."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from standins.edge.server import Edge, EdgeSettings
from tests.support.edge_setting import TEMPLATE, WEB, Setting, answered, get, placed, talk
from tests.support.edge_targets import TellingApp


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    """Start a load balancer as the template configures it."""
    async with placed() as setting:
        yield setting


@pytest.fixture
async def client(setting: Setting) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of it."""
    async with httpx.AsyncClient(base_url=setting.edge.url, trust_env=False) as client:
        yield client


async def test_odd_paths_reach_the_service_that_the_rules_say_and_arrive_unchanged(setting: Setting) -> None:
    """An unusual path reaches the service of the matching rule unchanged: not decoded, not normalised."""
    starts, ends = ["", "/", "/x"], ["", "/", "?x=/media-stream", "//", "%2F", "-x", "/../connect", "%", "%00"]
    bases = ["/incoming-call", "/INCOMING-CALL", "/media-stream", "/Media-Stream", "/connect", "/"]
    paths = [start + base + end for start in starts for base in bases for end in ends]
    for path in paths:
        body = answered(await talk(setting.edge.port, get(path)))
        bare = path.partition("?")[0]
        is_call = bare.startswith(("/incoming-call", "/media-stream"))
        assert (body["service"] == "phone", body["path"]) == (is_call, bare), path


async def test_forwarded_headers_arrive(setting: Setting) -> None:
    """The target gets the forwarded headers of the load balancer, not the client's forged ones."""
    request = get("/", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X_Evil: 1", "X-Mixed-Case: a")
    seen = dict(answered(await talk(setting.edge.port, request))["headers"])
    assert seen["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"
    assert (seen["x-forwarded-proto"], seen["x-forwarded-port"]) == ("http", str(setting.edge.port))
    assert (seen["host"], seen["x-mixed-case"]) == ("agent.example", "a")
    assert seen["x-amzn-trace-id"].startswith("Root=1-")
    assert "x_evil" not in seen


async def test_bodies_stream_both_ways(setting: Setting) -> None:
    """Bodies stream both ways: the first chunk of the response arrives before the second chunk is sent."""
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
    """A client keeps one connection for requests to both services, with and without bodies."""
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
    """WebSocket messages of any size pass unchanged both ways, and so does the close code."""
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
    """Each of forty simultaneous sockets gets its own messages in order."""

    async def chat(number: int) -> list[str]:
        async with connect(f"ws://127.0.0.1:{setting.edge.port}/media-stream", proxy=None) as line:
            heard = []
            for turn in range(20):
                await line.send(f"{number} {turn}")
                heard.append(str(await line.recv()))
            return heard

    heard = await asyncio.gather(*(chat(number) for number in range(40)))
    assert heard == [[f"{number} {turn}" for turn in range(20)] for number in range(40)]


async def test_an_old_client_gets_an_answer_that_it_can_read(setting: Setting) -> None:
    """An HTTP/1.0 client gets a response without chunked encoding."""
    answer = await talk(setting.edge.port, b"GET /incoming-call HTTP/1.0\r\n\r\n")
    assert b"chunked" not in answer.lower()
    assert answered(answer)["service"] == "phone"


async def test_the_listener_with_a_certificate_redirects() -> None:
    """Port 80 redirects to https, and port 443 forwards the https scheme to targets."""
    certificate = {"CertificateArn": "arn:aws:acm:eu-north-1:123456789012:certificate/0a1b"}
    async with TellingApp("web").serving() as address:
        async with Edge(EdgeSettings(TEMPLATE, {WEB: [address]}, parameters=certificate)) as edge:
            answer = await talk(edge.port, get("/a?b=c"))
        assert answer.startswith(b"HTTP/1.1 301 ")
        assert b"Location: https://agent.example:443/a?b=c\r\n" in answer
        async with Edge(EdgeSettings(TEMPLATE, {WEB: [address]}, parameters=certificate, listener=443)) as edge:
            assert dict(answered(await talk(edge.port, get("/")))["headers"])["x-forwarded-proto"] == "https"
