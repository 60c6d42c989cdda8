"""Calls that the REST API places, by Twilio's own client: a phone rings, and its person presses a key."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from standins.twilio import ExchangeSettings, TwilioExchange
from standins.twilio.handset import Handset
from standins.twilio.settings import DialScript
from tests.integration.test_twilio_rest_calls import redirected
from tests.integration.twilio_app import TinyApp

SETTINGS = ExchangeSettings()
OURS, THEIRS = SETTINGS.numbers[0], "+46700000001"
ASKS = '<Gather numDigits="1" timeout="1" finishOnKey="" action="/accepted"><Say>Press 1.</Say></Gather><Hangup/>'


@pytest.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Return an exchange."""
    async with TwilioExchange(replace(SETTINGS, dial=DialScript(ring_seconds=0.1, press_seconds=0.2))) as running:
        yield running


@pytest.fixture
async def app() -> AsyncIterator[TinyApp]:
    """Return an application that asks for a key."""
    async with TinyApp().serving() as tiny:
        tiny.documents |= {"/incoming-call": ASKS, "/accepted": '<Say>Thank you.</Say><Pause length="30"/>'}
        yield tiny


def _client(exchange: TwilioExchange) -> Client:
    return Client(SETTINGS.account_sid, SETTINGS.auth_token, http_client=redirected(exchange.url))


async def test_a_phone_rings_answers_and_presses_a_key(exchange: TwilioExchange, app: TinyApp) -> None:
    """The document is requested when the person answers, and the key's action after the key."""
    async with Handset(exchange.url) as handset:
        await handset.wait_for_call(THEIRS)
        placed = await asyncio.to_thread(_client(exchange).calls.create, to=THEIRS, from_=OURS, url=app.url, timeout=30)
        assert (placed.direction, placed.to, placed._from) == ("outbound-api", THEIRS, OURS)
        await handset.timeline.until("ringing", 5)
        assert app.requests("/incoming-call") == []
        await handset.answer()
        await handset.timeline.until("say", 5)
        await handset.press("1")
        await handset.timeline.until("say", 5, count=2)
    [asked], [pressed] = app.requests("/incoming-call"), app.requests("/accepted")
    known = {"Direction": "outbound-api", "From": OURS, "To": THEIRS, "CallStatus": "in-progress"}
    assert known.items() <= asked.params.items()
    assert known.items() | {("Digits", "1")} <= pressed.params.items()
    assert exchange.calls[placed.sid].timeline.last("ended").fields["status"] == "completed"  # type: ignore[union-attr]


async def test_a_person_without_a_key_reaches_the_next_verb(app: TinyApp) -> None:
    """A voicemail answers and presses nothing: the document continues after the timeout."""
    silent = replace(SETTINGS, dial=DialScript(ring_seconds=0.1, presses=""))
    async with TwilioExchange(silent) as exchange:
        placed = await asyncio.to_thread(_client(exchange).calls.create, to=THEIRS, from_=OURS, url=app.url)
        ended = await exchange.calls[placed.sid].timeline.until("ended", 10)
    assert ended.fields["reason"] == "hung_up_by_document"
    assert app.requests("/accepted") == []


@pytest.mark.parametrize("result", ["busy", "failed", "no-answer"])
async def test_an_unanswered_call_requests_nothing(app: TinyApp, result: str) -> None:
    """Nothing is requested, and the call has the status that Twilio gives it."""
    away = replace(SETTINGS, dial=DialScript(result, ring_seconds=0.1))
    async with TwilioExchange(away) as exchange:
        create = _client(exchange).calls.create
        placed = await asyncio.to_thread(create, to=THEIRS, from_=OURS, url=app.url, timeout=1)
        await exchange.calls[placed.sid].timeline.until("ended", 5)
        assert (await asyncio.to_thread(_client(exchange).calls(placed.sid).fetch)).status == result
    assert app.requests("/incoming-call") == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"to": ""}, 21201),
        ({"to": "0700000001"}, 21211),
        ({"from_": "+46700000002"}, 21210),
        ({"from_": "me"}, 21212),
        ({"url": "agent.example.com"}, 21205),
        ({"timeout": 601}, 20001),
        ({"method": "PUT"}, 20001),
        ({"machine_detection": "Enable"}, 20001),
    ],
)
async def test_twilios_client_understands_a_refusal(
    exchange: TwilioExchange, app: TinyApp, wrong: dict[str, object], code: int
) -> None:
    """A request that Twilio would refuse, or that this stand-in would not execute, places no call."""
    form: dict[str, object] = {"to": THEIRS, "from_": OURS, "url": app.url} | wrong
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(_client(exchange).calls.create, **form)
    assert (refused.value.code, len(exchange.calls)) == (code, 0)
