"""Floods and forgeries against the phone service: real calls connect, and forged requests fail."""

import asyncio
import time
from http import HTTPStatus

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from standins.twilio.signing import sign
from standins.twilio.twiml_program import new_sid
from tests.integration.conftest import AUTH_TOKEN, House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.stranger import Stranger, invitation_in
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

HALVES = [b"", b"P", b"POST /incoming-call HTTP/1.1\r\n", b"GET /media-stream/x HTTP/1.1\r\nupgrade: websocket\r\n"]


@pytest.mark.thorough  # hundreds of connections
async def test_threat_10_half_open_connections_keep_nobody_out(phone: PhoneProcess, house: House) -> None:
    """With 500 half-open connections a call connects within two seconds; after ten they are closed."""
    before = phone.descriptors()
    host, port = phone.url.removeprefix("http://").split(":")
    held = [await asyncio.open_connection(host, int(port)) for _ in range(500)]
    try:
        for number, (_, writer) in enumerate(held):
            writer.write(HALVES[number % len(HALVES)])
        await until(lambda: phone.descriptors() >= before + 500)
        async with Caller(house.exchange, phone.url) as caller:
            await caller.until("stream_started", 2.0)
            await caller.greeted()
        await until(lambda: phone.descriptors() <= before + 5, 20.0)
    finally:
        for _, writer in held:
            writer.close()


async def test_threat_20_a_crowd_of_calls_is_served_or_told(house: House) -> None:
    """Of a hundred calls per second at forty slots, forty get a ticket, sixty a spoken reason; health stays 200."""
    async with house.start_phone("crowd", MAX_SESSIONS="40") as phone:
        strangers = [Stranger(phone.url, house.exchange.settings) for _ in range(100)]
        try:
            answers = asyncio.gather(*(stranger.send(stranger.webhook()) for stranger in strangers))
            health = [await phone.status("/health") for _ in range(10)]
            texts = [answer.text for answer in await answers]
            served = [text for text in texts if "<Stream" in text]
            assert (len(served), len(texts) - len(served)) == (40, 60)
            assert all("<Say" in text or "<Redirect" in text for text in texts if "<Stream" not in text)
            assert len({invitation_in(text).ticket for text in served}) == 40
            assert set(health) == {200}
            assert await phone.status("/ready") == 429
            assert await phone.sessions() == 40
        finally:
            await asyncio.gather(*(stranger.aclose() for stranger in strangers))


SPOOFED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "127.0.0.1",
    "Forwarded": "host=evil.example",
}


async def test_threat_13_addresses_come_from_the_settings(phone: PhoneProcess, stranger: Stranger) -> None:
    """Documents have our configured URL whatever host the request names, and no response repeats that host.

    The service rejects a request for another site; a proxy may use the name by which it reaches the service.
    """
    request = stranger.webhook()
    request.headers.update(SPOOFED)
    assert (await stranger.send(request)).status_code == HTTPStatus.MISDIRECTED_REQUEST
    request = stranger.webhook()
    request.headers.update(SPOOFED | {"Host": "evil"})
    answer = await stranger.send(request)
    assert invitation_in(answer.text).url == stranger.stream_url
    async with httpx.AsyncClient(base_url=phone.url, trust_env=False) as client:
        for path in ("/", "/health", "/health/", "/incoming-call/", "/media-stream", "/nowhere"):
            said = await client.get(path, headers=SPOOFED)
            assert "evil" not in f"{said.headers}{said.text}"
            assert not said.is_redirect


async def test_threat_12_no_page_opens_a_media_stream(phone: PhoneProcess, house: House) -> None:
    """The service rejects a page's socket before the upgrade: a browser cannot sign, and Twilio sends no origin."""
    opened = house.nova.ledger.connections
    url = f"{phone.url.replace('http', 'ws', 1)}/media-stream/{new_sid('CA')}"
    for signature in ({}, {"x-twilio-signature": sign("guess", url)}):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(url, origin="https://evil.example", additional_headers=signature, proxy=None)  # type: ignore[arg-type]
        assert refusal.value.response.status_code == 403
    assert house.nova.ledger.connections == opened


async def test_threat_14_nothing_lists_the_routes_or_shows_a_trace(phone: PhoneProcess, stranger: Stranger) -> None:
    """No response has documentation, a traceback or a list of the routes."""
    async with httpx.AsyncClient(base_url=phone.url, trust_env=False) as client:
        for path in ("/docs", "/redoc", "/openapi.json", "/.env", "/metrics", "/debug"):
            assert (await client.get(path)).status_code == 404
    forged = stranger.webhook()
    forged.headers["X-Twilio-Signature"] = sign("guess", str(forged.url))
    answer = await stranger.send(forged)
    assert answer.status_code == 403
    assert not {"signature_mismatch", "Traceback", AUTH_TOKEN} & set(answer.text.split('"'))
    assert "server" not in answer.headers


async def test_threat_14_who_leaves_in_the_middle_leaves_no_trace(phone: PhoneProcess) -> None:
    """A truncated body causes neither an error nor log lines with which a client could fill a disk."""
    errors = len(phone.lines("library"))
    host, port = phone.url.removeprefix("http://").split(":")
    for _ in range(5):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /incoming-call HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
    began = time.monotonic()
    assert await phone.status("/health") == 200
    await until(lambda: time.monotonic() - began > 0.3)
    assert len(phone.lines("library")) == errors


async def test_threat_16_a_callers_name_is_no_verb(stranger: Stranger) -> None:
    """Text that a caller controls in a webhook never becomes TwiML."""
    hostile = "</Say><Dial>900</Dial>"
    plain = await stranger.send(stranger.webhook(From="Anonymous"))
    answer = await stranger.send(stranger.webhook(CallerName=hostile, FromCity=hostile, From=hostile, Caller=hostile))
    assert answer.status_code == 200
    assert answer.text == plain.text
