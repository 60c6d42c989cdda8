"""The exchange on real sockets, with a small application behind the number."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from twilio.request_validator import RequestValidator

from standins.twilio import DialScript, ExchangeSettings, TwilioExchange, mulaw
from standins.twilio.announcement_audio import write_wav
from tests.integration.twilio_app import AppStream, TinyApp

TOKEN = "token-of-the-test"
LOUD = bytes([0x10, 0x90] * 80)
TONE = (8000 * np.sin(2 * np.pi * 500 * np.arange(1600) / 8000)).astype(np.int16).tobytes()
WAV = write_wav(TONE)
SETTINGS = ExchangeSettings(auth_token=TOKEN, webhook_seconds=1.0, dial=DialScript(ring_seconds=0.1, talk_seconds=0.1))


@pytest.fixture
async def app() -> AsyncIterator[TinyApp]:
    """Return an application whose number opens a stream."""
    async with TinyApp().serving() as tiny:
        yield tiny


async def _speak(_text: str, rate: int) -> bytes:
    """Finish every spoken text in a tenth of a second."""
    return b"\x00\x20" * (rate // 10)


@pytest.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Return an exchange that waits a second for webhooks."""
    async with TwilioExchange(SETTINGS, speak=_speak) as running:
        yield running


async def test_webhook_and_handshake_are_signed(app: TinyApp, exchange: TwilioExchange) -> None:
    """Twilio's library accepts both signatures; the handshake has no Origin, and its header is in lower case."""
    call = exchange.place_call(app.url, caller="+46700000001", callee="+15005550001")
    await call.timeline.until("stream_started", 5)
    call.hang_up()
    await call.timeline.until("ended", 5)
    asked, handshake = app.asked[0], app.handshakes[0]
    validator = RequestValidator(TOKEN)
    assert validator.validate(app.url, asked.params, asked.headers["x-twilio-signature"])
    assert validator.validate(f"ws://127.0.0.1:{app.port}/stream", {}, handshake["x-twilio-signature"])
    assert "origin" not in handshake
    assert asked.params["CallSid"] == call.sid
    assert asked.params["CallStatus"] == "ringing"
    assert asked.params["FromCountry"] == "SE"


async def test_messages_come_in_order_and_end_with_stop(app: TinyApp, exchange: TwilioExchange) -> None:
    """A stream sends `connected`, `start` with the parameters, gapless `media`, and `stop`."""
    call = exchange.place_call(app.url)
    await call.timeline.until("stream_started", 5)
    await asyncio.sleep(0.3)
    call.press("5")
    call.hang_up()
    await call.timeline.until("ended", 5)
    await asyncio.sleep(0.05)
    messages = app.streams[0].messages
    assert [message["event"] for message in messages[:2]] == ["connected", "start"]
    assert messages[1]["start"]["customParameters"] == {"ticket": "t"}
    assert [message["sequenceNumber"] for message in messages[1:]] == [str(n) for n in range(1, len(messages))]
    media = [message["media"] for message in messages if message["event"] == "media"]
    assert [int(part["timestamp"]) for part in media] == [20 * number for number in range(len(media))]
    assert [message["event"] for message in messages if message["event"] != "media"][2:] == ["dtmf", "stop"]
    assert messages[-1]["event"] == "stop"


async def test_marks_come_back_when_played_and_clear_brings_all_back(app: TinyApp, exchange: TwilioExchange) -> None:
    """The exchange returns a mark after its audio; `clear` returns the pending marks and drops their audio."""
    echoes: list[tuple[str, int]] = []

    async def behave(stream: AppStream) -> None:
        await stream.until("start")
        await stream.play(LOUD * 5)
        await stream.send("mark", mark={"name": "heard"})
        await stream.play(LOUD * 500)
        await stream.send("mark", mark={"name": "dropped"})
        first = await stream.until("mark")
        echoes.append((first["mark"]["name"], int(first["sequenceNumber"])))
        await stream.send("clear")
        second = await stream.until("mark")
        echoes.append((second["mark"]["name"], int(second["sequenceNumber"])))

    app.behave = behave
    frames: list[int] = []
    call = exchange.place_call(app.url, hear=lambda number, _frame: frames.append(number))
    await call.timeline.until("ended", 5)
    assert [name for name, _ in echoes] == ["heard", "dropped"]
    assert echoes[1][1] - echoes[0][1] < 100  # far from the 500 frames that the audio lasts
    clear = call.timeline.named("clear")[0].fields
    assert clear["marks"] == 1
    assert 9000 < int(str(clear["dropped_ms"])) <= 10000
    assert len(frames) < 100


async def test_sound_arrives_whole_both_ways(app: TinyApp, exchange: TwilioExchange) -> None:
    """The caller's audio reaches the application bit for bit, and the application's audio the caller."""
    spoken = bytes(range(128)) * 50
    played = bytes(reversed(range(128))) * 50

    async def behave(stream: AppStream) -> None:
        await stream.until("start")
        await stream.play(played[:1000])
        await stream.play(played[1000:])
        await stream.drain()

    app.behave = behave
    heard: list[bytes] = []
    call = exchange.place_call(app.url, hear=lambda _number, frame: heard.append(frame))
    await call.timeline.until("stream_started", 5)
    call.hear_frame(spoken)
    await call.timeline.until("caller_ends", 5)
    call.hang_up()
    await call.timeline.until("ended", 5)
    assert spoken in app.streams[0].sound()
    assert b"".join(heard) == played


async def test_fallback_verbs_run_when_the_socket_closes(app: TinyApp, exchange: TwilioExchange) -> None:
    """The exchange runs the fallback verbs that it already holds, without another request to the application."""
    app.behave = lambda stream: stream.until("start")
    app.documents["/incoming-call"] = app.stream("<Pause length='0'/><Dial><Sip>sip:desk@example.com</Sip></Dial>")
    call = exchange.place_call(app.url)
    ended = await call.timeline.until("ended", 10)
    assert [event.name for event in call.timeline.events if event.name in {"pause", "dial"}] == ["pause", "dial"]
    assert ended.fields["reason"] == "document_ended"
    assert len(app.asked) == 1


async def test_an_action_is_asked_when_the_stream_ends(app: TinyApp, exchange: TwilioExchange) -> None:
    """The exchange sends a signed action request with the stream's SID, and runs the document of the response."""
    app.behave = lambda stream: stream.until("start")
    app.documents["/incoming-call"] = app.stream(connect=' action="/ended"')
    app.documents["/ended"] = "<Hangup/>"
    call = exchange.place_call(app.url)
    ended = await call.timeline.until("ended", 5)
    asked = app.requests("/ended")[0]
    assert ended.fields["reason"] == "hung_up_by_document"
    assert asked.params["StreamSid"] == app.streams[0].sid
    assert asked.params["CallStatus"] == "in-progress"
    assert RequestValidator(TOKEN).validate(
        f"http://127.0.0.1:{app.port}/ended", asked.params, asked.headers["x-twilio-signature"]
    )


@pytest.mark.parametrize("result", ["busy", "no-answer", "completed"])
async def test_a_dials_result_is_told(app: TinyApp, exchange: TwilioExchange, result: str) -> None:
    """The test's script sets the outcome of a dial, and the exchange reports it to the action URL."""
    app.documents["/incoming-call"] = '<Dial timeout="0.1" action="/dialled"><Sip>sip:desk@example.com</Sip></Dial>'
    app.documents["/dialled"] = "<Hangup/>"
    call = exchange.place_call(app.url, dial=DialScript(result, 0.1, talk_seconds=0.1))
    await call.timeline.until("ended", 10)
    assert app.requests("/dialled")[0].params["DialCallStatus"] == result


@pytest.mark.parametrize("rings", [True, False])
async def test_the_caller_hears_ringing_during_a_whisper_if_the_dial_says_so(
    app: TinyApp,
    exchange: TwilioExchange,
    rings: bool,  # noqa: FBT001 - two cases
) -> None:
    """With `answerOnBridge` the caller hears ringing during the whisper; without it, silence after the answer."""
    bridge = ' answerOnBridge="true"' if rings else ""
    app.documents["/incoming-call"] = f'<Dial{bridge}><Number url="/whisper">+15005550099</Number></Dial>'
    app.documents["/whisper"] = '<Pause length="1"/><Hangup/>'
    heard: list[bytes] = []
    call = exchange.place_call(app.url, hear=lambda _number, frame: heard.append(frame))
    await call.timeline.until("dial_answered", 5)
    before = len(heard)
    await call.timeline.until("ended", 10)
    assert (len(heard) - before > 25) is rings


async def test_a_whisper_may_not_dial(app: TinyApp, exchange: TwilioExchange) -> None:
    """A whisper that dials ends the person's leg, and the two are not connected."""
    app.documents["/incoming-call"] = '<Dial action="/dialled"><Number url="/whisper">+15005550099</Number></Dial>'
    app.documents["/whisper"] = "<Say>hello</Say><Dial>+15005550098</Dial>"
    app.documents["/dialled"] = "<Hangup/>"
    call = exchange.place_call(app.url)
    await call.timeline.until("ended", 10)
    assert call.timeline.last("whisper") is None
    assert app.requests("/dialled")[0].params["DialBridged"] == "false"


@pytest.mark.parametrize(("answer", "code"), [(500, "11200"), (404, "11200"), (3.0, "11205"), ("<oops", "12100")])
async def test_a_failing_webhook_ends_in_an_apology(
    app: TinyApp, exchange: TwilioExchange, answer: str | float, code: str
) -> None:
    """After a bad status, a timeout or a response that is not TwiML, the caller hears the canned sentence."""
    app.documents["/incoming-call"] = answer
    call = exchange.place_call(app.url)
    ended = await call.timeline.until("ended", 10)
    assert ended.fields["reason"] == "application_error"
    assert [event.fields["code"] for event in call.timeline.named("error")] == [code]
    assert call.timeline.last("say") is not None


async def test_the_fallback_address_takes_over(app: TinyApp, exchange: TwilioExchange) -> None:
    """The exchange sends the fallback URL the error and the URL that failed."""
    app.documents |= {"/incoming-call": 503, "/fallback": "<Hangup/>"}
    call = exchange.place_call(app.url, fallback_url=f"http://127.0.0.1:{app.port}/fallback")
    ended = await call.timeline.until("ended", 5)
    assert ended.fields["reason"] == "hung_up_by_document"
    assert app.requests("/fallback")[0].params["ErrorCode"] == "11200"
    assert app.requests("/fallback")[0].params["ErrorUrl"] == app.url


async def test_a_refused_handshake_is_an_error_and_the_next_verb_runs(app: TinyApp, exchange: TwilioExchange) -> None:
    """A rejected handshake is error 31920, which only the stream's status callback reports."""
    app.documents["/stream"] = 403
    stream = app.stream("<Pause length='0'/>").replace("<Stream ", '<Stream statusCallback="/status" ')
    app.documents |= {"/incoming-call": stream, "/status": ""}
    call = exchange.place_call(app.url)
    await call.timeline.until("ended", 5)
    assert call.timeline.named("error")[0].fields["code"] == "31920"
    assert call.timeline.last("pause") is not None
    params = app.requests("/status")[0].params
    assert params["StreamEvent"] == "stream-error"
    assert params["StreamError"].startswith("31920")


async def test_malformed_commands_warn_once_and_the_call_goes_on(app: TinyApp, exchange: TwilioExchange) -> None:
    """The exchange ignores and counts each malformed command, and executes the next one."""

    async def behave(stream: AppStream) -> None:
        await stream.until("start")
        for text in ("no json", "{}", '{"event":"clear"}', '{"event":"hello","streamSid":"x"}'):
            await stream.socket.send_text(text)
        await stream.send("mark", mark={"name": "still here"})
        await stream.until("mark")

    app.behave = behave
    call = exchange.place_call(app.url)
    await call.timeline.until("ended", 5)
    assert [event.fields["code"] for event in call.timeline.named("warning")] == ["31951"]
    assert call.timeline.named("stream_closed")[0].fields["malformed"] == 4
    assert call.timeline.named("mark")[0].fields["mark"] == "still here"


@pytest.mark.parametrize("how", ["rst", "fin"])
async def test_a_lost_connection_falls_through(app: TinyApp, exchange: TwilioExchange, how: str) -> None:
    """After a lost connection the application gets no `stop`, and the exchange runs the next verb."""
    app.documents["/incoming-call"] = app.stream("<Pause length='0'/>")
    call = exchange.place_call(app.url)
    await call.timeline.until("stream_started", 5)
    await asyncio.sleep(0.1)
    assert call.stream is not None
    call.stream.break_off(how)  # type: ignore[arg-type]
    await call.timeline.until("ended", 5)
    assert call.timeline.last("pause") is not None
    assert "stop" not in [message["event"] for message in app.streams[0].messages]


async def test_a_stalled_connection_stays_open_and_silent(app: TinyApp, exchange: TwilioExchange) -> None:
    """A stalled connection sends nothing more and stays open until the call ends."""
    call = exchange.place_call(app.url)
    await call.timeline.until("stream_started", 5)
    await asyncio.sleep(0.1)
    assert call.stream is not None
    call.stream.break_off("stall")
    await asyncio.sleep(0.1)
    before = len(app.streams[0].messages)
    await asyncio.sleep(0.2)
    assert len(app.streams[0].messages) == before
    assert call.timeline.last("stream_closed") is None
    call.hang_up()
    await call.timeline.until("ended", 5)


async def test_an_application_that_closes_with_an_error_is_noticed(app: TinyApp, exchange: TwilioExchange) -> None:
    """The exchange records the close code of an application that closes with an error."""

    async def behave(stream: AppStream) -> None:
        await stream.until("start")
        await stream.socket.close(1008, "no ticket")

    app.behave = behave
    call = exchange.place_call(app.url)
    await call.timeline.until("ended", 5)
    closed = call.timeline.named("stream_closed")[0].fields
    assert (closed["code"], closed["reason"]) == (1008, "no ticket")


async def test_a_webhook_can_be_repeated_with_its_signature(app: TinyApp, exchange: TwilioExchange) -> None:
    """A replay sends the same request again, byte for byte."""
    call = exchange.place_call(app.url)
    await call.timeline.until("stream_started", 5)
    replies = await exchange.replay(call.sid, copies=3)
    assert [reply.status_code for reply in replies] == [200] * 3
    signatures = {asked.headers["x-twilio-signature"] for asked in app.asked}
    assert len(app.asked) == 4
    assert len(signatures) == 1


async def test_a_recording_is_played_to_the_caller(app: TinyApp, exchange: TwilioExchange) -> None:
    """`Play` fetches a WAV; a missing one is an error, and the next verb runs."""
    app.documents |= {"/incoming-call": "<Play>/tone.wav</Play><Play>/none.wav</Play>", "/tone.wav": WAV}
    heard: list[bytes] = []
    call = exchange.place_call(app.url, hear=lambda _number, frame: heard.append(frame))
    await call.timeline.until("ended", 5)
    assert b"".join(heard) == mulaw.encode(TONE)
    assert call.timeline.named("error")[0].fields["code"] == "13520"


async def test_the_end_of_a_call_is_told(app: TinyApp) -> None:
    """The status callback gets the final status and the duration."""
    app.documents |= {"/incoming-call": "<Hangup/>", "/status": ""}
    settings = ExchangeSettings(status_callback_url=f"http://127.0.0.1:{app.port}/status")
    async with TwilioExchange(settings) as exchange:
        call = exchange.place_call(app.url)
        await call.timeline.until("ended", 5)
    (request,) = app.requests("/status")
    assert request.params["CallStatus"] == "completed"
    assert request.params["CallDuration"] == "0"


async def test_an_address_may_ask_for_more_tries(app: TinyApp, exchange: TwilioExchange) -> None:
    """`#rc=5&rp=rt` retries after a timeout; the exchange neither sends nor signs the fragment.

    The retries end with the exchange's total timeout, which is a second here.
    """
    app.documents["/incoming-call"] = 3.0
    call = exchange.place_call(f"{app.url}#rc=5&rp=rt&rt=400")
    await call.timeline.until("ended", 10)
    assert len(app.asked) == 3
    assert call.timeline.named("error")[0].fields["code"] == "11205"
    first = app.asked[0]
    assert RequestValidator(TOKEN).validate(app.url, first.params, first.headers["x-twilio-signature"])


async def test_nobody_at_the_address_is_an_error(exchange: TwilioExchange) -> None:
    """A refused connection is error 11205."""
    call = exchange.place_call("http://127.0.0.1:1/incoming-call")
    await call.timeline.until("ended", 5)
    assert call.timeline.named("error")[0].fields["code"] == "11205"


async def test_an_application_that_does_not_read_holds_nobody_up(app: TinyApp, exchange: TwilioExchange) -> None:
    """A call whose application does not read ends in bounded time."""
    reading = asyncio.Event()

    async def behave(stream: AppStream) -> None:
        await stream.until("start")
        await reading.wait()

    app.behave = behave
    call = exchange.place_call(app.url)
    await call.timeline.until("stream_started", 5)
    call.hear_frame(LOUD * 50)
    call.hang_up()
    await call.timeline.until("ended", 10)
    reading.set()


async def test_an_action_is_told_when_the_caller_hangs_up(app: TinyApp, exchange: TwilioExchange) -> None:
    """The action URL gets `completed` when the caller hangs up; the exchange ignores its response."""
    app.documents |= {"/incoming-call": app.stream(connect=' action="/ended"'), "/ended": "<Say>never</Say>"}
    call = exchange.place_call(app.url)
    await call.timeline.until("stream_started", 5)
    call.hang_up()
    ended = await call.timeline.until("ended", 5)
    await asyncio.sleep(0.1)
    assert ended.fields["reason"] == "caller_hung_up"
    assert app.requests("/ended")[0].params["CallStatus"] == "completed"
    assert call.timeline.last("say") is None
