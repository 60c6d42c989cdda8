"""Forged addresses and foreign pages in front of the web service, and visitors who send arbitrary text."""

import json
from collections.abc import Callable

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.webrtc.conftest import Surroundings
from tests.support.visitor import Visitor
from tests.support.web_process import WebProcess

STRANGER, BALANCER = "127.0.0.1", "127.0.0.2"

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_threat_13_a_forged_address_buys_no_starts(surroundings: Surroundings) -> None:
    """The limit counts a client by its socket; behind the load balancer, by the address that it adds."""
    async with surroundings.start_web(
        "forged", FORWARDED_ALLOW_IPS=BALANCER, RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS="5"
    ) as web:
        assert await _starts(web, STRANGER, "203.0.113.{}") == [200] * 5 + [429] * 5
        assert await _starts(web, BALANCER, "203.0.113.{}, 198.51.100.7") == [200] * 5 + [429] * 5
        assert await _starts(web, BALANCER, "203.0.113.{}, 198.51.100.8") == [200] * 5 + [429] * 5


async def _starts(web: WebProcess, source: str, forwarded: str) -> list[int]:
    transport = httpx.AsyncHTTPTransport(local_address=source)
    async with httpx.AsyncClient(base_url=web.url, transport=transport) as client:
        answers = [
            await client.post("/connect", headers={"X-Forwarded-For": forwarded.format(number), "Forwarded": "for=a"})
            for number in range(10)
        ]
    return [answer.status_code for answer in answers]


async def test_threat_13_no_answer_repeats_a_forged_host(web: WebProcess) -> None:
    """No redirect, page or error repeats the host of a request."""
    spoofed = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    for host in ("evil.example", "evil"):  # the service rejects the first one outright
        for path in ("/", "/status", "/status/", "/console/", "/assets", "/assets/", "/room", "/nowhere/"):
            answer = await web.http.get(path, headers=spoofed | {"Host": host})
            assert "evil" not in f"{answer.headers}{answer.text}"
            assert not answer.is_redirect


@pytest.mark.parametrize("path", ["/", "/ws", "/api/offer", "/connect", "/sessions/x/api/offer"])
async def test_threat_12_there_is_no_socket_for_another_site(web: WebProcess, path: str) -> None:
    """A page of another site finds no WebSocket through which it could speak."""
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"{web.url.replace('http', 'ws', 1)}{path}", origin="https://evil.example", proxy=None)  # type: ignore[arg-type]
    assert refusal.value.response.status_code == 403


CANARY = "canary-of-a-typed-card"
_WRITTEN = {"content": CANARY}
QUOTABLE = [
    {"label": "rtvi-ai", "type": "send-text", "data": _WRITTEN},
    {"label": "rtvi-ai", "type": "send-text", "id": 4111, "data": _WRITTEN},
    {"label": "rtvi-ai", "type": "send-text", "id": CANARY * 9, "data": _WRITTEN},
    {"label": "rtvi-ai", "type": "send-text", "id": "1", "data": _WRITTEN | {"options": CANARY}},
    {"label": "rtvi-ai", "type": "send-text", "id": "1", "data": _WRITTEN | {"options": {"run_immediately": CANARY}}},
    {"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": {"version": CANARY}},
    {"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": CANARY},
    {"label": "rtvi-ai", "type": "client-message", "id": "1", "data": {"d": CANARY}},
    {"label": "rtvi-ai", "type": "ui-event", "id": "1", "data": {"event": [CANARY]}},
    {"label": "rtvi-ai", "type": "ui-snapshot", "id": "1", "data": {"tree": CANARY}},
    {"label": "rtvi-ai", "type": CANARY, "id": "1", "data": {}},
    {"type": "signalling", "message": {"type": CANARY}},
    {"type": CANARY},
    [CANARY],
    CANARY,
]


async def test_threat_15_what_a_visitor_writes_is_in_no_log(web: WebProcess, visitor: Callable[[], Visitor]) -> None:
    """No log contains a visitor's text, also where the service does not understand it."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        for message in QUOTABLE:
            somebody.send_raw(json.dumps(message))
        somebody.send_raw(f"{CANARY} is no JSON")
        somebody.send_text(CANARY.encode() + b"\xff")
        somebody.say("send-text", {"content": "and this is understood"})
        await somebody.until("bot-stopped-speaking", 2)
        assert not somebody.of("error")
    await web.record(somebody.session_id)
    assert CANARY not in web.log.read_text()
