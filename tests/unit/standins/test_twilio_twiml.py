"""How documents become verbs."""

import pytest

from standins.twilio.twiml_parser import (
    Connect,
    Dial,
    DialTarget,
    Gather,
    Hangup,
    NotPretended,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Stream,
    StreamRefusedError,
    TwimlError,
    check_stream,
    names,
    parse,
)

BASE = "https://agent.example.com/incoming-call"


def test_the_agents_document_is_read_whole() -> None:
    """The agent's document is parsed with stream, parameters, action and later verbs, with absolute URLs."""
    connect, say, dial = parse(
        """<?xml version="1.0" encoding="UTF-8"?><Response>
        <Connect action="/incoming-call/stream-ended">
          <Stream url="wss://agent.example.com/media-stream" name="s" statusCallback="status">
            <Parameter name="ticket" value="a&amp;b"/><Parameter name="n" value="1"/>
          </Stream></Connect>
        <Say voice="Polly.Joanna" language="en-US">Sorry, goodbye &lt;you&gt;.</Say>
        <Dial timeout="20" callerId="+1500" action="dialled"><Sip url="/whisper">sip:a@b</Sip>
          <Number>+1501</Number></Dial>
        </Response>""",
        BASE,
    )
    assert isinstance(connect, Connect)
    assert connect.action == "https://agent.example.com/incoming-call/stream-ended"
    assert connect.stream == Stream(
        "wss://agent.example.com/media-stream",
        name="s",
        status_callback="https://agent.example.com/status",
        parameters=(("ticket", "a&b"), ("n", "1")),
    )
    assert say == Say("Sorry, goodbye <you>.", "Polly.Joanna", "en-US")
    targets = DialTarget("sip:a@b", "https://agent.example.com/whisper"), DialTarget("+1501")
    assert dial == Dial(targets, 20.0, "https://agent.example.com/dialled", "POST", "+1500")


def test_every_other_verb_is_known_by_name() -> None:
    """A verb that is not executed keeps its name for the timeline."""
    verbs = parse(
        '<Response><Pause length="2"/><Play loop="2">/a.wav</Play><Redirect method="get">/b</Redirect><Hangup/>'
        '<Reject reason="busy"/><Enqueue/><Connect><ConversationRelay/></Connect></Response>',
        BASE,
    )
    assert verbs == (
        Pause(2.0),
        Play("https://agent.example.com/a.wav", 2),
        Redirect("https://agent.example.com/b", "GET"),
        Hangup(),
        Reject("busy"),
        NotPretended("Enqueue"),
        NotPretended("Connect/ConversationRelay"),
    )
    assert names(verbs)[-2:] == ["Enqueue", "Connect/ConversationRelay"]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "Hello",
        "<Response>",
        "<Answer/>",
        "<Response><Connect><Stream/></Connect></Response>",
        "<Response><Dial/></Response>",
        '<Response><Pause length="long"/></Response>',
        '<!DOCTYPE x [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>',
        f"<Response><Say>{'a' * 70_000}</Say></Response>",
    ],
)
def test_what_is_no_document_is_refused(document: str) -> None:
    """An invalid document is rejected, as Twilio ends its call with an application error."""
    with pytest.raises(TwimlError):
        parse(document, BASE)


@pytest.mark.parametrize("url", ["wss://example.com/s", "ws://127.0.0.1:7860/s", "ws://localhost/s", "ws://[::1]:1/s"])
def test_streams_go_over_tls_or_stay_on_this_machine(url: str) -> None:
    """A stream without TLS is accepted on loopback only."""
    check_stream(Stream(url))


@pytest.mark.parametrize(
    "stream",
    [
        Stream("ws://example.com/s"),
        Stream("https://example.com/s"),
        Stream("wss://example.com/s?ticket=1"),
        Stream("wss://example.com/s", parameters=(("ticket", "x" * 494),)),
    ],
)
def test_streams_that_twilio_refuses_are_refused(stream: Stream) -> None:
    """A stream without TLS, with a query string or with a parameter of 500 characters is rejected."""
    with pytest.raises(StreamRefusedError):
        check_stream(stream)


def test_headers_of_a_sip_address_have_a_limit() -> None:
    """The headers of a SIP address have a limit of 1024 encoded characters."""
    document = "<Response><Dial><Sip>sip:a@b?X-A={}</Sip></Dial></Response>"
    parse(document.format("x" * 1020), BASE)
    with pytest.raises(TwimlError, match="headers"):
        parse(document.format("x" * 1021), BASE)


def test_a_gather_has_what_twilio_documents_and_nothing_else() -> None:
    """A gather has Twilio's defaults and children, and an unknown attribute is an error."""
    [verb] = parse("<Response><Gather><Say>Press</Say></Gather></Response>", BASE)
    assert verb == Gather((Say("Press"),), BASE, "POST", 0, 5.0, "#")
    [verb] = parse('<Response><Gather numDigits="1" finishOnKey="" action="/a" timeout="7"/></Response>', BASE)
    assert verb == Gather((), "https://agent.example.com/a", "POST", 1, 7.0, "")
    [verb] = parse('<Response><Gather input="speech"/></Response>', BASE)
    assert verb == NotPretended("Gather/speech")
    for wrong in ('<Gather digits="1"/>', "<Gather><Hangup/></Gather>", '<Gather numDigits="one"/>'):
        with pytest.raises(TwimlError):
            parse(f"<Response>{wrong}</Response>", BASE)


def test_an_app_is_dialled_by_its_identity() -> None:
    """An app is dialled by its identity as a child or as text, and an attribute requests the ringing."""
    document = (
        '<Response><Dial answerOnBridge="true"><Client url="/w"><Identity>anna</Identity>'
        '<Parameter name="summary" value="{}"/></Client><Client>bob</Client></Dial></Response>'
    )
    [dial] = parse(document.format("x"), BASE)
    assert isinstance(dial, Dial)
    assert [target.address for target in dial.targets] == ["client:anna", "client:bob"]
    assert dial.answer_on_bridge
    with pytest.raises(TwimlError, match="parameters"):
        parse(document.format("x" * 800), BASE)
    with pytest.raises(TwimlError, match="identity"):
        parse("<Response><Dial><Client>anna b</Client></Dial></Response>", BASE)
