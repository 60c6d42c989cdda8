"""What Twilio is told: well-formed, in its vocabulary, and with nothing of a stranger's making in it."""

from datetime import timedelta
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.twiml.voice_response import Connect, Dial, VoiceResponse

from agent_core.errors import ConfigurationError
from phone_agent import twiml
from phone_agent.twiml import Fallback

HOSTILE = "</Say><Dial>900</Dial>\" onload='x' & <![CDATA[ ]]> \x00\x0b\ufffe"
URL = "wss://agent.example.com/media-stream/CA1"


def parse(document: str) -> Element:
    """Read a document as Twilio would."""
    return fromstring(document)  # noqa: S314 - the document is our own


def tags(element: Element) -> list[str]:
    """List an element's children."""
    return [child.tag for child in element]


def shape(element: Element) -> tuple[str, dict[str, str], str, list[object]]:
    """Reduce an element to what Twilio reads of it."""
    return element.tag, dict(element.attrib), element.text or "", [shape(child) for child in element]


def test_answer_says_the_same_as_one_built_by_twilio() -> None:
    """Twilio's own builder, as a peer, makes the same document."""
    peer = VoiceResponse()
    connect = Connect()
    stream = connect.stream(url=URL, status_callback="https://agent.example.com/incoming-call/stream-status")
    stream.parameter(name="ticket", value="abc+/=")
    peer.append(connect)
    peer.say("Sorry.", language="en-US")
    dial = Dial(timeout=15, answer_on_bridge=True, caller_id="+15550100")
    dial.sip("sip:desk@example.com;transport=tls?X-Ctx=1&X-B=2")
    peer.append(dial)
    peer.hangup()
    ours = twiml.answer(
        URL,
        "abc+/=",
        fallback=Fallback(
            sorry="Sorry.",
            destination="sip:desk@example.com;transport=tls?X-Ctx=1&X-B=2",
            caller_id="+15550100",
            ring=timedelta(seconds=15),
        ),
        status_callback_url="https://agent.example.com/incoming-call/stream-status",
    )
    assert shape(parse(ours)) == shape(parse(str(peer)))


def test_answer_without_a_destination_says_sorry_and_hangs_up() -> None:
    """With nobody to call the caller is still told; nothing lingers."""
    response = parse(twiml.answer(URL, "t", fallback=Fallback()))
    assert tags(response) == ["Connect", "Say", "Hangup"]
    connect = response[0]
    assert connect.attrib == {}
    assert connect[0].attrib == {"url": URL}


def test_number_is_dialled_without_its_scheme() -> None:
    """``tel:`` becomes ``<Number>``."""
    response = parse(twiml.stream_ended(normally=False, fallback=Fallback(destination="tel:+46850000000")))
    assert tags(response) == ["Say", "Dial", "Hangup"]
    number = response[1][0]
    assert (number.tag, number.text) == ("Number", "+46850000000")


def test_result_of_the_dial_can_be_asked_for() -> None:
    """Where somebody decides what comes after the dial, Twilio is told whom to ask."""
    fallback = Fallback(
        destination="sips:desk@example.com", dial_action_url="https://a.example/incoming-call/dial-ended"
    )
    dial = parse(twiml.stream_ended(normally=False, fallback=fallback))[1]
    assert dial.get("action") == "https://a.example/incoming-call/dial-ended"
    assert (dial[0].tag, dial[0].text) == ("Sip", "sips:desk@example.com")


@pytest.mark.parametrize("destination", ["", "+46850000000", "client:", "http://evil", "sip:", "tel:"])
def test_destination_of_another_kind_is_refused(destination: str) -> None:
    """A wrong setting is found at start, not in the caller's ear."""
    with pytest.raises(ConfigurationError, match="FALLBACK_DESTINATION"):
        Fallback(destination=destination)


def test_normal_end_hangs_up() -> None:
    """Nobody hears an apology after a goodbye."""
    response = parse(twiml.stream_ended(normally=True, fallback=Fallback(destination="tel:+4685")))
    assert tags(response) == ["Hangup"]


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
    """Not who answered and hung up before the caller was there."""
    assert twiml.was_answered(status, bridged) is answered


@pytest.mark.parametrize("document", [twiml.busy(), twiml.nobody_free()])
def test_refusal_is_spoken(document: str) -> None:
    """A call that is not taken ends with a sentence, never with Twilio's canned error."""
    response = parse(document)
    assert tags(response) == ["Say", "Hangup"]
    assert response[0].text


def test_a_call_is_handed_on_before_it_is_answered() -> None:
    """Without a pause at once, with one after it; nothing in front of the redirect makes a sound."""
    at_once, later = (
        parse(twiml.retry_on_another_task(URL)),
        parse(twiml.retry_on_another_task(URL, pause=timedelta(seconds=2))),
    )
    assert tags(at_once) == ["Redirect"]
    assert (tags(later), later[0].get("length")) == (["Pause", "Redirect"], "2")


def test_the_next_task_may_be_a_dead_one() -> None:
    """Whom a call is handed on to is asked more than once; what says so stands where nothing is signed."""
    (redirect,) = parse(twiml.retry_on_another_task(f"{URL}?part=1&tries=1"))
    assert redirect.text == f"{URL}?part=1&tries=1#ct=2000&rt=3000&rc=3&rp=ct,rt,5xx"


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


@settings(deadline=None, derandomize=True)
@given(st.text())
def test_any_text_makes_a_document(text: str) -> None:
    """No text whatever makes a document that Twilio could not read."""
    response = parse(twiml.busy(text))
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
    """The call is named in the path: Twilio fails the handshake of an address with a query."""
    assert twiml.stream_url(base, call_sid) == expected


def test_stream_address_needs_a_web_address() -> None:
    """There is no socket behind any other scheme."""
    with pytest.raises(ConfigurationError, match="PUBLIC_BASE_URL"):
        twiml.stream_url("ftp://agent.example.com", "CA1")
