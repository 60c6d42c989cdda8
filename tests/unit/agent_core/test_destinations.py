"""The people and addresses that an operator can configure for a transfer, and the reasons for a rejected address."""

import pytest

from agent_core.destinations import Destination, check_address, parse
from agent_core.errors import ConfigurationError
from phone_agent.settings import PhoneSettings

SID, TOKEN = "AC" + "a" * 32, "token"


def test_a_list_is_read_in_order() -> None:
    """The first entry belongs to key 0; parameters of a SIP address belong to the address."""
    found = parse(" reception=sip:desk@pbx.example:5061;transport=tls , sales=tel:+46850000000,")
    assert found == (
        Destination("reception", ("sip:desk@pbx.example:5061;transport=tls",)),
        Destination("sales", ("tel:+46850000000",)),
    )
    assert [one.number for one in found] == [None, "+46850000000"]


def test_a_destination_may_have_several_addresses() -> None:
    """The addresses are tried in order; a page shows the first telephone number among them."""
    [sales] = parse("sales=client:anna_b | sip:desk@pbx.example|tel:+46850000000")
    assert sales.addresses == ("client:anna_b", "sip:desk@pbx.example", "tel:+46850000000")
    assert sales.number == "+46850000000"


def test_nobody_is_a_choice() -> None:
    """An empty list of destinations is valid."""
    assert parse("") == parse(" , ") == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sip:desk@pbx.example", "each entry is name=address"),
        ("Front Desk=sip:desk@pbx.example", "each entry is name=address"),
        ("a=sip:x@y,a=sip:x@y", "a is listed twice"),
        ("a=", "an address is"),
        ("a=https://pbx.example", "an address is"),
        ("a=sip:desk@pbx.example?X-Evil=1", "an address is"),
        ("a=sip:desk@pbx example", "an address is"),
        ("a=sip:desk@pbx.example\r\nVia: x", "an address is"),
        ("a=tel:0850000000", "country code first"),
        ("a=tel:+46 8 500", "country code first"),
        ("a=sip:" + "x" * 250 + "@pbx.example", "at most 254"),
        ("a=client:anna b", "client:identity"),
        ("a=client:", "client:identity"),
        ("a=sip:a@b|tel:+46850000001|tel:+46850000002|tel:+46850000003", "at most 3 addresses"),
        ("a=tel:+46850000001|tel:+46850000001", "an address is listed twice"),
        ("a=tel:+46850000001|", "an address is"),
        (",".join(f"n{i}=sip:x@y" for i in range(21)), "at most 20"),
    ],
)
def test_what_cannot_be_called_is_refused_with_its_reason(text: str, complaint: str) -> None:
    """An address that cannot be called is rejected with its entry's name, and the text never shows the address."""
    with pytest.raises(ValueError, match=complaint) as refusal:
        parse(text)
    assert "pbx" not in str(refusal.value)


@pytest.mark.parametrize(
    "number", ["+19005550100", "+449098790000", "+4690012345", "+979123456", "+88213456789", "+49900123456"]
)
@pytest.mark.parametrize("form", ["tel:{}", "sip:{}@gateway.example"])
def test_premium_rate_numbers_are_refused_in_either_form(number: str, form: str) -> None:
    """A premium-rate number is rejected as a number and as a SIP user."""
    with pytest.raises(ValueError, match="premium-rate"):
        check_address(form.format(number))


@pytest.mark.parametrize("number", ["+15005550006", "+442071838750", "+46850000000", "+4915112345678"])
def test_ordinary_numbers_are_taken(number: str) -> None:
    """The list of prefixes accepts numbers of cities and mobiles."""
    assert check_address(f"tel:{number}") == f"tel:{number}"


@pytest.mark.parametrize("variable", ["TRANSFER_DESTINATIONS", "FALLBACK_DESTINATION"])
def test_a_service_does_not_start_with_a_premium_number(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A premium-rate number stops the start; one line names the variable and the reason, and shows no number."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv(variable, "tel:+19005550100" if variable.startswith("F") else "sales=tel:+19005550100")
    with pytest.raises(ConfigurationError) as refusal:
        PhoneSettings.read()
    assert refusal.value.reason.startswith(f"{variable}: ")
    assert "premium-rate" in refusal.value.reason
    assert "1900" not in refusal.value.reason
    assert "\n" not in refusal.value.reason
