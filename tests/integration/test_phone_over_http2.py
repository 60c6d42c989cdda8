"""Calls of the whole phone service over our own HTTP/2 to the model, and its fallback to the SDK."""

import pytest

from standins.nova.faults import ModelFault
from tests.integration.conftest import House
from tests.support.books import balance
from tests.support.caller import Caller

pytestmark = pytest.mark.asyncio(loop_scope="session")

GIVEN_UP = "model_transport_given_up"


async def test_a_call_survives_a_broken_stream_over_http2(house: House) -> None:
    """Greeting, question, a stream that breaks, and another question: nothing of the SDK is needed."""
    async with house.start_phone("http2", NOVA_TRANSPORT="h2") as phone:
        async with Caller(house.exchange, phone.url) as caller:
            await caller.greeted()
            await caller.ask()
            house.nova.faults.add(ModelFault(on="turn", action="rst", code=2))
            await caller.ask()
        record = await balance(phone, house, caller.sid)
        assert (record["reason"], record["model_streams"]) == ("caller_hung_up", 2)
        assert phone.lines(GIVEN_UP) == []


async def test_the_first_caller_does_not_notice_the_fallback(house: House) -> None:
    """A service that refuses our signature gets the SDK's; the caller hears the greeting, the operator one warning."""
    house.nova.faults.add(ModelFault(on="open", error="InvalidSignatureException"))
    async with house.start_phone("fallback", NOVA_TRANSPORT="h2") as phone:
        for _ in range(2):
            async with Caller(house.exchange, phone.url) as caller:
                await caller.greeted()
            assert (await phone.record(caller.sid))["reason"] == "caller_hung_up"
        (line,) = phone.lines(GIVEN_UP)
        assert (line["level"], line["now"], line["cause"]) == ("warning", "sdk", "wrong_secret")
