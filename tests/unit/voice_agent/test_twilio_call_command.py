"""The options, the verdict and the report of `voice-agent call`, without a call."""

import io
from pathlib import Path

import pytest

from standins.twilio.timeline import Event, Timeline
from voice_agent import command_line
from voice_agent.call import options, report, turns, verdict
from voice_agent.call.caller import CallResult, Exchanged
from voice_agent.call.running import EnteredStage, ModelView


def test_turns_keep_the_order_they_were_written_in(tmp_path: Path) -> None:
    """Spoken, recorded and pressed turns keep the order of the command line."""
    wav = tmp_path / "a.wav"
    wav.touch()
    read = options.read(["--say", "one", "--dtmf", "1#", "--wav", str(wav), "--say", "two"], {})
    assert read.turns == (turns.Spoken("one"), turns.Pressed("1#"), turns.Recorded(wav), turns.Spoken("two"))


def test_variables_are_the_defaults_of_options() -> None:
    """Variables set the defaults of options, and an option wins over its variable."""
    env = {"SAY": "hi", "BARGE_IN": "1.5s", "CALLS": "20", "SAVE": "a.wav", "EXPECT_TOOL": "t", "URL": "https://h"}
    read = options.read([], env)
    assert (read.turns, read.barge_in, read.calls) == ((turns.Spoken("hi"),), 1.5, 20)
    assert (read.save, read.expect_tool, read.url) == (Path("a.wav"), "t", "https://h")
    assert options.read(["--calls", "2", "--say", "ho"], env).calls == 2
    assert options.read(["--say", "ho"], env).turns == (turns.Spoken("ho"),)


@pytest.mark.parametrize(
    "wrong", [["--calls", "0"], ["--barge-in", "soon"], ["--dtmf", "x"], ["--wav", "none.wav"], ["--nonsense"]]
)
def test_wrong_usage_ends_with_code_2(wrong: list[str]) -> None:
    """Wrong usage exits with code 2."""
    with pytest.raises(SystemExit) as ended:
        options.read(wrong, {})
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weather in {Paris|Rome} now", ["weather in Paris now", "weather in Rome now", "weather in Paris now"]),
        ("hello|good bye", ["hello", "good bye", "hello"]),
        ("plain", ["plain"] * 3),
    ],
)
def test_callers_choose_in_turn(text: str, said: list[str]) -> None:
    """Callers take the choices of a text in rotation."""
    assert [turns.choose(text, caller) for caller in range(3)] == said


def _reviewed(transcript: str = "", tools: tuple[str, ...] = (), caller: int = 0) -> verdict.Reviewed:
    timeline = Timeline()
    for event in (
        Event("ring", 0.0, {"call_sid": "CA1"}),
        Event("twiml", 0.01, {"seconds": 0.008, "verbs": ["Connect/Stream", "Say"]}),
        Event("stream_started", 0.02),
        Event("sound_begins", 0.52),
        Event("sound_ends", 0.9),
        Event("sound_begins", 2.6),
        Event("clear", 3.0, {"dropped_ms": 1234}),
        Event("sound_ends", 5.0),
        Event("ended", 6.0, {"reason": "caller_hung_up", "status": "completed", "seconds": 6.0}),
    ):
        timeline.add(event)
    result = CallResult(caller, timeline, turns=[Exchanged("weather", 1.0, 2.0, 2.6, 5.0)])
    return verdict.Reviewed(
        result, ModelView(tools=[{"name": name, "at": timeline.began_at} for name in tools]), [None, transcript]
    )


def _expected(tool: str = "", text: str = "", say: str = "", *, visible: bool = True) -> verdict.Expected:
    return verdict.Expected(tool, text, [turns.Spoken(say)], visible)


def test_expectations_that_are_met_say_nothing() -> None:
    """A met expectation of a tool or a text reports nothing."""
    call = _reviewed("in Paris it is four degrees", ("get_current_weather",))
    assert verdict.judge(call, _expected("get_current_weather", "four degrees")) == []


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        (_expected("end_call"), "used: get_current_weather"),
        (_expected("end_call", visible=False), "cannot be seen from outside"),
        (_expected(text="five"), "expected to hear 'five'"),
        (_expected(say="{Rome|Paris}"), "another caller asked"),
    ],
)
def test_expectations_that_fail_say_why(expected: verdict.Expected, reason: str) -> None:
    """A failed expectation is one sentence, also when another caller's place is heard."""
    call = _reviewed("in Paris it is four degrees", ("get_current_weather",))
    (wrong,) = verdict.judge(call, expected)
    assert reason in wrong


def test_the_report_shows_each_stage_against_a_tool_turn() -> None:
    """What the change cost the caller: audio, and silence beside that of a turn with one tool in the same call."""
    timeline = Timeline()
    for event in (
        Event("ring", 0.0, {"call_sid": "CA1"}),
        Event("stream_started", 0.1),
        *(Event(name, at) for at in (0.5, 3.5, 6.6) for name in ("sound_begins",)),
        *(Event("sound_ends", at) for at in (0.9, 4.5, 7.5)),
        Event("ended", 8.0, {"reason": "caller_hung_up", "status": "completed", "seconds": 8.0}),
    ):
        timeline.add(event)
    result = CallResult(0, timeline, turns=[Exchanged("a", 1.0, 2.0, 3.5, 4.5), Exchanged("b", 5.0, 5.0, 6.6, 7.5)])
    began = timeline.began_at
    view = ModelView(
        tools=[{"name": "find", "at": began + 2.2}, {"name": "choose", "at": began + 5.2}],
        said=[
            {"text": "one", "at": began + 0.4},
            {"text": "two", "at": began + 3.4},
            {"text": "three", "at": began + 6.5},
        ],
    )
    entered = EnteredStage(began + 5.3, "confirm", 4, 0, ("book", "end_call"))
    call = verdict.Reviewed(result, view, [None, None, None], stages=[entered])
    (row,) = [line for line in report.lines(call, "+1 → +2") if line.label == "stage"]
    assert row.text == (
        "confirm, 4 ms after the tool's result, +0.10 s against a tool turn; 0 ms of audio lost; tools now:"
        " book, end_call"
    )


def test_the_report_fits_a_narrow_terminal_without_colour() -> None:
    """The report fits a narrow terminal without colour and leaves out what was not measured."""
    out = io.StringIO()
    terminal = report.CallReport(out, {}, width=48)
    for line in report.lines(_reviewed("in Paris it is four degrees and the wind blows from the west"), "+1 → +2"):
        terminal.row(line)
    rows = out.getvalue().splitlines()
    assert max(map(len, rows)) <= 48
    assert "\x1b" not in out.getvalue()
    assert [row.split()[1] for row in rows if row[:7].strip()][:4] == ["ring", "TwiML", "first", "you"]
    assert "socket" not in out.getvalue()


def test_many_calls_become_a_table() -> None:
    """Many calls become a table with percentiles."""
    rows = report.summary([_reviewed(), _reviewed()], [[], ["no answer"]])
    assert rows[1].split() == ["1", "0.50", "s", "0.60", "s", "ok"]
    assert rows[-3:] == [
        "2 of 2 answered, 1 not as expected",
        "first audio  p50 0.50 s, p95 0.50 s",
        "answer       p50 0.60 s, p95 0.60 s",
    ]


def test_the_command_lists_and_refuses_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the program lists the commands, and an unknown one is rejected."""
    assert command_line.main(["--help"]) == 0
    assert "call" in capsys.readouterr().out
    assert command_line.main(["dance"]) == 2
    assert "no command 'dance'" in capsys.readouterr().err
