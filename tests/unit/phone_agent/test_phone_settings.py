"""The address of Twilio's REST service, and the values that are rejected at start."""

import pytest
from twilio.rest import Client

from agent_core.errors import ConfigurationError
from phone_agent.settings import PhoneSettings


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what every phone service needs."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")


@pytest.mark.parametrize(
    ("region", "edge", "completed"),
    [
        ("", "", ""),
        ("us1", "", "ashburn"),
        ("ie1", "", "dublin"),
        ("au1", "", "sydney"),
        ("ie1", "frankfurt", "frankfurt"),
        ("", "singapore", "singapore"),
        ("jp1", "tokyo", "tokyo"),
    ],
)
def test_a_region_has_an_address_of_its_own(
    monkeypatch: pytest.MonkeyPatch, region: str, edge: str, completed: str
) -> None:
    """The address is the one that Twilio's own library makes of region and edge."""
    monkeypatch.setenv("TWILIO_REGION", region)
    monkeypatch.setenv("TWILIO_EDGE", edge)
    judge = Client("AC1", "token", region=region or None, edge=completed or None, environment={"x": "x"})
    assert PhoneSettings.read().twilio_api == judge.get_hostname("https://api.twilio.com")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TWILIO_REGION", "dublin"),
        ("TWILIO_REGION", "evil.example/"),
        ("TWILIO_REGION", "jp1"),
        ("TWILIO_EDGE", "a.b"),
        ("TWILIO_API_SID", "SK0"),
        ("TWILIO_API_SECRET", "half-a-key"),
        ("TRANSFER_CALLER_ID", "15005550001"),
        ("TRANSFER_CALLER_ID", "sip:desk@pbx.example"),
    ],
)
def test_what_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """A region without a known edge needs the edge, too. The message does not repeat the value."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=r"TWILIO_|TRANSFER_") as raised:
        PhoneSettings.read()
    assert value not in raised.value.reason.replace("TWILIO_EDGE: name the edge of this TWILIO_REGION", "")


def test_an_address_wins_over_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured address of a stand-in is used unchanged."""
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_API_BASE_URL", "http://127.0.0.1:8445/")
    assert PhoneSettings.read().twilio_api == "http://127.0.0.1:8445"
