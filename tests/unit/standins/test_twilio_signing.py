"""The stand-in's signatures, checked with Twilio's own library."""

import pytest
from twilio.request_validator import SIGNATURE_SETTINGS_HEADER, RequestValidator, get_signature_algorithm

from standins.twilio.signing import SETTINGS_HEADER, Signer, sign, webhook_url_to_sign

TOKEN = "12345"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "",
    "Å": "ö",
}


@pytest.mark.parametrize(
    "url",
    ["https://example.com/incoming-call", "http://127.0.0.1:7860/incoming-call", "https://example.com/a?foo=1&bar=2"],
)
def test_twilios_library_accepts_a_signed_form(url: str) -> None:
    """Twilio's library accepts a form that is signed over its URL and sorted fields."""
    assert RequestValidator(TOKEN).validate(url, FORM, sign(TOKEN, url, FORM.items()))


def test_twilios_library_accepts_a_signed_handshake() -> None:
    """Twilio's library accepts a handshake that is signed over the wss URL alone."""
    url = "wss://example.com/media-stream"
    assert RequestValidator(TOKEN).validate(url, {}, sign(TOKEN, url))


@pytest.mark.parametrize("change", [{"Digits": "1235"}, {"Extra": "1"}, {"CallSid": ""}])
def test_a_changed_field_breaks_the_signature(change: dict[str, str]) -> None:
    """A changed, added or emptied field breaks the signature."""
    url = "https://example.com/incoming-call"
    assert not RequestValidator(TOKEN).validate(url, FORM | change, sign(TOKEN, url, FORM.items()))


def test_a_repeated_name_counts_with_each_distinct_value() -> None:
    """A repeated field is signed once for each distinct value, sorted."""
    repeated = [("a", "2"), ("a", "1"), ("a", "2")]
    assert sign(TOKEN, "https://h/", repeated) == sign(TOKEN, "https://h/", [("a", "1"), ("a", "2")])
    assert sign(TOKEN, "https://h/", repeated) != sign(TOKEN, "https://h/", [("a", "2")])


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://example.com:8443/x?y=1#rc=2", "https://example.com/x?y=1"),
        ("http://127.0.0.1:7860/x#rc=2", "http://127.0.0.1:7860/x"),
        ("https://user:pass@example.com/x", "https://example.com/x"),
        ("https://[::1]:8443/x", "https://[::1]/x"),
    ],
)
def test_what_of_an_address_is_signed(url: str, signed: str) -> None:
    """The signed URL has no port over HTTPS, but has one over HTTP, and no user or fragment."""
    assert webhook_url_to_sign(url) == signed


@pytest.mark.parametrize("url", ["https://example.com/incoming-call", "wss://example.com/media-stream"])
def test_twilios_library_accepts_what_a_shared_key_signed(url: str) -> None:
    """Twilio's library accepts a signature of a shared key, whose header names key and algorithm."""
    form = FORM if url.startswith("https") else {}
    headers = Signer(TOKEN, "webhooks_sharedkey_1", "secret").headers(url, form.items())
    assert SETTINGS_HEADER == SIGNATURE_SETTINGS_HEADER
    algorithm = get_signature_algorithm(headers[SETTINGS_HEADER])
    assert RequestValidator("secret").validate(url, form, headers["X-Twilio-Signature"], algorithm)
    assert not RequestValidator(TOKEN).validate(url, form, headers["X-Twilio-Signature"], algorithm)
    plain = Signer(TOKEN).headers(url, form.items(), lower=True)
    assert plain == {"x-twilio-signature": sign(TOKEN, url, form.items())}
