"""The last steps of a conversation: the store write, the hang-up, and only then the free slot."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore
from agent_core.events import EndReason
from phone_agent import resume_action
from standins.twilio.call_server import RestFault
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support.call_shelves import Memo
from tests.support.caller import Caller
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import until

LONG = 1000.0
LATENCY = 0.3
"""Seconds that a successful request to Twilio's REST API takes."""


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Run a telephone exchange in the test's own loop."""
    async with TwilioExchange(ExchangeSettings()) as running:
        yield running


@pytest_asyncio.fixture
async def phone(exchange: TwilioExchange) -> AsyncIterator[PhoneInProcess]:
    """Run the service with a call store."""
    store = CallStore(Memo(), Seal([bytes(32)]))
    async with phone_in_process(exchange, ScriptedModel(), store) as running:
        yield running


@pytest.mark.parametrize("status", [200, 500])
async def test_a_draining_task_stops_only_after_the_hang_up(
    phone: PhoneInProcess, exchange: TwilioExchange, status: int
) -> None:
    """A draining task waits for Twilio's last response, however it ends; another task treats the call as over."""
    async with Caller(exchange, phone.url) as caller:
        await _talk(caller, phone)
        exchange.rest_faults.append(RestFault(status, times=2, hang_seconds=LATENCY))
        draining = asyncio.create_task(phone.agent.drain())
        _end(phone, EndReason.AGENT_ENDED)
        await until(lambda: exchange.rest_requests == 1)
        assert not draining.done()
        assert phone.agent.admission.taken == 1
        known = await phone.phone.store.recall(caller.sid)
        assert resume_action.way(known, 0, LONG) is resume_action.ResumeAction.HANG_UP, (
            "the end is not known while Twilio is asked"
        )
        await draining
        assert exchange.rest_requests == (1 if status == 200 else 2)
        assert caller.timeline.last("stream_closed") is None or caller.timeline.last("rest") is not None
        await caller.until("stream_closed")
        assert (caller.timeline.last("rest") is not None) == (status == 200)
    assert [record.reason for record in phone.records] == [EndReason.AGENT_ENDED]


async def test_a_draining_task_stops_only_after_the_last_word_is_written(
    phone: PhoneInProcess, exchange: TwilioExchange
) -> None:
    """A draining task first writes to the store what the task that resumes the call needs."""
    async with Caller(exchange, phone.url) as caller:
        await _talk(caller, phone)
        draining = asyncio.create_task(phone.agent.drain())
        _end(phone, EndReason.DRAINED)
        await draining
        known = await phone.phone.store.recall(caller.sid)
        assert known is not None
        assert known.ended == EndReason.DRAINED
        assert resume_action.way(known, 0, LONG) is resume_action.ResumeAction.GO_ON


async def _talk(caller: Caller, phone: PhoneInProcess) -> None:
    await caller.until("stream_started")
    await phone.model.stream()
    await until(lambda: bool(phone.agent.sessions))


def _end(phone: PhoneInProcess, reason: EndReason) -> None:
    (session,) = phone.agent.sessions
    session.end(reason)
