"""Live calls changed over REST by Twilio's own client."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from standins.twilio import ExchangeSettings, RestFault, TwilioExchange
from standins.twilio.live import DialledCall
from tests.integration.twilio_app import TinyApp

SETTINGS = ExchangeSettings()
LONG = '<Say>One moment.</Say><Pause length="30"/>'  # a pause as the first verb would let it ring


class _Redirected(TwilioHttpClient):  # type: ignore[misc]  # the package carries no types
    """Twilio's HTTP client, redirected from api.twilio.com to the stand-in."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=2)
        self._base = base

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> object:
        """Send the request to this machine."""
        return super().request(method, url.replace("https://api.twilio.com", self._base), *args, **kwargs)


def redirected(base: str) -> TwilioHttpClient:
    """Return Twilio's HTTP client for a stand-in."""
    return _Redirected(base)


@pytest.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Return an exchange."""
    async with TwilioExchange(SETTINGS) as running:
        yield running


@pytest.fixture
async def app() -> AsyncIterator[TinyApp]:
    """Return an application that keeps its callers waiting."""
    async with TinyApp().serving() as tiny:
        tiny.documents["/incoming-call"] = LONG
        yield tiny


@pytest.fixture
async def call(app: TinyApp, exchange: TwilioExchange) -> DialledCall:
    """Return a call that waits."""
    live = exchange.place_call(app.url)
    await live.timeline.until("pause", 5)
    return live


def _client(exchange: TwilioExchange, secret: str = SETTINGS.auth_token) -> Client:
    return Client(SETTINGS.account_sid, secret, http_client=_Redirected(exchange.url))


async def test_twilios_client_ends_a_call(exchange: TwilioExchange, call: DialledCall) -> None:
    """`Status=completed` ends a call, and fails for a call that has ended."""
    calls = _client(exchange).calls
    assert (await asyncio.to_thread(calls(call.sid).fetch)).status == "in-progress"
    await asyncio.to_thread(calls(call.sid).update, status="completed")
    assert (await call.timeline.until("ended", 5)).fields["reason"] == "ended_by_rest"
    ended = await asyncio.to_thread(calls(call.sid).fetch)
    assert (ended.status, ended.sid) == ("completed", call.sid)
    with pytest.raises(TwilioRestException) as late:
        await asyncio.to_thread(calls(call.sid).update, status="completed")
    assert late.value.code == 21220


async def test_a_live_call_gets_another_document(exchange: TwilioExchange, call: DialledCall) -> None:
    """`Twiml=` replaces the current verb and every later one."""
    await asyncio.to_thread(_client(exchange).calls(call.sid).update, twiml="<Response><Hangup/></Response>")
    assert (await call.timeline.until("ended", 5)).fields["reason"] == "hung_up_by_document"


async def test_a_live_call_is_sent_to_another_address(
    exchange: TwilioExchange, app: TinyApp, call: DialledCall
) -> None:
    """`Url=` requests another document, as a webhook of a call in progress."""
    app.documents["/other"] = "<Hangup/>"
    await asyncio.to_thread(_client(exchange).calls(call.sid).update, url=f"http://127.0.0.1:{app.port}/other")
    await call.timeline.until("ended", 5)
    assert app.requests("/other")[0].params["CallStatus"] == "in-progress"


async def test_an_ended_stream_gets_stop_before_it_closes(exchange: TwilioExchange, app: TinyApp) -> None:
    """The application gets `stop` before the exchange closes the stream, as with Twilio."""
    app.documents["/incoming-call"] = app.stream("<Say>never</Say>")
    call = exchange.place_call(app.url)
    await call.timeline.until("stream_started", 5)
    await asyncio.to_thread(_client(exchange).calls(call.sid).update, status="completed")
    await call.timeline.until("ended", 5)
    await asyncio.sleep(0.05)
    assert app.streams[0].messages[-1]["event"] == "stop"
    assert call.timeline.last("say") is None


@pytest.mark.parametrize(("sid", "secret", "code"), [("", "wrong", 20003), ("CA" + "0" * 32, "", 20404)])
async def test_strangers_and_unknown_calls_are_refused(
    exchange: TwilioExchange, call: DialledCall, sid: str, secret: str, code: int
) -> None:
    """Twilio's client understands the error bodies for wrong credentials and unknown calls."""
    client = _client(exchange, secret or SETTINGS.auth_token)
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.calls(sid or call.sid).update, status="completed")
    assert refused.value.code == code
    assert call.timeline.last("ended") is None


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_faults_are_answered_as_often_as_ordered(
    exchange: TwilioExchange, call: DialledCall, status: int
) -> None:
    """A fault fails so many requests that change a call; requests that only read succeed, and later ones, too."""
    exchange.rest_faults.append(RestFault(status, times=2))
    url = f"{exchange.url}/2010-04-01/Accounts/{SETTINGS.account_sid}/Calls/{call.sid}.json"
    async with httpx.AsyncClient(auth=(SETTINGS.account_sid, SETTINGS.auth_token), trust_env=False) as client:
        assert (await client.get(url)).status_code == 200
        changes = [await client.post(url, data={"Twiml": "<Response><Pause/></Response>"}) for _ in range(3)]
        assert [answer.status_code for answer in changes] == [status, status, 200]


async def test_a_hanging_interface_is_a_fault_too(exchange: TwilioExchange, call: DialledCall) -> None:
    """A test sets a fault that hangs over HTTP, as another process would."""
    url = f"{exchange.url}/2010-04-01/Accounts/{SETTINGS.account_sid}/Calls/{call.sid}.json"
    async with httpx.AsyncClient(auth=(SETTINGS.account_sid, SETTINGS.auth_token), trust_env=False) as client:
        assert (await client.post(f"{exchange.url}/faults", json={"hang_seconds": 30})).status_code == 204
        with pytest.raises(httpx.ReadTimeout):
            await client.post(url, data={"Status": "completed"}, timeout=httpx.Timeout(8, read=0.3))
        assert (await client.get(url)).status_code == 200
        assert (await client.post(f"{exchange.url}/faults", content=b"[")).status_code == 400
