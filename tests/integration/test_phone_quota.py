"""Calls when the account's model streams are exhausted: callers hear so before a Twilio stream costs money."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from agent_core.errors import ModelUnavailable
from agent_core.events import EndReason
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import scripted_model as say
from tests.support.phone_in_process import phone_in_process
from tests.support.scripted_model import ScriptedModel
from tests.support.stranger import Stranger
from tests.support.waiting import until

THROTTLED = ModelUnavailable("ThrottlingException", "Too many requests, please wait before trying again.")


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Run a telephone exchange in the test's own loop."""
    async with TwilioExchange(ExchangeSettings()) as running:
        yield running


async def document(url: str, exchange: TwilioExchange) -> str:
    """Make one call, and return the document of the response."""
    stranger = Stranger(url, exchange.settings)
    answer = await stranger.send(stranger.webhook())
    await stranger.aclose()
    assert answer.status_code == 200
    return answer.text


async def test_fault_2_a_call_without_a_stream_is_never_connected(exchange: TwilioExchange) -> None:
    """The service sends the call to no other task, which shares the quota; with a fallback a person answers."""
    async with phone_in_process(exchange, ScriptedModel(), model_streams=2) as phone:
        assert "<Stream" in await document(phone.url, exchange)
        refused = await document(phone.url, exchange)
        assert "All our lines are busy" in refused
        assert "<Redirect" not in refused
        assert "<Stream" not in refused
        assert phone.model.streams == []  # with two streams left, the service pre-warms none
    desk = "sip:desk@example.com"
    async with phone_in_process(exchange, ScriptedModel(), model_streams=2, fallback_destination=desk) as phone:
        await document(phone.url, exchange)
        assert desk in await document(phone.url, exchange)


async def test_fault_2_after_a_refusal_callers_are_not_connected_until_one_has_tried(exchange: TwilioExchange) -> None:
    """After a throttled call, callers get a reason and no stream until one try has succeeded."""
    throttled = True

    def answer(stream: say.ScriptedStream) -> None:
        if throttled:
            stream.fail(THROTTLED)
        else:
            stream.say(say.event("completionStart"))

    async with phone_in_process(exchange, ScriptedModel(answer)) as phone:
        stranger = Stranger(phone.url, exchange.settings)
        invitation = await stranger.ring()
        async with await stranger.open_stream() as socket:
            await stranger.begin(socket, invitation.ticket)
            await until(lambda: phone.agent.capacity.refusal() is not None)
            assert "All our lines are busy" in await document(phone.url, exchange)
            await until(lambda: phone.records != [], seconds=60)
        await stranger.aclose()
        assert phone.records[0].reason is EndReason.MODEL_UNAVAILABLE
        opened = len(phone.model.streams)
        left = phone.agent.capacity.regions[0].throttle.seconds_left
        await asyncio.sleep(left)
        throttled = False
        assert "<Stream" in await document(phone.url, exchange)
        assert "All our lines are busy" in await document(phone.url, exchange)  # one at a time
        await until(lambda: len(phone.model.streams) == opened + 1)
