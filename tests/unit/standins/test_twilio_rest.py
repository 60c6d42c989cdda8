"""The REST interface without its socket."""

import base64
from dataclasses import dataclass

import pytest

from standins.twilio import rest
from standins.twilio.party import Party
from standins.twilio.settings import ExchangeSettings

SETTINGS = ExchangeSettings(account_sid="AC1", auth_token="t", api_key_sid="SK1", api_key_secret="s")


@dataclass
class FakeCall:
    """A call as the REST interface sees it."""

    party: Party = Party("CA1", "AC1", "+1", "+2")
    status: str = "in-progress"
    started_at: float = 1_700_000_000.0
    ended_at: float | None = None


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("who", ["AC1:t", "SK1:s"])
def test_token_and_key_open_the_account(who: str) -> None:
    """Both of Twilio's ways in are taken."""
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
    """The body is Twilio's."""
    with pytest.raises(rest.RestError) as refused:
        rest.authenticate(header, account, SETTINGS)
    assert refused.value.status == 401
    assert refused.value.body["code"] == 20003
    assert set(refused.value.body) == {"code", "message", "more_info", "status"}


def test_updates_are_read() -> None:
    """Ending, another document, another address."""
    call = FakeCall()
    assert rest.read_update({"Status": "completed"}, call) == rest.EndCall()
    assert rest.read_update({"Twiml": "<Response/>"}, call) == rest.RunTwiml("<Response/>")
    assert rest.read_update({"Url": "https://a/", "Method": "get"}, call) == rest.RunUrl("https://a/", "GET")
    with pytest.raises(rest.RestError) as refused:
        rest.read_update({"Status": "sleeping"}, call)
    assert refused.value.status == 400


def test_a_call_that_has_ended_cannot_be_changed() -> None:
    """21220, as Twilio has it."""
    with pytest.raises(rest.RestError) as refused:
        rest.read_update({"Status": "completed"}, FakeCall(ended_at=1_700_000_009.0))
    assert refused.value.body["code"] == 21220


def test_a_call_is_described() -> None:
    """Identifiers, numbers, status and duration are in Twilio's places."""
    described = rest.call_resource(FakeCall(status="completed", ended_at=1_700_000_009.4))
    assert described["sid"] == "CA1"
    assert described["status"] == "completed"
    assert described["duration"] == "9"
    assert described["uri"] == "/2010-04-01/Accounts/AC1/Calls/CA1.json"
    assert rest.call_resource(FakeCall())["duration"] is None


def test_a_document_may_have_4000_characters() -> None:
    """Twilio's own description of the interface says so."""
    rest.read_update({"Twiml": "x" * 4000}, FakeCall())
    with pytest.raises(rest.RestError) as refused:
        rest.read_update({"Twiml": "x" * 4001}, FakeCall())
    assert refused.value.status == 400
