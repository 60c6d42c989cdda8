"""Accounts that sign with a shared key: the agent answers, and the log names a key that is not configured."""

from dataclasses import replace

import pytest

from standins.twilio.server import TwilioExchange
from tests.integration.conftest import House
from tests.support.caller import Caller
from tests.support.score import short_notes
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "webhooks_sharedkey_1:canary-shared-secret"
HEADER = "X-Twilio-Webhooks-Signature-Settings"


@pytest.mark.parametrize(
    "configured", [KEY, "webhooks_sharedkey_2:other-secret,webhooks_sharedkey_1:canary-shared-secret"]
)
async def test_a_call_signed_with_a_shared_key_is_answered(house: House, configured: str) -> None:
    """The agent verifies the webhook and the handshake with the shared key, and the fallback does not run."""
    house.score.plan = short_notes
    async with (
        TwilioExchange(replace(house.exchange.settings, shared_key=KEY)) as exchange,
        replace(house, exchange=exchange).start_phone("shared-key", TWILIO_SHARED_KEYS=configured) as phone,
        Caller(exchange, phone.url) as caller,
    ):
        await caller.greeted()
        assert not phone.lines("request_refused")
    await until(lambda: house.nova.ledger.streams_open == 0)


async def test_a_key_that_is_not_configured_is_named(house: House) -> None:
    """A call signed with an unknown key gets 403, and the log names the header and the setting."""
    async with (
        TwilioExchange(replace(house.exchange.settings, shared_key=KEY)) as exchange,
        replace(house, exchange=exchange).start_phone("no-shared-key") as phone,
        Caller(exchange, phone.url) as caller,
    ):
        await caller.until("ended", 30)
        (line,) = phone.lines("request_refused")
        assert (line["status"], line["level"]) == (403, "warning")
        assert HEADER in line["error"]
        assert "TWILIO_SHARED_KEYS" in line["error"]
