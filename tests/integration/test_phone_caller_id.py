"""Transfers of SIP callers, apps and withheld numbers: the dial shows a caller ID that Twilio accepts."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.conftest import House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import Turn, note, use
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER, OURS = "+46850000000", "+15005550001"
WITHOUT = ["sip:alice@a.example", "Anonymous"]
"""The unit tests of the choice have every value that Twilio sends instead of a number."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(house: House) -> AsyncIterator[PhoneProcess]:
    """Run a service whose people have telephone numbers."""
    settings = {"TRANSFER_DESTINATIONS": f"reception=tel:{NUMBER}", "FALLBACK_DESTINATION": f"tel:{NUMBER}"}
    async with house.start_phone("caller-id", **settings) as service:
        yield service


def _transfers(turn: Turn) -> list[object]:
    words = use("transfer_to_human", destination="reception", reason="caller_asked")
    return [words] if turn.number == 1 else [note(400, 300)]


async def _idle(house: House) -> None:
    house.exchange.rest_faults.clear()
    house.nova.faults.clear()
    await until(lambda: house.nova.ledger.streams_open == 0, 10)


@pytest.mark.parametrize("caller", [WITHOUT[0], pytest.param(WITHOUT[1], marks=pytest.mark.thorough)])
async def test_a_caller_without_a_number_is_put_through(service: PhoneProcess, house: House, caller: str) -> None:
    """The dial shows the called number as caller ID, and the person answers."""
    house.score.plan = _transfers  # type: ignore[assignment]
    async with Caller(house.exchange, service.url, caller=caller) as call:
        await call.greeted()
        await call.speak()
        ended = await call.until("dial_ended", 20)
        assert ended.fields["status"] == "completed"
    assert not service.lines("dial_failed", call_sid=call.sid)
    text = "".join(str(line) for line in service.lines_of(call.sid))
    assert caller not in text
    assert OURS not in text
    await _idle(house)


@pytest.mark.thorough
async def test_the_fallback_shows_it_too(service: PhoneProcess, house: House) -> None:
    """The fallback verbs, which Twilio already holds, have the same caller ID."""
    async with Caller(house.exchange, service.url, caller="client:anna") as call:
        await call.greeted()
        assert call.call.stream is not None
        call.call.stream.break_off("rst")
        ended = await call.until("dial_ended", 20)
        assert ended.fields["status"] == "completed"
    await _idle(house)


async def test_a_dial_that_twilio_refuses_is_an_error_and_the_caller_comes_back(house: House) -> None:
    """After Twilio rejects a caller ID of another account, the log has its code and the agent continues."""
    house.score.plan = _transfers  # type: ignore[assignment]
    settings = {"TRANSFER_DESTINATIONS": f"reception=tel:{NUMBER}", "TRANSFER_CALLER_ID": "+15005550009"}
    async with house.start_phone("caller-id-wrong", **settings) as service:
        async with Caller(house.exchange, service.url) as call:
            await call.greeted()
            await call.speak()
            ended = await call.until("dial_ended", 20)
            assert ended.fields["status"] == "failed"
            await call.until("stream_started", 20, count=2)
        (line,) = service.lines("dial_failed", call_sid=call.sid)
        assert (line["level"], line["code"]) == ("error", "13214")
        await _idle(house)
