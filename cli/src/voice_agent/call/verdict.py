"""Check whether a call was as expected. Each failure is a sentence, and an empty list means success."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from standins.speech import contains
from voice_agent.call.caller import CallResult
from voice_agent.call.running import EnteredStage, ModelView
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
    """The transcript of one speaker's words, and when they began on the timeline."""

    at: float
    turn: int
    """0 is the greeting, 1 the reply to the first turn."""
    speaker: Speaker
    text: str


@dataclass
class Reviewed:
    """A call with what the logs and the recogniser add to its result."""

    result: CallResult
    view: ModelView | None
    transcripts: list[str | None]
    """The transcripts of the greeting and of each reply; None where nothing was recognised."""
    readings: list[Reading] = field(default_factory=list)
    """The same transcripts by speaker."""
    recordings: list[Recording] = field(default_factory=list)
    """The recordings that the service played instead of the model, if its log is readable."""
    stages: list[EnteredStage] = field(default_factory=list)
    """The stages of the conversation that have begun, if that log is readable."""

    @property
    def transcript(self) -> str:
        """The whole transcript."""
        return " ".join(text for text in self.transcripts if text)

    @property
    def sounds(self) -> list[Sound]:
        """Everything that the caller heard, by speaker."""
        zero = self.result.timeline.began_at
        said = [item["at"] - zero for item in self.view.said] if self.view is not None else []
        return sounds(self.result, self.recordings, said)

    @property
    def waits(self) -> list[float]:
        """Seconds from the end of each turn to the model's own reply, for the turns that have one."""
        waits = []
        for turn, heard in zip(self.result.turns, answers(self.result.turns, self.sounds), strict=True):
            first = next((sound.began for sound in heard if sound.is_model), None)
            if first is not None:
                waits.append(first - turn.ended)
        return waits


@dataclass(frozen=True)
class Expected:
    """The expectations of a call."""

    tool: str
    text: str
    turns: Sequence[Turn]
    inside_visible: bool
    """Whether the tools are visible; from outside a deployment they are not."""
    speech: bool = False
    """Whether the model itself has to reply; a recording such as the apology does not count."""


def judge(call: Reviewed, expected: Expected) -> list[str]:
    """Return the failures of a call."""
    wrong = [call.result.failure] if call.result.failure else []
    wrong += _replaced(call)
    # A lost agent is silent too, and one cause needs only one sentence.
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
    """Return the late replies of each call, if most of many calls had a late reply."""
    slowest = [max(call.waits, default=0.0) for call in calls]
    are_late = [wait > seconds for wait in slowest]
    if len(calls) < 2 or sum(are_late) * 2 <= len(calls):  # noqa: PLR2004 - one call is not a load
        return [[] for _ in calls]
    most = f"most of {len(calls)} calls were answered late"
    return [
        [f"answered after {wait:.1f} s, later than {seconds:g} s: {most}"] if is_late else []
        for wait, is_late in zip(slowest, are_late, strict=True)
    ]


def _replaced(call: Reviewed) -> list[str]:
    """Return the first sign that the caller heard something other than the model; one cause has many signs."""
    heard = call.sounds
    if not call.result.timeline.named("stream_started"):
        return []  # the call's failure reports it
    # The most specific cause first: after a lost agent the later checks would fail too.
    if ran := fallbacks(call.result):
        return [f"the agent was lost, and the fallback ran: {', then '.join(ran)}"]
    if any(one.name == "sorry" for one in call.recordings):
        return ["the agent was lost: the apology was played"]
    if not any(sound.is_model for sound in heard):
        return [f"the agent did not speak in the model's own words: {_instead(heard)} was all that was heard"]
    return [] if was_transferred(call.result) else _unanswered(call, heard)


def _unanswered(call: Reviewed, heard: Sequence[Sound]) -> list[str]:
    """Return the first turn that was followed by audio, but not by the model."""
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
    """Return a failure if the agent itself did not reply."""
    # The agent sends a mark at the end of the model's speech, but not after a recording.
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
    """Return what a caller heard although only other callers asked about it."""
    wrong = []
    for turn in turns:
        if isinstance(turn, Spoken):
            own = choose(turn.text, call.result.caller)
            # A part that is also in this caller's own text is not cross-talk.
            others = [part for part in choices(turn.text) if not contains(own, part)]
            wrong += [
                f"heard {other!r}, which another caller asked" for other in others if contains(call.transcript, other)
            ]
    return wrong
