"""The sample on the page about calls is the output of a call."""

import io
import re
from pathlib import Path

from standins.twilio.timeline import Event, Timeline
from voice_agent.call import command, options, report, verdict
from voice_agent.call.caller import CallResult, Exchanged
from voice_agent.call.running import ModelView
from voice_agent.call.speakers import Speaker

PAGE = Path(__file__).parents[3] / "docs/howto/call-from-a-terminal.md"
SAID = "It is 2 degrees and there are rain showers in Stockholm."
FOUND = {"conditions": "rain_showers", "temperature": 2, "feels_like": 1, "wind": 4, "speak": SAID}


def stockholm() -> verdict.Reviewed:
    """Return the call of the page, as if measured."""
    timeline = Timeline()
    happened: list[tuple[str, float, dict[str, object]]] = [
        ("ring", 0.0, {"call_sid": "CA1"}),
        ("twiml", 0.02, {"seconds": 0.016, "verbs": ["Connect/Stream", "Say", "Redirect"]}),
        ("stream_open", 0.04, {"seconds": 0.021}),
        ("stream_started", 0.04, {}),
        ("sound_begins", 1.30, {}),
        ("sound_ends", 6.5, {}),
        ("sound_begins", 11.46, {}),
        ("sound_ends", 15.5, {}),
        ("ended", 16.55, {"reason": "caller_hung_up", "status": "completed", "seconds": 16.5}),
    ]
    for name, at, fields in happened:
        timeline.add(Event(name, at, fields))
    zero = timeline.began_at
    view = ModelView(
        heard=[{"text": "what is the weather in stockholm", "at": zero + 9.96}],
        tools=[
            {
                "name": "get_current_weather",
                "input": {"location": "Stockholm", "format": "celsius"},
                "result": FOUND,
                "at": zero + 10.26,
            }
        ],
        said=[{"text": SAID, "at": zero + 11.90}],
    )
    greeting = "hello i am a stand-in for nova sonic ask me for example what is the weather in stockholm"
    readings = [
        verdict.Reading(1.30, 0, Speaker.AGENT, greeting),
        verdict.Reading(11.46, 1, Speaker.AGENT, "it is 2 degrees and there are rain showers in stockholm"),
    ]
    turns = [Exchanged("what is the weather in Stockholm", 7.54, 9.32)]
    return verdict.Reviewed(CallResult(0, timeline, turns=turns), view, [], readings, [])


def test_the_sample_on_the_page_is_what_a_call_prints() -> None:
    """The page shows each row of a call's report with its text and place, and only shortens long rows."""
    blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (sample,) = (block.splitlines() for block in blocks if "TwiML" in block)
    call, printed = stockholm(), io.StringIO()
    vars(command)["_write"](options.read([], {}), [call], [[]], None, printed)
    printed_below = [line for line in printed.getvalue().splitlines() if line and not line.startswith(" ")]
    rows = [
        f"{line.at:7.2f}  {line.label:<11} {line.text}" for line in report.lines(call, "+15005550006 → +15005550001")
    ]
    shown = [row for row in sample if row.startswith(" ")]
    assert len(shown) == len(rows)
    for row, real in zip(shown, rows, strict=True):
        assert real.startswith(row.rstrip("…")), f"the page has\n{row}\nand a call prints\n{real}"
        assert row == real or row.endswith("…")
    below = [row for row in sample if row and not row.startswith(" ")]
    assert below == printed_below[: len(below)]
