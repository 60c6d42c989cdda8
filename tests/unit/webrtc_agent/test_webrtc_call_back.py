"""The contacts of a visitor who wants a person: what the operator configured, and nothing else."""

from typing import Any

import pytest

from agent_core.errors import ConfigurationError, UpstreamError
from webrtc_agent.call_back import CallBackCard, Contact, contacts
from webrtc_agent.settings import WebSettings

PEOPLE = "reception=sip:desk@pbx.example,sales=tel:+46850000000"


def shown(monkeypatch: pytest.MonkeyPatch, **settings: str) -> list[Contact]:
    """Return the people that a visitor can reach with these settings."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return list(contacts(read := WebSettings.read(), read.transfer_destinations))


def test_a_number_of_ones_own_is_shown_and_an_address_for_telephones_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser cannot call a SIP address, so a person with only that is not listed."""
    assert shown(monkeypatch, TRANSFER_DESTINATIONS=PEOPLE) == [Contact("sales", "+46850000000", None)]


def test_the_common_number_stands_for_those_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The common number stands for people without one, and the call-back page for everyone."""
    given = {"CALLBACK_NUMBER": "+15005550006", "CALLBACK_REQUEST_URL": "https://example.com/call-me"}
    assert shown(monkeypatch, TRANSFER_DESTINATIONS=PEOPLE, **given) == [
        Contact("reception", "+15005550006", "https://example.com/call-me"),
        Contact("sales", "+46850000000", "https://example.com/call-me"),
    ]


def test_without_people_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without configured people there is no contact: a number alone has no name that the model could request."""
    assert shown(monkeypatch, CALLBACK_NUMBER="+15005550006") == []


@pytest.mark.parametrize("number", ["+19005550100", "0850000000", "javascript:alert(1)"])
def test_a_number_that_may_not_be_shown_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """A premium-rate number, or a text that is not a number, stops the start."""
    with pytest.raises(ConfigurationError, match="CALLBACK_NUMBER"):
        shown(monkeypatch, CALLBACK_NUMBER=number)


async def test_the_card_holds_what_is_configured() -> None:
    """The model chooses a name; everything else on the card is the operator's."""
    messages: list[dict[str, Any]] = []
    await CallBackCard([Contact("sales", "+46850000000", None)], messages.append).bring("sales", "anything")
    assert messages[0]["type"] == "server-message"
    assert messages[0]["data"] == {"type": "call-back", "name": "sales", "number": "+46850000000", "url": None}


async def test_a_page_that_cannot_be_told_is_a_failure_of_the_tool() -> None:
    """If the card cannot be sent, the model does not promise one."""

    def broken(_message: dict[str, Any]) -> None:
        raise ConnectionError

    with pytest.raises(UpstreamError):
        await CallBackCard([Contact("sales", "+46850000000", None)], broken).bring("sales", "")
