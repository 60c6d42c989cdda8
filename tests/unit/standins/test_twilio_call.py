"""The next step of a call, without sockets."""

from standins.twilio.twiml_parser import Connect, Dial, Say
from standins.twilio.twiml_program import APPLICATION_ERROR, Document, Done, End, Fetch, FetchFailed, TwimlProgram

URL = "https://a/in"
STREAM = '<Connect{}><Stream url="wss://a/s"/></Connect>'


def _document(inner: str) -> Document:
    return Document(f"<Response>{inner}</Response>", URL)


def test_verbs_after_the_stream_run_when_it_ends() -> None:
    """The verbs after a stream run when it ends, and the exchange has them before anything can fail."""
    program = TwimlProgram(URL)
    assert program.begin() == Fetch(URL)
    assert isinstance(program.after(_document(STREAM.format("") + "<Say>sorry</Say>")), Connect)
    assert program.after(Done()) == Say("sorry")
    assert program.after(Done()) == End("document_ended")


def test_an_action_decides_instead_of_the_next_verb() -> None:
    """A verb with `action` drops the rest of the document and requests the action URL."""
    program = TwimlProgram(URL)
    program.begin()
    program.after(_document(STREAM.format(' action="/ended"') + "<Say>never</Say>"))
    assert program.after(Done({"StreamSid": "MZ1"})) == Fetch("https://a/ended", "POST", {"StreamSid": "MZ1"})
    assert program.after(_document("<Hangup/>")) == End("hung_up_by_document")


def test_a_dials_result_reaches_its_action() -> None:
    """The result of a dial reaches its action URL."""
    program = TwimlProgram(URL)
    program.begin()
    assert isinstance(program.after(_document('<Dial action="d"><Sip>sip:a@b</Sip></Dial>')), Dial)
    assert program.after(Done({"DialCallStatus": "busy"})) == Fetch("https://a/d", "POST", {"DialCallStatus": "busy"})


def test_a_failure_without_fallback_is_an_apology() -> None:
    """A failure without a fallback plays Twilio's apology and ends the call."""
    program = TwimlProgram(URL)
    program.begin()
    assert program.after(FetchFailed("11205", URL)) == Say(APPLICATION_ERROR)
    assert program.after(Done()) == End("application_error", "failed")


def test_the_fallback_address_is_asked_once() -> None:
    """The fallback URL is requested once with the error; if it fails too, the apology follows."""
    program = TwimlProgram(URL, "https://b/fallback")
    program.begin()
    asked = program.after(FetchFailed("11205", URL))
    assert asked == Fetch("https://b/fallback", "POST", {"ErrorCode": "11205", "ErrorUrl": URL})
    assert program.after(FetchFailed("11200", "https://b/fallback")) == Say(APPLICATION_ERROR)


def test_a_document_that_is_none_ends_in_the_apology() -> None:
    """A document that is not TwiML is an application error with its reason, and the apology follows."""
    program = TwimlProgram(URL)
    program.begin()
    assert program.after(Document("Hello", URL)) == Say(APPLICATION_ERROR)
    assert program.problem
    assert program.after(Done()) == End("application_error", "completed")


def test_redirects_in_a_circle_end() -> None:
    """Documents that redirect in a circle end the call."""
    program = TwimlProgram(URL)
    step = program.begin()
    while isinstance(step, Fetch):
        step = program.after(_document("<Redirect>/in</Redirect>"))
    assert step == Say(APPLICATION_ERROR)


def test_a_rejected_call_is_busy() -> None:
    """`Reject` ends the call as busy before it is answered."""
    program = TwimlProgram(URL)
    program.begin()
    assert program.after(_document('<Reject reason="busy"/><Say>never</Say>')) == End("rejected", "busy")


def test_an_order_replaces_what_was_planned() -> None:
    """A live call accepts another document or another URL, which replaces the planned verbs."""
    program = TwimlProgram(URL)
    program.begin()
    program.after(_document(STREAM.format(' action="/ended"') + "<Say>never</Say>"))
    assert program.replace("<Response><Say>transfer</Say></Response>", "") == Say("transfer")
    assert program.after(Done()) == End("document_ended")
    assert program.redirect("https://c/", "GET") == Fetch("https://c/", "GET")
