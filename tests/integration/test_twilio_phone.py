"""`voice-agent call` from end to end: a handset, the exchange, and an agent that answers with tones."""

import io
import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from standins.twilio import Handset, TwilioExchange, mulaw
from standins.twilio.announcement_audio import read_wav, write_wav
from tests.integration.twilio_app import AppStream, TinyApp
from voice_agent.call import command as call
from voice_agent.call import options
from voice_agent.call.caller import Patience
from voice_agent.call.running import NothingRunsError

TONE = (8000 * np.sin(2 * np.pi * 500 * np.arange(4000) / 8000)).astype(np.int16).tobytes()
HASTY = Patience(settle=0.5, last_settle=0.6)
MODEL = {"heard": [{"text": "weather", "at": 0.0}], "tools": [{"name": "get_current_weather", "input": {}, "at": 0.0}]}


async def _parrot(stream: AppStream) -> None:
    """Greet with a tone, answer each utterance with a longer tone, and stop at a barge-in."""
    await stream.until("start")
    await stream.play(mulaw.encode(TONE))
    speaking, quiet = False, 0
    while True:
        message = await stream.read()
        if message["event"] == "dtmf":
            await stream.play(mulaw.encode(TONE))
        if message["event"] != "media":
            continue
        loud = mulaw.is_audible(stream.sound()[-160:])
        quiet = 0 if loud else quiet + 1
        if loud and not speaking:
            speaking = True
            await stream.send("clear")
        elif speaking and quiet > 10:
            speaking = False
            await stream.play(mulaw.encode(TONE * 4))


@pytest.fixture
async def app() -> AsyncIterator[TinyApp]:
    """Return an agent that answers with tones."""
    async with TinyApp().serving() as tiny:
        tiny.behave = _parrot
        yield tiny


@pytest.fixture
async def home(app: TinyApp, tmp_path: Path) -> AsyncIterator[Path]:
    """Return a folder in which everything seems to run, and the recording of a question."""
    async with TwilioExchange() as exchange:
        state = {
            "base_url": f"http://127.0.0.1:{app.port}",
            "twilio": {"url": exchange.url, "account_sid": "AC1", "auth_token": "t"},
            "nova": {"control": f"http://127.0.0.1:{app.port}"},
            "logs": {"phone-agent": ".run/phone-agent.jsonl"},
        }
        (tmp_path / ".run").mkdir()
        (tmp_path / ".run" / "run.json").write_text(json.dumps(state))
        (tmp_path / "question.wav").write_bytes(write_wav(TONE))
        yield tmp_path


async def _call(home: Path, *arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    code = await call.make_calls(options.read(arguments, {}), home, out, HASTY)
    return code, out.getvalue()


async def test_a_question_is_asked_and_the_answer_saved(home: Path) -> None:
    """The timeline has the measurements, and the recording has the greeting and the reply."""
    saved = home / "answer.wav"
    code, shown = await _call(home, "--wav", str(home / "question.wav"), "--save", str(saved))
    assert code == 0
    for label in ("ring", "TwiML", "socket", "first audio", "you", "answer", "end"):
        assert f" {label} " in shown
    assert "you hung up" in shown
    heard = mulaw.encode(read_wav(saved.read_bytes()))
    assert mulaw.encode(TONE * 4) in heard
    with wave.open(str(saved)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)


async def test_a_caller_barges_in(home: Path) -> None:
    """The second turn starts during the reply to the first, and the agent clears the queued audio."""
    question = str(home / "question.wav")
    code, shown = await _call(home, "--wav", question, "--wav", question, "--barge-in", "300ms", "--json")
    measured: dict[str, Any] = json.loads(shown)
    assert code == 0
    first, second = measured["turns"]
    assert second["began"] == pytest.approx(first["answer_began"] + 0.3, abs=0.2)
    dropped = [event["dropped_ms"] for event in measured["timeline"] if event["event"] == "clear"]
    assert max(dropped) > 500


async def test_keys_are_pressed(home: Path) -> None:
    """The timeline has each digit, and each digit gets a reply."""
    code, shown = await _call(home, "--dtmf", "0")
    assert code == 0
    assert " key " in shown


async def test_many_callers_are_summed_up(home: Path) -> None:
    """Simultaneous calls each get a row and a recording."""
    saved = home / "answer.wav"
    code, shown = await _call(home, "--wav", str(home / "question.wav"), "--calls", "5", "--save", str(saved))
    assert code == 0
    assert "5 of 5 answered, 0 not as expected" in shown
    assert all((home / f"answer-{number}.wav").stat().st_size for number in range(1, 6))


async def test_tools_are_known_from_the_model_stand_in(home: Path, app: TinyApp) -> None:
    """The command finds the tools through the agent's log, which links the call to the model's session."""
    app.documents["/sessions/model-1"] = MODEL

    async def behave(stream: AppStream) -> None:
        start = await stream.until("start")
        line = {"event": "model_session_started", "call_sid": start["start"]["callSid"], "model_session_id": "model-1"}
        (home / ".run" / "phone-agent.jsonl").write_text(json.dumps(line) + "\n")
        await stream.play(mulaw.encode(TONE))
        await stream.drain()

    app.behave = behave
    code, shown = await _call(home, "--expect-tool", "get_current_weather")
    assert code == 0
    assert "get_current_weather()" in shown
    code, shown = await _call(home, "--expect-tool", "end_call")
    assert code == 1
    assert "expected the tool end_call, used: get_current_weather" in " ".join(shown.split())


async def test_an_agent_that_does_not_answer_fails_the_call(home: Path, app: TinyApp) -> None:
    """When the agent does not answer, the command fails the call with a reason and keeps the recording."""
    app.documents["/incoming-call"] = 500
    saved = home / "answer.wav"
    code, shown = await _call(home, "--save", str(saved))
    assert code == 1
    assert "never took the call: status 500" in shown
    assert saved.exists()


async def test_a_deployment_is_called_through_an_exchange_of_our_own(home: Path, app: TinyApp) -> None:
    """Only events outside a deployment are visible, so an expected tool fails with that reason."""
    url = f"http://127.0.0.1:{app.port}/incoming-call"
    account = ("--account-sid", "AC1", "--auth-token", "t")
    code, shown = await _call(home, "--url", url, *account, "--expect-tool", "x", "--wav", str(home / "question.wav"))
    assert code == 1
    assert "cannot be seen from outside" in " ".join(shown.split())
    assert app.requests("/incoming-call")[0].params["AccountSid"] == "AC1"
    with pytest.raises(call.UsageError, match="TWILIO_AUTH_TOKEN"):
        await _call(home, "--url", url)


async def test_nothing_runs(tmp_path: Path) -> None:
    """When nothing runs, the message says what to do."""
    with pytest.raises(NothingRunsError, match=r"Nothing answers at .*: start it with `make run`"):
        await _call(tmp_path)


async def test_a_handset_that_vanishes_has_hung_up(app: TinyApp) -> None:
    """A handset that disconnects hangs up: its call ends, and the application gets `stop`."""
    async with TwilioExchange() as exchange:
        async with Handset(exchange.url) as handset:
            await handset.dial(app.url, caller="+1", callee="+2")
            await handset.timeline.until("stream_started", 5)
        (live,) = exchange.calls.values()
        assert (await live.timeline.until("ended", 5)).fields["reason"] == "caller_hung_up"


async def test_a_handset_can_break_what_twilio_would_not(app: TinyApp) -> None:
    """A handset can send any text on the stream or reset it; the timeline has what it does not understand."""
    app.behave = lambda stream: stream.until("surprise")
    async with TwilioExchange() as exchange, Handset(exchange.url) as handset:
        await handset.dial(app.url, caller="+1", callee="+2")
        await handset.timeline.until("stream_started", 5)
        await handset.send_raw('{"event": "surprise"}')
        await handset.timeline.until("ended", 5)
        assert app.streams[0].messages[-1] == {"event": "surprise"}

    app.behave = AppStream.drain
    async with TwilioExchange() as exchange, Handset(exchange.url) as handset:
        await handset.dial(app.url, caller="+1", callee="+2")
        await handset.timeline.until("stream_started", 5)
        await handset.break_off("nonsense")
        await handset.timeline.until("handset_not_understood", 5)
        await handset.break_off("rst")
        await handset.timeline.until("connection_broken", 5)
        await handset.timeline.until("ended", 5)
