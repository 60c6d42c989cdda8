"""Draining or full phone services reject new calls: another task takes them, or the caller hears a reason."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest

from standins.twilio.timeline import Event
from tests.integration.conftest import House
from tests.support.audit import Audit
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import LEAVE, short_notes, take_leave
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def audited_phone(house: House, name: str, **settings: str) -> AsyncIterator[PhoneProcess]:
    """Start a phone service, and check at the end of the block, after its callers left, that it released everything."""
    async with house.start_phone(name, **settings) as phone:
        audit = Audit(phone, house.nova.ledger)
        yield phone
        await until(lambda: _is_idle(phone, house), 10.0)
        await audit.balance()


async def _is_idle(phone: PhoneProcess, house: House) -> bool:
    gone = phone.process.returncode is not None
    return house.nova.ledger.streams_open == 0 and (gone or await phone.sessions() == 0)


async def test_fault_32_a_task_that_leaves_finishes_its_calls(house: House) -> None:
    """After SIGTERM a task finishes its calls and hands over new ones; then the process exits cleanly."""
    house.score.plan = short_notes
    async with audited_phone(house, "leaving") as phone:
        async with Caller(house.exchange, phone.url) as caller:
            await caller.greeted()
            phone.process.send_signal(signal.SIGTERM)
            await caller.ask()
            assert await phone.status("/ready") == HTTPStatus.SERVICE_UNAVAILABLE
            assert await phone.status("/health") == HTTPStatus.OK
            async with Caller(house.exchange, phone.url) as late:
                said = await late.until("say")
                assert "changing shifts" in str(said.fields["text"])
                assert [asked(webhook) for webhook in late.timeline.named("webhook")] == ["", "tries=1", "tries=2"]
                assert late.timeline.last("stream_connecting") is None
            await caller.ask()
            assert caller.notes() == [400, 600, 800]
            assert phone.process.returncode is None
        record = await phone.record(caller.sid)
        assert record["reason"] == "caller_hung_up"
        assert await phone.process.wait() == 0


def asked(webhook: Event) -> str:
    """Return the query of a webhook URL."""
    return urlsplit(str(webhook.fields["url"])).query


@pytest.mark.thorough  # two minutes of draining
async def test_fault_32_calls_that_outlast_the_time_to_drain_hear_a_goodbye(house: House) -> None:
    """Callers whose calls outlast the drain timeout hear a goodbye, then the fallback verbs run.

    The drain timeout here is two of the usual twelve seconds.
    """
    house.score.plan = take_leave
    async with audited_phone(house, "out-of-time", DRAIN_SECONDS="12") as phone, AsyncExitStack() as calls:
        callers = [await calls.enter_async_context(Caller(house.exchange, phone.url)) for _ in range(5)]
        await asyncio.gather(*[caller.greeted() for caller in callers])
        await asyncio.gather(*[caller.ask() for caller in callers])
        phone.process.send_signal(signal.SIGTERM)
        signalled_at = time.monotonic()
        await until(lambda: _turns_away(phone), 1)
        assert await phone.status("/health") == HTTPStatus.OK
        for caller in callers:
            assert "lost our assistant" in str((await caller.until("say", 15)).fields["text"])
            assert caller.notes()[:3] == [400, 600, LEAVE]
            assert (await caller.until("ended")).fields["reason"] == "hung_up_by_document"
        async with asyncio.timeout(signalled_at + 12 + 3 - time.monotonic()):
            assert await phone.process.wait() == 0
        assert time.monotonic() - signalled_at > 2, "no call was let to finish"
        records = [await phone.record(caller.sid) for caller in callers]
        assert [record["reason"] for record in records] == ["drained"] * 5


async def _turns_away(phone: PhoneProcess) -> bool:
    return await phone.status("/ready") == HTTPStatus.SERVICE_UNAVAILABLE


async def test_fault_32_a_second_signal_does_not_wait(house: House) -> None:
    """A second signal cuts the call long before the drain timeout, and the service still writes the record."""
    house.score.plan = short_notes
    async with audited_phone(house, "hurried") as phone, Caller(house.exchange, phone.url) as caller:
        await caller.greeted()
        phone.process.send_signal(signal.SIGTERM)
        await until(lambda: bool(phone.lines("draining")))
        phone.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await phone.process.wait() == 0
        assert len(phone.lines("session_ended", call_sid=caller.sid)) == 1


async def test_a_call_that_another_task_takes_never_hears_of_the_first(house: House) -> None:
    """A full task hands over a ringing call to a task with a free slot, and the caller does not notice."""
    house.score.plan = short_notes
    async with audited_phone(house, "handing-on", MAX_SESSIONS="1") as phone:
        async with Caller(house.exchange, phone.url) as first:
            await first.greeted()
            async with Caller(house.exchange, phone.url) as second:
                await second.until("webhook", count=2)
                await first.hang_up()
                await second.greeted()
                assert second.timeline.last("say") is None
        assert [line["tries"] for line in phone.lines("call_rejected")][:1] == [0]


@pytest.mark.thorough
async def test_nobody_free_is_a_case_for_a_person(house: House) -> None:
    """With a fallback configured, the last retry dials it instead of playing a sentence."""
    house.score.plan = short_notes
    async with audited_phone(house, "fallback", MAX_SESSIONS="1", FALLBACK_DESTINATION="sip:desk@example.com") as phone:
        caller = Caller(house.exchange, phone.url)
        async with Caller(house.exchange, phone.url) as first:
            await first.greeted()
            async with caller:
                assert "sip:desk@example.com" in str((await caller.until("dial")).fields)


async def test_a_full_task_says_so(house: House) -> None:
    """One call too many hears a sentence and opens no model stream; after a call ends there is a slot again."""
    house.score.plan = short_notes
    async with audited_phone(house, "full", MAX_SESSIONS="1") as phone:
        async with Caller(house.exchange, phone.url) as first:
            await first.greeted()
            opened = house.nova.ledger.connections
            async with Caller(house.exchange, phone.url) as second:
                said = await second.until("say")
                assert "busy" in str(said.fields["text"])
            assert house.nova.ledger.connections == opened
            assert await phone.status("/ready") == HTTPStatus.TOO_MANY_REQUESTS
            assert await phone.status("/health") == HTTPStatus.OK
        await phone.record(first.sid)
        async with Caller(house.exchange, phone.url) as third:
            await third.greeted()
