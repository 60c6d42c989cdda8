"""Timelines for people. Every line shows a measurement; the report leaves out what was not measured."""

import math
import statistics
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from standins.twilio.timeline import Event
from voice_agent.call.caller import CallResult
from voice_agent.call.speakers import Speaker, answers
from voice_agent.call.verdict import Reading, Reviewed
from voice_agent.terminal import Terminal

_LABEL: Final = 11
_ENDS: Final = {
    "caller_hung_up": "you hung up",
    "ended_by_rest": "the agent hung up",
    "document_ended": "the document ended",
    "hung_up_by_document": "hung up by the document",
    "application_error": "application error: the caller heard Twilio's apology",
    "rejected": "the call was rejected",
    "too_long": "maximum call duration",
}


@dataclass(frozen=True)
class Line:
    """One row: a time in seconds, a label for the speaker or event, and the text."""

    at: float
    label: str
    text: str
    style: str = ""
    """The label's rich style."""


class CallReport(Terminal):
    """Writes the rows of calls."""

    def row(self, line: Line) -> None:
        """Write one row, its text with a hanging indent."""
        self.hanging((f"{line.at:7.2f}  ", "dim"), (f"{line.label:<{_LABEL}} ", line.style), text=line.text)

    def table(self, rows: Sequence[str]) -> None:
        """Write rows that are already laid out; wrap a long one between words."""
        for row in rows:
            column = row.rfind("  ")  # the last column is the longest
            inner = " " * (column + 2 if 0 <= column <= self.width // 2 else 0)
            parts = textwrap.wrap(row, self.width, subsequent_indent=inner, break_on_hyphens=False) or [""]
            parts[0] = row[: len(row) - len(row.lstrip())] + parts[0].lstrip() if row.strip() else ""
            for part in parts:
                self.write(part)


type _Describe = Callable[[dict[str, Any]], tuple[str, str, str]]

_EVENTS: Final[dict[str, _Describe]] = {
    "twiml": lambda f: ("TwiML", f"{f['seconds'] * 1000:.0f} ms: {', '.join(f['verbs'])}", ""),
    "stream_open": lambda f: ("socket", f"open after {f['seconds'] * 1000:.0f} ms", ""),
    "dtmf": lambda f: ("key", f["digit"], "cyan"),
    "warning": lambda f: ("warning", f"{f['code']}: {f['reason']}", "yellow"),
    "error": lambda f: ("error", f"{f['code']}: {f['reason']}", "red"),
    "say": lambda f: ("says", f"“{f['text']}”" + ("" if f["spoken"] else " (silent: no voice installed)"), ""),
    "dial": lambda f: ("dial", f"{', '.join(f['targets'])}: {f['result']}", ""),
    "dial_ringing": lambda f: ("rings", f"the person's telephone (SIP {f['code']})", ""),
    "dial_answered": lambda _: ("answers", "the person; you still hear it ring", ""),
    "whisper": lambda f: ("whisper", f"to the person only: “{f['text']}”", "magenta"),
    "gathered": lambda f: ("key", f"the person presses {f['digits'] or 'none'}", "magenta"),
    "whisper_hung_up": lambda _: ("hangs up", "on the person, who pressed nothing", "yellow"),
    "dial_ended": lambda f: ("dial", f["status"], ""),
    "not_pretended": lambda f: ("skipped", f"<{f['verb']}>: this stand-in does not execute it", "yellow"),
    "redirected": lambda f: ("redirect", f"the agent changed the call (by {f['by']})", ""),
    "ended": lambda f: ("end", f"{_ENDS.get(f['reason'], f['reason'])} after {f['seconds']:.1f} s", "bold"),
}


def lines(call: Reviewed, ring: str) -> list[Line]:
    """Return the rows of one call in chronological order."""
    result = call.result
    rows = [Line(0.0, "ring", ring, "bold")] if result.call_sid else []
    rows += [
        Line(event.at, *_EVENTS[event.name](event.fields)) for event in result.timeline.events if event.name in _EVENTS
    ]
    rows += _first_audio(result) + _connections(result) + _clears(result) + _turns(call) + _model(call) + _stages(call)
    return sorted(rows, key=lambda row: row.at)


def first_audio_seconds(result: CallResult) -> float | None:
    """Return the seconds between the first stream's start and its first audio; None without audio."""
    first = _first_audio_event(result)
    return None if first is None else first[1].at - first[0].at


def _first_audio_event(result: CallResult) -> tuple[Event, Event] | None:
    """Return the first stream's start and its first audio, which excludes the audio of Twilio or a person."""
    started = next(iter(result.timeline.named("stream_started")), None)
    closed = next(iter(result.timeline.named("stream_closed")), None)
    if started is None:
        return None
    # Audio after the stream has closed is the fallback's, not the agent's.
    until = math.inf if closed is None else closed.at
    sounds = result.timeline.named("sound_begins")
    sound = next((event for event in sounds if started.at <= event.at < until), None)
    return None if sound is None else (started, sound)


def _first_audio(result: CallResult) -> list[Line]:
    first = _first_audio_event(result)
    if first is None:
        return []
    return [Line(first[1].at, "first audio", f"{first[1].at - first[0].at:.2f} s after the stream started")]


def _connections(result: CallResult) -> list[Line]:
    """Return when caller and person were connected, and how long after the person answered."""
    rows = []
    answered: float | None = None
    for event in result.timeline.events:
        if event.name == "dial_answered":
            answered = event.at
        elif event.name == "dial_bridged":
            after = "" if answered is None else f", {event.at - answered:.2f} s after they answered"
            rows.append(Line(event.at, "connected", f"you and the person{after}", "bold"))
    return rows


def _clears(result: CallResult) -> list[Line]:
    rows = []
    spoke = result.timeline.named("caller_begins")
    for clear in result.timeline.named("clear"):
        # The reaction time counts from the last start of the caller's speech before the clear.
        before = [event.at for event in spoke if event.at <= clear.at]
        text = f"{int(str(clear.fields['dropped_ms'])) / 1000:.2f} s of sound dropped unheard"
        rows.append(
            Line(
                clear.at,
                "clear",
                text + (f", {clear.at - before[-1]:.2f} s after you began" if before else ""),
                "yellow",
            )
        )
    return rows


def _turns(call: Reviewed) -> list[Line]:
    greeting = [one for one in call.readings if one.turn == 0]
    # A millisecond later, so that the transcript follows the row of the audio that it belongs to.
    rows = [_read(one, one.at + 0.001, "greeting") for one in greeting if one.speaker is not Speaker.FALLBACK]
    heard = call.sounds
    for number, (turn, sounds) in enumerate(zip(call.result.turns, answers(call.result.turns, heard), strict=True), 1):
        rows.append(Line(turn.began, "you", turn.text or f"“{turn.label}”", "cyan"))
        mine = [one for one in call.readings if one.turn == number]
        for sound in sounds:
            if sound.recording:
                text = f"“{sound.recording}”, a recording of the service in place of the model's words"
                rows.append(Line(sound.began, "recording", text, "yellow"))
        first = next((sound for sound in sounds if sound.is_model), None)
        if first is not None:
            words = next((one.text for one in mine if one.speaker is Speaker.AGENT), "")
            text = f"after {first.began - turn.ended:.2f} s" + (f": “{words}”" if words else "")
            rows.append(Line(first.began, "answer", text, "green"))
        rows += [_read(one, one.at, "person") for one in mine if one.speaker is Speaker.PERSON]
    return rows


def _read(reading: Reading, at: float, label: str) -> Line:
    return Line(at, "person" if reading.speaker is Speaker.PERSON else label, f"“{reading.text}”", "green")


def _model(call: Reviewed) -> list[Line]:
    if call.view is None:
        return []
    zero = call.result.timeline.began_at
    # Before the caller's first turn the model has received only the agent's request to greet.
    first = min((turn.began for turn in call.result.turns), default=math.inf)
    rows = [
        _written(item["at"] - zero, item["text"])
        if item.get("written")
        else Line(item["at"] - zero, "heard", f"“{item['text']}” (by the model stand-in)")
        for item in call.view.heard
        if item["at"] - zero > first
    ]
    for tool in call.view.tools:
        arguments = ", ".join(f"{name}={value}" for name, value in tool.get("input", {}).items())
        rows.append(
            Line(tool["at"] - zero, "tool", f"{tool['name']}({arguments}) → {_result(tool.get('result'))}", "magenta")
        )
    for item in call.view.said:
        cut = ", interrupted" if item.get("interrupted") else ""
        rows.append(Line(item["at"] - zero, "said", f"“{item['text']}” (the model stand-in's words{cut})"))
    return rows


def _stages(call: Reviewed) -> list[Line]:
    """Return when stages of the conversation began, what it cost the caller, and what the model may call now."""
    zero = call.result.timeline.began_at
    tools = [item["at"] - zero for item in call.view.tools] if call.view is not None else []
    entered = [stage.at - zero for stage in call.stages]
    # Turn by turn: how long the caller waited for the reply, and what happened meanwhile.
    spans = [
        (turn.ended, first.began, first.began - turn.ended)
        for turn, sounds in zip(call.result.turns, answers(call.result.turns, call.sounds), strict=True)
        if (first := next((sound for sound in sounds if sound.is_model), None)) is not None
    ]

    def within(times: Sequence[float], span: tuple[float, float, float]) -> int:
        return sum(span[0] - 1 <= at <= span[1] for at in times)

    plain = [span[2] for span in spans if within(tools, span) == 1 and not within(entered, span)]
    rows = []
    for stage, at in zip(call.stages, entered, strict=True):
        waits = [span[2] for span in spans if span[0] - 1 <= at <= span[1] and within(tools, span) == 1]
        against = f", {waits[0] - statistics.median(plain):+.2f} s against a tool turn" if waits and plain else ""
        text = (
            f"{stage.name}, {stage.waited_ms} ms after the tool's result{against}; {stage.audio_lost_ms} ms of audio"
            f" lost; tools now: {', '.join(stage.tools)}"
        )
        rows.append(Line(at, "stage", text, "bold magenta"))
    return rows


def _written(at: float, text: str) -> Line:
    """Return the row of a written instruction to the model, which is not speech."""
    return Line(at, "order", f"to the model, in writing: {text}", "dim")


def _result(result: dict[str, Any] | None) -> str:
    if result is None:
        return "no result"
    # "speak" repeats the other values in words, and the report prints the reply below.
    return ", ".join(_entry(name, value) for name, value in result.items() if name != "speak")


def _entry(name: str, value: object) -> str:
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return f"{name} {value['name']}"
    return f"{name}: {len(value)} entries" if isinstance(value, list | dict) else f"{name} {value}"


def totals(call: Reviewed) -> str:
    """Return a summary of a call in one line."""
    result = call.result
    parts = [f"{len(result.turns)} turn{'s' if len(result.turns) != 1 else ''}"]
    if (first := first_audio_seconds(result)) is not None:
        parts.append(f"first audio {first:.2f} s")
    if waits := call.waits:
        parts.append(f"answer after {statistics.median(waits):.2f} s" + (" (median)" if len(waits) > 1 else ""))
    clears = len(result.timeline.named("clear"))
    return " · ".join(parts + ([f"{clears} clear"] if clears else []))


def summary(calls: Sequence[Reviewed], wrong: Sequence[Sequence[str]]) -> list[str]:
    """Return the table of many calls and its totals."""
    rows = [f"{'call':>4}  {'first audio':>11}  {'answer':>7}  result"]
    for number, (call, reasons) in enumerate(zip(calls, wrong, strict=True), 1):
        first, waits = first_audio_seconds(call.result), call.waits
        answer = f"{statistics.median(waits):.2f} s" if waits else "-"
        began = "-" if first is None else f"{first:.2f} s"
        rows.append(f"{number:>4}  {began:>11}  {answer:>7}  {reasons[0] if reasons else 'ok'}")
    firsts = sorted(seconds for call in calls if (seconds := first_audio_seconds(call.result)) is not None)
    # Percentiles of all replies, not of the calls' medians, which would hide a single slow reply.
    waits = sorted(wait for call in calls for wait in call.waits)
    answered = sum(bool(call.waits) for call in calls)
    rows += ["", f"{answered} of {len(calls)} answered, {sum(map(bool, wrong))} not as expected"]
    rows += [
        f"{name}  p50 {_percentile(measured, 50):.2f} s, p95 {_percentile(measured, 95):.2f} s"
        for name, measured in (("first audio", firsts), ("answer     ", waits))
        if measured
    ]
    return rows


def _percentile(values: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of sorted values: a measured one, not an interpolation."""
    return values[max(0, -(-len(values) * percent // 100) - 1)]
