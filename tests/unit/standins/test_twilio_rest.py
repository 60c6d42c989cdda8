"""The REST API without its socket."""

import base64
from dataclasses import dataclass

import pytest

from standins.twilio import rest
from standins.twilio.party import Party
from standins.twilio.settings import ExchangeSettings

SETTINGS = ExchangeSettings(account_sid="AC1", auth_token="t", api_key_sid="SK1", api_key_secret="s")


@dataclass
class FakeCall:
    """A call as the REST API sees it."""

    party: Party = Party("CA1", "AC1", "+1", "+2")
    status: str = "in-progress"
    started_at: float = 1_700_000_000.0
    ended_at: float | None = None


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("who", ["AC1:t", "SK1:s"])
def test_token_and_key_open_the_account(who: str) -> None:
    """Both the auth token and an API key authenticate the account."""
    rest.authenticate(_basic(who), "AC1", SETTINGS)


@pytest.mark.parametrize(
    ("header", "account"),
    [
        (None, "AC1"),
        ("", "AC1"),
        ("Bearer t", "AC1"),
        ("Basic ???", "AC1"),
        (_basic("AC1:wrong"), "AC1"),
        (_basic("AC1:"), "AC1"),
        (_basic("SK1:t"), "AC1"),
        (_basic("nobody:"), "AC1"),
        (_basic("AC1:t"), "AC2"),
    ],
)
def test_others_are_refused_with_20003(header: str | None, account: str) -> None:
    """Other credentials are rejected with Twilio's error 20003."""
    with pytest.raises(rest.RestError) as refused:
        rest.authenticate(header, account, SETTINGS)
    assert refused.value.status == 401
    assert refused.value.body["code"] == 20003
    assert set(refused.value.body) == {"code", "message", "more_info", "status"}


def test_updates_are_read() -> None:
    """Updates end a call or replace its document or URL."""
    call = FakeCall()
    assert rest.read_update({"Status": "completed"}, call) == rest.EndCall()
    assert rest.read_update({"Twiml": "<Response/>"}, call) == rest.RunTwiml("<Response/>")
    assert rest.read_update({"Url": "https://a/", "Method": "get"}, call) == rest.RunUrl("https://a/", "GET")
    with pytest.raises(rest.RestError) as refused:
        rest.read_update({"Status": "sleeping"}, call)
    assert refused.value.status == 400


def test_a_call_that_has_ended_cannot_be_changed() -> None:
    """An ended call cannot be changed, with Twilio's error 21220."""
    with pytest.raises(rest.RestError) as refused:
        rest.read_update({"Status": "completed"}, FakeCall(ended_at=1_700_000_009.0))
    assert refused.value.body["code"] == 21220


def test_a_call_is_described() -> None:
    """A call's resource has Twilio's fields for IDs, numbers, status and duration."""
    described = rest.call_resource(FakeCall(status="completed", ended_at=1_700_000_009.4))
    assert described["sid"] == "CA1"
    assert described["status"] == "completed"
    assert described["duration"] == "9"
    assert described["uri"] == "/2010-04-01/Accounts/AC1/Calls/CA1.json"
    assert rest.call_resource(FakeCall())["duration"] is None


def test_a_document_may_have_4000_characters() -> None:
    """A document may have 4000 characters, as Twilio's API specification says."""
    rest.read_update({"Twiml": "x" * 4000}, FakeCall())
    with pytest.raises(rest.RestError) as refused:
        rest.read_update({"Twiml": "x" * 4001}, FakeCall())
    assert refused.value.status == 400
