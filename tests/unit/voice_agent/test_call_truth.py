"""`voice-agent call` succeeds only if the agent spoke in the model's own words."""

import asyncio
import io
import math
import os
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from standins.twilio.timeline import Event, Timeline
from voice_agent.call import command, options, report, turns, utterances, verdict
from voice_agent.call.caller import CallResult, Exchanged, Number
from voice_agent.call.running import ModelView, Running, played
from voice_agent.call.speakers import Recording, Speaker, fallbacks, spans
from voice_agent.call.utterances import Utterance

ANYTHING = verdict.Expected("", "", [], inside_visible=True)

type Happened = tuple[str, float] | tuple[str, float, dict[str, Any]]

RING: tuple[Happened, ...] = (
    ("ring", 0.0, {"call_sid": "CA1"}),
    ("twiml", 0.01, {"seconds": 0.008, "verbs": ["Connect/Stream", "Say", "Redirect"]}),
    ("stream_started", 0.1),
)
GREETED: tuple[Happened, ...] = (*RING, ("sound_begins", 1.0), ("sound_ends", 2.0))
END: Happened = ("ended", 40.0, {"reason": "caller_hung_up", "status": "completed", "seconds": 40.0})
LOST: tuple[Happened, ...] = (
    ("stream_closed", 6.0, {"code": 1011, "reason": "", "dropped_ms": 0, "malformed": 0}),
    ("say", 6.1, {"text": "Sorry, we lost our assistant.", "spoken": True}),
    ("sound_begins", 6.2),
    ("sound_ends", 8.0),
    ("dial", 8.1, {"targets": ["sip:person@127.0.0.1:8448"], "result": "by SIP"}),
    ("dial_bridged", 12.0),
    ("sound_begins", 12.5),
    ("sound_ends", 14.0),
)
TRANSFERRED: tuple[Happened, ...] = (
    ("stream_closed", 6.0, {"code": 1000, "reason": "", "dropped_ms": 0, "malformed": 0}),
    ("redirected", 6.01, {"by": "twiml"}),
    ("dial", 6.1, {"targets": ["sip:person@127.0.0.1:8448"], "result": "by SIP"}),
    ("sound_begins", 6.2),
    ("sound_ends", 8.2),
    ("dial_bridged", 12.0),
    ("say", 12.1, {"text": "Hello, this is a person.", "spoken": True}),
    ("sound_begins", 12.5),
    ("sound_ends", 14.0),
)


def reviewed(
    *happened: Happened,
    asked: float | None = 3.0,
    recordings: Sequence[Recording] = (),
    said: Sequence[float] | None = None,
    readings: Sequence[verdict.Reading] = (),
    label: str = "hello",
) -> verdict.Reviewed:
    """Return a call with one turn, which ended a second after it began, or without turns."""
    timeline = Timeline()
    for name, at, *fields in (*happened, END):
        timeline.add(Event(name, at, *fields))
    turns = [] if asked is None else [Exchanged(label, asked, asked + 1, text="press 0" if label == "0" else "")]
    view = None
    if said is not None:
        view = ModelView(said=[{"text": "Hi.", "at": timeline.began_at + at} for at in said])
    result = CallResult(0, timeline, turns=turns)
    return verdict.Reviewed(result, view, [], list(readings), list(recordings))


def judged(call: verdict.Reviewed) -> str:
    """Return the failures of a call; empty if there are none."""
    return "; ".join(verdict.judge(call, ANYTHING))


def test_a_call_that_the_model_answers_is_green() -> None:
    """A call that the model answers succeeds, also without a turn."""
    assert judged(reviewed(*GREETED, ("sound_begins", 5.0), ("sound_ends", 6.0))) == ""
    assert judged(reviewed(*GREETED, asked=None)) == ""


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (reviewed(*RING, *LOST), "the fallback ran: “Sorry, we lost our assistant.”, then a call to sip:person@"),
        (reviewed(*GREETED, *LOST), "the fallback ran"),
        (
            reviewed(*GREETED, ("sound_begins", 5.0), ("sound_ends", 6.0), recordings=[Recording(4.9, "sorry")]),
            "the apology was played",
        ),
        (
            reviewed(*GREETED, ("sound_begins", 12.1), ("sound_ends", 13.0), recordings=[Recording(12.0, "hold")]),
            "'hello' was not answered in the model's own words: the hold announcement was all",
        ),
        (
            reviewed(
                *RING, ("sound_begins", 4.2), ("sound_ends", 5.0), asked=None, recordings=[Recording(4.1, "hold")]
            ),
            "did not speak in the model's own words: the hold announcement was all that was heard",
        ),
        (reviewed(*RING, asked=None), "did not speak in the model's own words: silence was all that was heard"),
        (
            reviewed(
                *GREETED,
                ("stream_closed", 3.5, {"code": 1011}),
                ("say", 3.6, {"text": "One moment.", "spoken": True}),
                ("twiml", 5.0, {"seconds": 0.01, "verbs": ["Connect/Stream"]}),
                ("stream_started", 5.1),
                ("sound_begins", 6.0),
                ("sound_ends", 7.0),
            ),
            "the fallback ran: “One moment.”",
        ),
    ],
)
def test_a_call_in_which_something_else_spoke_is_red(call: verdict.Reviewed, reason: str) -> None:
    """A call with a fallback, an apology, an announcement, a person or silence fails with one sentence."""
    assert reason in judged(call)
    assert ";" not in judged(call)


def test_a_hold_announcement_before_the_answer_is_no_answer_and_no_fault() -> None:
    """A hold announcement is neither a reply nor a failure, and the wait extends to the model's words."""
    hold = [Recording(12.0, "hold")]
    apart = reviewed(
        *GREETED,
        ("sound_begins", 12.1),
        ("sound_ends", 13.0),
        ("sound_begins", 14.5),
        ("sound_ends", 15.0),
        recordings=hold,
    )
    assert (judged(apart), apart.waits) == ("", [10.5])
    joined = reviewed(*GREETED, ("sound_begins", 12.1), ("sound_ends", 15.0), recordings=hold, said=[1.0, 13.1])
    assert judged(joined) == ""
    assert joined.waits == pytest.approx([8.1])


@pytest.mark.parametrize("words", [True, False])
def test_a_person_who_was_asked_for_is_an_answer(words: bool) -> None:  # noqa: FBT001 - a parameter
    """A transfer that the caller requested counts as a reply, with or without the model's announcement."""
    announced: tuple[Happened, ...] = (("sound_begins", 4.5), ("sound_ends", 5.5)) if words else ()
    call = reviewed(*GREETED, *announced, *TRANSFERRED, label="I want to talk to a human")
    assert judged(call) == ""
    assert fallbacks(call.result) == []
    assert [span.speaker for span in spans(call.result)][-2:] == [Speaker.PERSON, Speaker.NONE]


def test_nobody_free_and_back_is_no_fallback() -> None:
    """A call that returns after a failed transfer does not count as a fallback."""
    back: tuple[Happened, ...] = (
        *TRANSFERRED[:5],
        ("dial_ended", 26.0, {"status": "no-answer"}),
        ("twiml", 26.1, {"seconds": 0.01, "verbs": ["Connect/Stream"]}),
        ("stream_started", 26.2),
        ("sound_begins", 27.0),
        ("sound_ends", 28.0),
    )
    assert judged(reviewed(*GREETED, *back)) == ""


def test_the_next_address_is_no_fallback() -> None:
    """The document that dials the next destination does not count as a fallback."""
    call = reviewed(
        *GREETED,
        *TRANSFERRED[:5],
        ("dial_ended", 26.0, {"status": "completed"}),
        ("twiml", 26.1, {"seconds": 0.01, "verbs": ["Dial"]}),
        ("dial", 26.2, {"targets": ["client:anna"], "result": "acted out, completed"}),
        ("dial_answered", 28.0),
        ("whisper", 28.1, {"text": "Caller for sales. Press 1 to take the call.", "language": "en-US", "spoken": True}),
        ("gathered", 30.0, {"keys": 1, "digits": "1"}),
        ("dial_bridged", 30.5),
    )
    assert fallbacks(call.result) == []
    rows = [(line.label, line.text) for line in report.lines(call, "+1 → +2") if 28 <= line.at < 31]
    assert rows == [
        ("answers", "the person; you still hear it ring"),
        ("whisper", "to the person only: “Caller for sales. Press 1 to take the call.”"),
        ("key", "the person presses 1"),
        ("connected", "you and the person, 2.50 s after they answered"),
    ]


@pytest.mark.parametrize(
    ("utterance", "shown"),
    [
        (Utterance("0", digits="0"), "press 0"),
        (Utterance("911", b"\xff"), "“911”"),
        (Utterance("A", b"\xff"), "“A”"),
        (Utterance("question.wav", b"\xff", is_recording=True), "play question.wav"),
    ],
)
def test_only_what_is_spoken_stands_in_quotation_marks(utterance: Utterance, shown: str) -> None:
    """Only speech has quotation marks; keys and file names are not searched for in other calls' audio."""
    assert utterance.text == shown


def test_no_time_is_negative() -> None:
    """No time is negative: the first audio of the first stream counts."""
    call = reviewed(
        *GREETED,
        ("stream_closed", 3.0, {"code": 1011}),
        ("stream_started", 5.2),
        ("sound_begins", 6.0),
        ("sound_ends", 7.0),
    )
    assert report.first_audio_seconds(call.result) == pytest.approx(0.9)
    assert report.first_audio_seconds(reviewed(*RING, *LOST).result) is None
    assert "-" not in report.totals(call)


def _answered_after(seconds: float) -> verdict.Reviewed:
    return reviewed(*GREETED, ("sound_begins", 4.0 + seconds), ("sound_ends", 5.0 + seconds))


def test_many_calls_fail_where_most_answers_are_late() -> None:
    """Many calls fail if more than half have a late reply; a single call never does."""
    slow = [_answered_after(9.2) for _ in range(12)] + [_answered_after(1.0) for _ in range(8)]
    wrong = verdict.late(slow, 5.0)
    assert [bool(reasons) for reasons in wrong] == [True] * 12 + [False] * 8
    assert wrong[0] == ["answered after 9.2 s, later than 5 s: most of 20 calls were answered late"]
    assert verdict.late(slow[4:], 5.0)[0] == []
    assert verdict.late(slow[:1], 5.0) == [[]]
    assert report.summary(slow, wrong)[-1] == "answer       p50 9.20 s, p95 9.20 s"


def test_speakers_are_told_apart_and_orders_are_no_speech() -> None:
    """Agent and person have separate rows, and a written instruction is not shown as speech."""
    call = reviewed(
        *GREETED,
        ("sound_begins", 4.5),
        ("sound_ends", 5.5),
        *TRANSFERRED,
        label="0",
        readings=[
            verdict.Reading(0.1, 0, Speaker.AGENT, "hello i am a stand-in"),
            verdict.Reading(4.0, 1, Speaker.AGENT, "1 moment i am connecting you"),
            verdict.Reading(12.0, 1, Speaker.PERSON, "hello this is a person"),
        ],
    )
    order = "The caller pressed 0 and is about to be connected to reception."
    call.view = ModelView(heard=[{"text": order, "at": call.result.timeline.began_at + 4.2, "written": True}])
    rows = {line.label: line.text for line in report.lines(call, "+1 → +2")}
    assert rows["greeting"] == "“hello i am a stand-in”"
    assert rows["you"] == "press 0"
    assert rows["answer"] == "after 0.50 s: “1 moment i am connecting you”"
    assert rows["person"] == "“hello this is a person”"
    assert "heard" not in rows
    assert rows["order"] == f"to the model, in writing: {order}"


def test_no_line_is_cut_in_the_middle_of_a_word() -> None:
    """A long reason wraps between words."""
    out = io.StringIO()
    reason = "the agent was lost, and the fallback ran: “Sorry, we lost our assistant.”, then a call to a person"
    rows = report.summary([_answered_after(1.0), _answered_after(1.0)], [[reason], []])
    report.CallReport(out, {}, width=60).table(rows)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert "…" not in out.getvalue()
    assert " ".join(" ".join(lines).split()).count(reason) == 1


@pytest.mark.parametrize(
    ("given", "written"),
    [("TEXT", "SAY"), ("SAYS", "SAY"), ("text", "SAY"), ("AUDIO", "WAV"), ("KEYS", "DTMF"), ("BARGEIN", "BARGE_IN")],
)
def test_an_unknown_variable_is_refused_with_the_nearest(
    capsys: pytest.CaptureFixture[str], given: str, written: str
) -> None:
    """An unknown variable is rejected with the nearest one, or the call would have no turns."""
    with pytest.raises(SystemExit) as ended:
        options.read([], {"UNKNOWN_VARIABLES": given})
    assert ended.value.code == 2
    assert f"no variable {given}; write {written}" in capsys.readouterr().err


def test_a_variable_that_is_near_nothing_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A variable that resembles none gets the list; the account's variables are accepted."""
    with pytest.raises(SystemExit):
        options.read([], {"UNKNOWN_VARIABLES": "TWILIO_AUTH_TOKEN XYZZY"})
    assert "no variable XYZZY; there are SAY, WAV" in capsys.readouterr().err
    assert options.read([], {"UNKNOWN_VARIABLES": "TWILIO_AUTH_TOKEN TWILIO_ACCOUNT_SID"}).turns == ()


def _wav(path: Path, samples: bytes) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples)
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (bytes(16_000), "is silent"), (b"\x05\x00" * 8000, "is silent"), (None, "cannot be read")],
)
async def test_a_recording_with_nothing_to_hear_is_refused_before_the_call(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """A silent recording is rejected before the call, with the file's name."""
    path = tmp_path / "question.wav"
    if content is None:
        path.write_text("no sound")
    else:
        _wav(path, content)
    with pytest.raises(utterances.UnusableRecordingError, match=rf"question\.wav {reason}"):
        await utterances.prepare([turns.Recorded(path)], 0, None)


@pytest.mark.parametrize("where", ["a folder", "a file in a file"])
def test_a_file_that_cannot_be_written_is_refused_before_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    """A file that cannot be written is rejected before the call, so that no audio is lost."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "place", _never)
    (tmp_path / "taken").write_text("")
    save = str(tmp_path) if where == "a folder" else "taken/answer.wav"
    assert command.main(["--save", save]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert f"--save {save}: " in errors


async def test_a_file_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    """The check of a writable file neither creates nor empties it."""
    kept = tmp_path / "kept.wav"
    kept.write_bytes(b"before")
    for path in (kept, tmp_path / "new" / "answer.wav"):
        command._check_writable(options.read(["--save", str(path)], {}))
    assert kept.read_bytes() == b"before"
    assert os.listdir(tmp_path / "new") == []  # noqa: PTH208 - as short


async def _never(*_: object) -> None:
    raise AssertionError("called")


async def test_ctrl_c_tells_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C prints the rows until then, saves the recording and returns the code of an interruption."""
    dialled = asyncio.Event()

    async def place(_handset: object, _number: object, result: CallResult, *_: object) -> None:
        for name, at, *fields in GREETED:
            result.timeline.add(Event(name, at, *fields))
        dialled.set()
        await asyncio.sleep(math.inf)

    @asynccontextmanager
    async def exchange(*_: object) -> AsyncIterator[tuple[Number, None]]:
        yield Number("http://127.0.0.1:1", "http://127.0.0.1:1", "+1", "+2"), None

    monkeypatch.setattr(command, "place", place)
    monkeypatch.setattr(command, "_exchange", exchange)
    out = io.StringIO()
    given = options.read(["--save", str(tmp_path / "a.wav")], {})
    calling = asyncio.create_task(command.make_calls(given, tmp_path, out))
    await dialled.wait()
    calling.cancel()
    assert await calling == 130
    assert "first audio 0.90 s" in out.getvalue()
    assert out.getvalue().endswith("Stopped by Ctrl-C; the results are incomplete.\n")
    assert (tmp_path / "a.wav").exists()


def test_recordings_are_read_in_the_service_s_log() -> None:
    """The recordings of a call are read from the service's log, and other lines are skipped."""
    lines = [
        '{"event":"announcement_played","call_sid":"CA1","phrase":"hold","timestamp":"2026-11-29T10:00:00.500000Z"}',
        '{"event":"announcement_played","call_sid":"CA2","phrase":"sorry","timestamp":"2026-11-29T10:00:00Z"}',
        "announcement_played CA1",
        '{"event":"announcement_played","call_sid":"CA1","phrase":"hold_on"}',
    ]
    running = Running("", "", "", "", lambda: lines)
    assert [(one.name, one.at % 60) for one in played(running, "CA1")] == [("hold", 0.5)]
