"""Was the call as expected? Every answer is a sentence, an empty list means yes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from standins.speech import contains
from voice_agent.call.caller import CallResult
from voice_agent.call.running import ModelView
from voice_agent.call.speakers import Recording, Sound, Speaker, answers, fallbacks, sounds, was_transferred
from voice_agent.call.turns import Spoken, Turn, choices, choose

_RECORDINGS: Final = {
    "hold": "the hold announcement",
    "hold_on": "the hold announcement",
    "look_up": "the recording that something is looked up",
    "sorry": "the apology",
}


@dataclass(frozen=True)
class Reading:
    """What the recogniser made of one speaker's words, and when they began on the timeline."""

    at: float
    turn: int
    """0 is the greeting, 1 the answer to the first turn."""
    speaker: Speaker
    text: str


@dataclass
class Reviewed:
    """A call with what is known of it beside the line itself."""

    result: CallResult
    view: ModelView | None
    transcripts: list[str | None]
    """What the recogniser made of the greeting and of each answer; None where there is nothing."""
    readings: list[Reading] = field(default_factory=list)
    """The same by speaker."""
    recordings: list[Recording] = field(default_factory=list)
    """What the service played in place of the model, as far as its log can be read."""

    @property
    def transcript(self) -> str:
        """All of it."""
        return " ".join(text for text in self.transcripts if text)

    @property
    def sounds(self) -> list[Sound]:
        """All that was heard, by speaker."""
        zero = self.result.timeline.began_at
        said = [item["at"] - zero for item in self.view.said] if self.view is not None else []
        return sounds(self.result, self.recordings, said)

    @property
    def waits(self) -> list[float]:
        """How long after each turn's last sound the model's own answer began, of those that it answered."""
        waits = []
        for turn, heard in zip(self.result.turns, answers(self.result.turns, self.sounds), strict=True):
            first = next((sound.began for sound in heard if sound.is_model), None)
            if first is not None:
                waits.append(first - turn.ended)
        return waits


@dataclass(frozen=True)
class Expected:
    """What a call is held against."""

    tool: str
    text: str
    turns: Sequence[Turn]
    inside_visible: bool
    """Whether tools can be seen: not from outside a deployment."""
    speech: bool = False
    """Whether the agent itself has to answer, and not a recording such as its apology."""


def judge(call: Reviewed, expected: Expected) -> list[str]:
    """Return what is wrong with a call."""
    wrong = [call.result.failure] if call.result.failure else []
    wrong += _replaced(call)
    if expected.speech and not wrong:
        wrong += _silence(call.result)
    if expected.tool:
        wrong += _tool(call.view, expected)
    if expected.text:
        text = choose(expected.text, call.result.caller)
        if not contains(call.transcript, text):
            wrong.append(f"expected to hear {text!r}, the recogniser heard {call.transcript!r}")
    return wrong + _cross_talk(call, expected.turns)


def late(calls: Sequence[Reviewed], seconds: float) -> list[list[str]]:
    """Return for each call what is wrong with its answers, where most answers of many calls came late."""
    slowest = [max(call.waits, default=0.0) for call in calls]
    are_late = [wait > seconds for wait in slowest]
    if len(calls) < 2 or sum(are_late) * 2 <= len(calls):  # noqa: PLR2004 - one call is no load
        return [[] for _ in calls]
    most = f"most of {len(calls)} calls were answered late"
    return [
        [f"answered after {wait:.1f} s, later than {seconds:g} s: {most}"] if is_late else []
        for wait, is_late in zip(slowest, are_late, strict=True)
    ]


def _replaced(call: Reviewed) -> list[str]:
    """Say where something else than the model's own words was heard. One sentence is enough: one cause has many."""
    heard = call.sounds
    if not call.result.timeline.named("stream_started"):
        return []  # the failure says so
    if ran := fallbacks(call.result):
        return [f"the agent was lost, and the fallback ran: {', then '.join(ran)}"]
    if any(one.name == "sorry" for one in call.recordings):
        return ["the agent was lost: the apology was played"]
    if not any(sound.is_model for sound in heard):
        return [f"the agent did not speak in the model's own words: {_instead(heard)} was all that was heard"]
    return [] if was_transferred(call.result) else _unanswered(call, heard)


def _unanswered(call: Reviewed, heard: Sequence[Sound]) -> list[str]:
    """Name the first turn to which something was heard, but not the model."""
    turns = zip(call.result.turns, answers(call.result.turns, heard), strict=True)
    wrong = [(turn, answer) for turn, answer in turns if answer and not any(sound.is_model for sound in answer)]
    return [
        f"{turn.label!r} was not answered in the model's own words: {_instead(answer)} was all"
        for turn, answer in wrong[:1]
    ]


def _instead(heard: Sequence[Sound]) -> str:
    names = {
        _RECORDINGS.get(sound.recording, "a recording")
        if sound.recording
        else {Speaker.PERSON: "a person", Speaker.FALLBACK: "the fallback"}.get(sound.speaker, "silence")
        for sound in heard
    }
    return " and ".join(sorted(names)) or "silence"


def _silence(result: CallResult) -> list[str]:
    """Look for an answer of the agent's own: it marks the end of what it says, and of no recording."""
    asked = result.turns[-1].began if result.turns else 0.0
    if any(mark.at >= asked for mark in result.timeline.named("mark")):
        return []
    return ["the agent did not answer: the caller heard recordings at most, so it cannot reach its model"]


def _tool(view: ModelView | None, expected: Expected) -> list[str]:
    if not expected.inside_visible:
        return [f"expected the tool {expected.tool}, but tools cannot be seen from outside a deployment"]
    if view is None:
        return [f"expected the tool {expected.tool}, but the model stand-in knows no session of this call"]
    used = [tool["name"] for tool in view.tools]
    if expected.tool in used:
        return []
    return [f"expected the tool {expected.tool}, used: {', '.join(used) or 'none'}"]


def _cross_talk(call: Reviewed, turns: Sequence[Turn]) -> list[str]:
    """Look in one caller's sound for what only others asked about."""
    wrong = []
    for turn in turns:
        if isinstance(turn, Spoken):
            own = choose(turn.text, call.result.caller)
            others = [part for part in choices(turn.text) if not contains(own, part)]
            wrong += [
                f"heard {other!r}, which another caller asked" for other in others if contains(call.transcript, other)
            ]
    return wrong
