"""Draw a measured call as an SVG: the speakers, the model's actions, and the two waits that a caller notices.

The same record gives the same bytes, so a test redraws the committed picture and compares it.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH, HEIGHT = 960, 350
_LEFT, _RIGHT = 92, 940
_TWILIO, _CALLER, _WAITS, _AGENT, _MODEL, _AXIS = 66, 84, 128, 144, 230, 312
"""Upper edges of the rows, in pixels."""
_CALLER_HEIGHT, _AGENT_HEIGHT, _ROW = 26, 72, 22
_CHARACTER = 6.5
"""Width of an average character of the labels, in pixels. Labels wrap by it, because an SVG cannot wrap text."""

_STYLE = """
    text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1d2733; }
    .command { font: 600 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
    .row, .tick { fill: #5b6b7c; }
    .row { font-weight: 600; }
    .back { fill: #ffffff; stroke: #d5dde6; }
    .grid { stroke: #e6ebf1; }
    .caller { fill: #d9e8fb; stroke: #6d9fdb; }
    .agent { fill: #dcf2e3; stroke: #63ae80; }
    .mark { fill: #8a63c9; }
    .wait { stroke: #c2571a; fill: none; }
    .measure { fill: #b04a12; font-weight: 600; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e3eaf2; }
      .row, .tick { fill: #9db0c4; }
      .back { fill: #10161f; stroke: #2b3747; }
      .grid { stroke: #1e2835; }
      .caller { fill: #17304f; stroke: #4f83c4; }
      .agent { fill: #163626; stroke: #4c9a6c; }
      .mark { fill: #b294ea; }
      .wait { stroke: #f0914f; }
      .measure { fill: #f5a269; }
    }
"""


def draw(record: Mapping[str, Any]) -> str:
    """Return the picture of a call record (see ``call_record``)."""
    picture, box = _Picture(record), f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" role="img" {box}>',
            f"  <title>{escape(_title(record))}</title>",
            f"  <style>{_STYLE}  </style>",
            f'  <rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>',
            *(f"  {line}" for line in picture.lines()),
            "</svg>",
            "",
        ]
    )


def _title(record: Mapping[str, Any]) -> str:
    return (
        f"A measured call of {record['ended']:.1f} s: first audio after {record['first_audio_seconds']:.2f} s, "
        f"answer after {record['answer_seconds'][0]:.2f} s"
    )


class _Picture:
    """One call on its time axis."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record
        # The whole call fills the width, however long it is.
        self._scale: float = (_RIGHT - _LEFT) / record["ended"]

    def lines(self) -> Iterator[str]:
        """Yield the elements, background first."""
        yield _text(20, 34, self._record["command"], "command")
        yield from self._axis()
        yield from self._twilio()
        for span in self._record["caller"]:
            yield self._bar("caller", span, _CALLER, _CALLER_HEIGHT)
            yield _text(self._x(span["to"]) + 7, _CALLER + 17, f"“{span['text']}”")
        for span in self._record["agent"]:
            yield self._bar("agent", span, _AGENT, _AGENT_HEIGHT)
            yield from self._wrapped(span)
        yield from self._waits()
        yield from self._model()

    def _x(self, seconds: float) -> float:
        return _LEFT + seconds * self._scale

    def _axis(self) -> Iterator[str]:
        for row, name in (
            (_TWILIO, "Twilio"),
            (_CALLER + 17, "Caller"),
            (_AGENT + 40, "Agent"),
            (_MODEL + 13, "Model"),
        ):
            yield _text(20, row, name, "row")
        # Every two seconds: the labels of every second would touch in a long call.
        for second in range(0, int(self._record["ended"]) + 1, 2):
            x = self._x(second)
            yield f'<line class="grid" x1="{x:.1f}" y1="{_TWILIO + 10}" x2="{x:.1f}" y2="{_AXIS}"/>'
            yield _text(x, _AXIS + 18, f"{second} s", "tick", anchor="middle")

    def _twilio(self) -> Iterator[str]:
        twiml, socket = (self._record[f"{name}_seconds"] * 1000 for name in ("twiml", "socket"))
        yield f'<circle class="mark" cx="{self._x(0):.1f}" cy="{_TWILIO - 4}" r="4"/>'
        words = f"signed webhook answered with TwiML in {twiml:.0f} ms, media stream open after {socket:.0f} ms"
        yield _text(self._x(0) + 10, _TWILIO, words)

    def _bar(self, kind: str, span: Mapping[str, Any], top: int, height: int) -> str:
        left, width = self._x(span["from"]), (span["to"] - span["from"]) * self._scale
        return f'<rect class="{kind}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" rx="6"/>'

    def _wrapped(self, span: Mapping[str, Any]) -> Iterator[str]:
        """Yield the agent's words, wrapped inside its bar."""
        width = (span["to"] - span["from"]) * self._scale
        # A bar can be narrower than a word, which then overlaps instead of breaking into letters.
        most = max(8, int((width - 12) / _CHARACTER))
        wrapped = textwrap.wrap(span["text"], most, max_lines=_AGENT_HEIGHT // 16, placeholder=" …")
        first = _AGENT + _AGENT_HEIGHT / 2 + 4 - 8 * (len(wrapped) - 1)
        for number, words in enumerate(wrapped):
            yield _text(self._x(span["from"]) + width / 2, first + 16 * number, words, anchor="middle")

    def _waits(self) -> Iterator[str]:
        """Yield the caller's waits for the first audio and for each reply."""
        started, first = self._record["stream_started"], self._record["first_audio_seconds"]
        yield from self._wait(started, started + first, f"first audio after {first:.2f} s")
        for turn, seconds in zip(self._record["caller"], self._record["answer_seconds"], strict=True):
            yield from self._wait(turn["to"], turn["to"] + seconds, f"answer after {seconds:.2f} s")

    def _wait(self, start: float, end: float, words: str) -> Iterator[str]:
        left, right, y = self._x(start), self._x(end), _WAITS
        yield f'<path class="wait" d="M{left:.1f} {y - 5}v10M{left:.1f} {y}H{right:.1f}M{right:.1f} {y - 5}v10"/>'
        yield _text(right + 7, y + 4, words, "measure")

    def _model(self) -> Iterator[str]:
        for number, event in enumerate(self._record["model"]):
            x, y = self._x(event["at"]), _MODEL + _ROW * number + 9
            yield f'<circle class="mark" cx="{x:.1f}" cy="{y}" r="4"/>'
            quoted = event["text"] if event["label"] == "tool" else f"“{event['text']}”"
            words = f"{event['label']}: {quoted}"
            # Near the right edge a label stands to the left of its mark.
            fits = x + 10 + len(words) * _CHARACTER < _RIGHT
            yield _text(x + (10 if fits else -10), y + 4, words, anchor="" if fits else "end")


def _text(x: float, y: float, words: str, kind: str = "", *, anchor: str = "") -> str:
    attributes = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(words)}</text>'
