"""Faults of Twilio's REST API: the service ends or redirects a call in time, or knows that it did not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from structlog.testing import capture_logs

from agent_core.errors import UpstreamError
from phone_agent.call_control import CallControl, RestRefused
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings

_BYTE_SECONDS = 0.2
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000


@asynccontextmanager
async def _trickling() -> AsyncIterator[tuple[CallControl, list[None]]]:
    """Serve a response byte by byte; return the client that requests it and the count of requests."""
    requests: list[None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        requests.append(None)
        with suppress(ConnectionError):
            for byte in _ANSWER:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(_BYTE_SECONDS)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield CallControl(client, "AC1"), requests


@pytest.mark.parametrize(
    ("tell", "seconds", "tries"),
    [
        (lambda control: control.hang_up("CA1"), 5.0, 2),
        (lambda control: control.redirect("CA1", "<Response/>"), 3.5, 1),
    ],
    ids=["hang_up", "redirect"],
)
async def test_an_answer_that_trickles_is_given_up(
    tell: Callable[[CallControl], Coroutine[None, None, None]], seconds: float, tries: int
) -> None:
    """A response that arrives byte by byte times out, so it delays neither a clean-up nor a caller."""
    async with _trickling() as (control, requests):
        with pytest.raises(UpstreamError, match="timeout"):
            async with asyncio.timeout(seconds):
                await tell(control)
    assert len(requests) == tries


@asynccontextmanager
async def _region(*, key: bool = True, secret: str | None = None) -> AsyncIterator[tuple[CallControl, TwilioExchange]]:
    """Serve Twilio's REST API; return a client with a standard API key or with the account's token."""
    settings = ExchangeSettings()
    user, password = (
        (settings.api_key_sid, settings.api_key_secret) if key else (settings.account_sid, settings.auth_token)
    )
    async with (
        TwilioExchange(settings) as exchange,
        httpx.AsyncClient(base_url=exchange.url, auth=(user, secret or password), trust_env=False) as client,
    ):
        yield CallControl(client, settings.account_sid), exchange


@pytest.mark.parametrize("key", [True, False], ids=["standard key", "account"])
async def test_good_credentials_are_found_good_at_the_start(key: bool) -> None:  # noqa: FBT001 - a table
    """The check at the start lists calls, because a standard API key cannot read the account."""
    async with _region(key=key) as (control, _):
        with capture_logs() as lines:
            await control.check()
    assert [line["event"] for line in lines] == ["twilio_checked"]
    assert control.works is None, "the region of the calls is not proven by it"


async def test_wrong_credentials_are_an_error_at_the_start() -> None:
    """The error about wrong credentials names the setting and contains no secret."""
    async with _region(secret="wrong-secret") as (control, _):
        with capture_logs() as lines:
            await control.check()
    [line] = lines
    assert (line["event"], line["log_level"], control.works) == ("twilio_refuses_us", "error", False)
    assert "TWILIO_API_SECRET" in line["error"]
    assert "wrong-secret" not in str(line)


async def test_a_twilio_that_cannot_be_reached_is_a_warning() -> None:
    """The service starts with a warning when Twilio is unreachable."""
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False) as client:
        control = CallControl(client, "AC1")
        with capture_logs() as lines:
            await control.check()
            await control.look("CA1")
    assert [(line["event"], line["log_level"]) for line in lines] == [("twilio_not_checked", "warning")] * 2
    assert control.works is None


async def test_a_call_of_another_region_is_no_call_that_is_over() -> None:
    """A call of another region (404) differs from a call that is over (21220)."""
    async with _region() as (control, exchange):
        call = exchange.place_call("http://127.0.0.1:9/incoming-call")
        exchange.elsewhere = True
        with capture_logs() as lines:
            await control.look(call.sid)
        assert (lines[0]["log_level"], control.works) == ("error", False)
        with pytest.raises(RestRefused, match="TWILIO_REGION") as refused:
            await control.hang_up(call.sid)
        assert (refused.value.status, refused.value.code) == (404, 20404)
        exchange.elsewhere = False
        call.hang_up()
        await call.timeline.until("ended", 5)
        await control.hang_up(call.sid)
        assert control.works


async def test_many_calls_at_once_cost_one_look() -> None:
    """The first of many calls checks the region for all; the service never checks a known account again."""
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        await asyncio.sleep(0.1)
        return httpx.Response(200, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://api.twilio.com") as client:
        control = CallControl(client, "AC1")
        await asyncio.gather(*(control.look(f"CA{number}") for number in range(100)))
        await control.look("CA100")
    assert len(asked) == 1
    assert control.works
