"""Documents for Twilio are well-formed, and contain nothing that a stranger made. Golden documents cover the rest."""

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.errors import ConfigurationError
from phone_agent import twiml
from phone_agent.twiml import Fallback

HOSTILE = "</Say><Dial>900</Dial>\" onload='x' & <![CDATA[ ]]> \x00\x0b\ufffe"
URL = "wss://agent.example.com/media-stream/CA1"


def parse(document: str) -> Element:
    """Read a document as Twilio would."""
    return fromstring(document)  # noqa: S314 - the product's own document


def tags(element: Element) -> list[str]:
    """List an element's children."""
    return [child.tag for child in element]


@pytest.mark.parametrize("destination", ["", "+46850000000", "client:", "http://evil", "sip:", "tel:"])
def test_destination_of_another_kind_is_refused(destination: str) -> None:
    """A destination of another kind is rejected at start, not during a call."""
    with pytest.raises(ConfigurationError, match="FALLBACK_DESTINATION"):
        Fallback(destination=destination)


@pytest.mark.parametrize(
    ("status", "bridged", "answered"),
    [
        ("completed", "true", True),
        ("answered", "true", True),
        ("completed", "", True),
        ("completed", "false", False),
        ("answered", "false", False),
        ("busy", "true", False),
        ("no-answer", "false", False),
        ("failed", "false", False),
        ("anything", "true", False),
    ],
)
def test_who_was_connected_has_talked(status: str, bridged: str, answered: bool) -> None:  # noqa: FBT001 - a table
    """A person who answers and hangs up before the caller is connected has not talked."""
    assert twiml.was_answered(status, bridged) is answered


def test_hostile_values_stay_values() -> None:
    """A caller's name cannot become a verb."""
    fallback = Fallback(sorry=HOSTILE, destination="sip:" + HOSTILE, caller_id=HOSTILE, language=HOSTILE)
    document = twiml.answer(URL + HOSTILE, HOSTILE, fallback=fallback, status_callback_url=HOSTILE)
    response = parse(document)
    assert tags(response) == ["Connect", "Say", "Dial", "Hangup"]
    expected = HOSTILE.replace("\x00", "").replace("\x0b", "").replace("\ufffe", "")
    assert response[0][0][0].get("value") == expected
    assert response[1].text == expected
    assert response[2][0].text == "sip:" + expected


@settings(derandomize=True)
@given(st.text(st.characters()))
def test_any_text_makes_a_document(text: str) -> None:
    """Twilio can read the document, whatever text it contains."""
    response = parse(twiml.hang_up_after(text))
    assert tags(response) == ["Say", "Hangup"]


@pytest.mark.parametrize(
    ("base", "call_sid", "expected"),
    [
        ("https://agent.example.com", "CA1", "wss://agent.example.com/media-stream/CA1"),
        ("https://agent.example.com:8443/voice/", "CA1", "wss://agent.example.com:8443/voice/media-stream/CA1"),
        ("http://127.0.0.1:7860", "CA1", "ws://127.0.0.1:7860/media-stream/CA1"),
        ("https://a.example", "CA1?x=/../#y", "wss://a.example/media-stream/CA1%3Fx%3D%2F..%2F%23y"),
    ],
)
def test_stream_address_has_no_query(base: str, call_sid: str, expected: str) -> None:
    """The path names the call: Twilio fails the handshake of an address with a query."""
    assert twiml.stream_url(base, call_sid) == expected


def test_stream_address_needs_a_web_address() -> None:
    """Only ``http`` and ``https`` base URLs have a stream address: any other scheme has no socket behind it."""
    with pytest.raises(ConfigurationError, match="PUBLIC_BASE_URL"):
        twiml.stream_url("ftp://agent.example.com", "CA1")
