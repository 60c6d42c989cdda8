"""Both ends of Twilio's protocol: the agent reads what the exchange sends, and the other way round."""

from array import array

import pytest

from phone_agent import media_stream, twiml, ulaw
from phone_agent.media_stream import CallerMedia, Connected, Dtmf, MarkReturned, StreamStarted, StreamStopped
from phone_agent.playout import MarkOutcome, PlayoutClock
from phone_agent.signature import SignatureVerifier
from phone_agent.stream_guard import GuardDecision, StreamGuard
from phone_agent.stream_token import StreamTokenIssuer
from standins.twilio import mulaw
from standins.twilio.caller_playout import PlayoutBuffer
from standins.twilio.media import Announcer, Clear, QueuedAudio
from standins.twilio.media import QueuedMark as ReceivedMark
from standins.twilio.media import decode as exchange_decode
from standins.twilio.signing import sign, webhook_url_to_sign
from standins.twilio.twiml_parser import Connect, Dial, check_stream, names, parse

ACCOUNT = "AC" + "0" * 32
CALL = "CA" + "1" * 32
STREAM = "MZ" + "2" * 32
TOKEN = "a-token"


def test_every_message_of_the_exchange_is_understood_and_in_order() -> None:
    """A whole stream, from ``connected`` to ``stop``, passes the codec and the guard."""
    announcer, guard = Announcer(ACCOUNT, CALL, STREAM), StreamGuard()
    texts = [
        announcer.connected(),
        announcer.start({"ticket": "t"}),
        announcer.media(b"\xff" * 160),
        announcer.dtmf("0"),
        announcer.media(b"\x00" * 80),
        announcer.mark("answer-1"),
        announcer.stop(),
    ]
    messages = [media_stream.decode(text) for text in texts]
    assert [type(message) for message in messages] == [
        Connected,
        StreamStarted,
        CallerMedia,
        Dtmf,
        CallerMedia,
        MarkReturned,
        StreamStopped,
    ]
    assert {guard.accept(message) for message in messages} == {GuardDecision.ACCEPT}
    assert b"".join(one.payload for one in messages if isinstance(one, CallerMedia)) == b"\xff" * 160 + b"\x00" * 80
    assert guard.missing == 0


def test_every_message_of_ours_is_taken_by_the_exchange() -> None:
    """The exchange accepts every message of ours, and is as strict as Twilio about extra fields."""
    assert exchange_decode(media_stream.media(STREAM, b"\x00\xff"), STREAM) == QueuedAudio(b"\x00\xff")
    assert exchange_decode(media_stream.mark(STREAM, "answer-1"), STREAM) == ReceivedMark("answer-1")
    assert exchange_decode(media_stream.clear(STREAM), STREAM) == Clear()


def test_answer_is_executed_as_it_is_meant() -> None:
    """The exchange runs the stream with its ticket first, then the verbs for a lost caller."""
    ticket = StreamTokenIssuer.from_auth_tokens([TOKEN]).for_call(CALL, ACCOUNT)
    document = twiml.answer(
        twiml.stream_url("https://agent.example.com", CALL),
        ticket,
        fallback=twiml.Fallback(destination="sip:desk@example.com"),
        status_callback_url="https://agent.example.com/incoming-call/stream-status",
    )
    verbs = parse(document, "https://agent.example.com/incoming-call")
    assert names(verbs) == ["Connect/Stream", "Say", "Dial", "Hangup"]
    connect, dial = verbs[0], verbs[2]
    assert isinstance(connect, Connect)
    assert isinstance(dial, Dial)
    check_stream(connect.stream)
    assert connect.stream.url == f"wss://agent.example.com/media-stream/{CALL}"
    assert connect.stream.parameters == (("ticket", ticket),)
    assert [target.address for target in dial.targets] == ["sip:desk@example.com"]


@pytest.mark.parametrize(
    "base", ["https://agent.example.com", "https://agent.example.com:8443", "http://127.0.0.1:7860"]
)
def test_signatures_of_the_exchange_are_accepted(base: str) -> None:
    """The agent accepts the exchange's webhook and handshake signatures for any public URL."""
    verifier, form = SignatureVerifier([TOKEN], base), [("CallSid", CALL), ("From", "+15550100"), ("Digits", "")]
    verifier.webhook(
        "POST",
        "/incoming-call",
        form,
        b"CallSid=...",
        "application/x-www-form-urlencoded",
        sign(TOKEN, webhook_url_to_sign(f"{base}/incoming-call"), form),
    )
    verifier.handshake(f"/media-stream/{CALL}", sign(TOKEN, twiml.stream_url(base, CALL)))


def test_both_ends_hear_the_same() -> None:
    """Two implementations of G.711 agree on all codes and on all samples."""
    codes, every = bytes(range(256)), array("h", range(-32_768, 32_768)).tobytes()
    assert ulaw.decode(codes) == mulaw.decode(codes)
    assert ulaw.encode(every) == mulaw.encode(every)


def test_clock_knows_what_the_exchange_plays() -> None:
    """At a barge-in the clock and the exchange's buffer agree on what the caller heard."""
    clock, buffer = PlayoutClock(), PlayoutBuffer()
    for piece in range(10):
        clock.sent(800, 100.0 + piece * 0.01)
        buffer.append(b"\x55" * 800)
    clock.marked("answer-1")
    buffer.mark("answer-1")
    for _ in range(20):
        assert buffer.take().marks == ()
    dropped, marks = buffer.clear()
    assert clock.cleared(100.4) == dropped // 8 == 600
    assert [clock.mark_echoed(name, 100.45) for name in marks] == [MarkOutcome.CLEARED]
