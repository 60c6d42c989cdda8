"""Set a number's webhooks to a deployment on Twilio's stand-in; Twilio's own client checks the stand-in."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from deployment import number
from deployment.errors import DeploymentError
from deployment.number import Account
from standins.twilio import ExchangeSettings, TwilioExchange

SETTINGS = ExchangeSettings(numbers=("+46701234567", "+15005550001"))
SECRET = {"account_sid": SETTINGS.account_sid, "auth_token": SETTINGS.auth_token, "api_sid": "", "api_secret": ""}
WEBHOOK = "https://agent.example.com/incoming-call"
BIN = "https://handler.example.com/bins/1"


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioExchange]:
    """Return Twilio's stand-in, with two numbers."""
    async with TwilioExchange(SETTINGS) as running:
        yield running


async def point(
    twilio: TwilioExchange, whose: str = "+46701234567", *, secret: dict[str, str] = SECRET, fallback: str = BIN
) -> bool:
    """Set a number's webhooks as the command does, and return whether that changed anything."""
    account = Account.of(secret)
    pointed = await asyncio.to_thread(number.point, account, whose, WEBHOOK, fallback, twilio.url)
    assert pointed.fallback == (await resource(twilio, whose))["voice_fallback_url"]
    return pointed.changed


async def resource(twilio: TwilioExchange, whose: str) -> dict[str, str]:
    """Return Twilio's resource for a number."""
    path = f"/2010-04-01/Accounts/{SETTINGS.account_sid}/IncomingPhoneNumbers.json"
    async with httpx.AsyncClient(base_url=twilio.url, auth=(SETTINGS.account_sid, SETTINGS.auth_token)) as client:
        (found,) = (await client.get(path, params={"PhoneNumber": whose})).json()["incoming_phone_numbers"]
    return dict(found)


async def test_a_number_asks_the_deployment_afterwards_and_a_second_run_changes_nothing(
    twilio: TwilioExchange,
) -> None:
    """The number requests the deployment, a second run changes nothing, and another number stays unchanged."""
    assert await point(twilio)
    number = await resource(twilio, "+46701234567")
    assert (number["voice_url"], number["voice_method"], number["voice_fallback_url"]) == (WEBHOOK, "POST", BIN)
    assert (await resource(twilio, "+15005550001"))["voice_url"] == ""
    assert not await point(twilio)


async def test_a_fallback_that_somebody_has_set_is_kept(twilio: TwilioExchange) -> None:
    """An unset fallback becomes the webhook URL; each further run keeps a fallback that an operator has set."""
    assert await point(twilio, fallback="")
    assert (await resource(twilio, "+46701234567"))["voice_fallback_url"] == WEBHOOK
    assert not await point(twilio, fallback="")
    assert await point(twilio, fallback=BIN)
    assert not await point(twilio, fallback="")
    assert (await resource(twilio, "+46701234567"))["voice_fallback_url"] == BIN


async def test_an_api_key_is_used_where_there_is_one(twilio: TwilioExchange) -> None:
    """The deployment prefers an API key, which can be revoked without changing the token that signs webhooks."""
    key = {"api_sid": SETTINGS.api_key_sid, "api_secret": SETTINGS.api_key_secret, "auth_token": "another"}
    assert await point(twilio, secret={**SECRET, **key})


async def test_the_address_alone_says_which_region(twilio: TwilioExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the host name selects the region; Twilio's client would add the region of the environment again."""
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    assert await point(twilio)


async def test_a_number_of_somebody_else_is_refused(twilio: TwilioExchange) -> None:
    """The command rejects a number of another account and says what to do."""
    with pytest.raises(DeploymentError, match=r"no number \+4670000000"):
        await point(twilio, "+4670000000")


async def test_a_wrong_token_is_told_in_twilios_words(twilio: TwilioExchange) -> None:
    """The command reports a wrong token in Twilio's words, without the token."""
    with pytest.raises(DeploymentError, match="401: Authentication Error - invalid password") as refused:
        await point(twilio, secret={**SECRET, "auth_token": "wr0ng"})
    assert "wr0ng" not in " ".join([refused.value.what, *refused.value.advice])


async def test_twilio_out_of_reach_is_no_traceback() -> None:
    """When Twilio is unreachable, the command reports one error without a traceback: the rest is deployed."""
    async with TwilioExchange(SETTINGS) as gone:
        pass
    with pytest.raises(DeploymentError, match="not reached"):
        await point(gone)


@pytest.mark.parametrize(
    ("form", "code"),
    [({"VoiceUrl": "agent.example.com"}, 21502), ({"VoiceMethod": "PUT"}, 20001)],
)
async def test_the_stand_in_refuses_what_twilio_would(twilio: TwilioExchange, form: dict[str, str], code: int) -> None:
    """The stand-in rejects what Twilio rejects; otherwise a test against it would prove nothing."""
    sid = (await resource(twilio, "+46701234567"))["sid"]
    path = f"/2010-04-01/Accounts/{SETTINGS.account_sid}/IncomingPhoneNumbers/{sid}.json"
    async with httpx.AsyncClient(base_url=twilio.url, auth=(SETTINGS.account_sid, SETTINGS.auth_token)) as client:
        refused = await client.post(path, data=form)
        unknown = await client.post(path.replace(sid, "PN0"), data={})
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert (unknown.status_code, unknown.json()["code"]) == (404, 20404)
