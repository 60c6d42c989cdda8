"""Which caller IDs the exchange accepts for a dialled number (Twilio's error 13214)."""

import pytest

from standins.twilio.caller_id import refusal
from standins.twilio.party import Party
from standins.twilio.twiml_parser import Dial, DialTarget

OURS, CALLER, OTHER = "+15005550001", "+15005550006", "+15005550009"


def _refused(caller: str, caller_id: str = "", target: str = "+46850000000") -> bool:
    party = Party("CA1", "AC1", caller, OURS)
    return refusal(Dial((DialTarget(target),), caller_id=caller_id), party, (OURS,)) is not None


@pytest.mark.parametrize("caller", ["sip:alice@a.example", "client:anna", "Anonymous", "", "+266696687"])
def test_a_caller_without_a_number_needs_one_to_be_shown(caller: str) -> None:
    """A caller without a number cannot dial unless `callerId` is set to the account's number."""
    assert _refused(caller)
    assert not _refused(caller, OURS)


def test_an_ordinary_caller_is_shown_as_he_is() -> None:
    """A caller's own number and the account's number are accepted as caller ID, and no others."""
    assert not _refused(CALLER)
    assert not _refused(CALLER, CALLER)
    assert not _refused(CALLER, OURS)
    for wrong in (OTHER, "15005550001", "sip:alice@a.example", "anna"):
        assert _refused(CALLER, wrong)


def test_a_sip_address_may_be_shown_anything() -> None:
    """A SIP address accepts any caller ID, because the rule is for telephone numbers."""
    assert not _refused("client:anna", target="sip:desk@pbx.example")
