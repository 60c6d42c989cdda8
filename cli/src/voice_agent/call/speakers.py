"""Who is heard on a call, and when: the agent, the fallback's verbs or a person. Read off the timeline alone. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from voice_agent.call.caller import CallResult, Exchanged

RECORDING_LEAD: Final = 0.75
"""Seconds before a sound in which the service's log tells of a recording, for the sound to be that recording."""
_RECORDING_LAG: Final = 0.1
"""The same after it: two programs look at the clock."""


class Speaker(StrEnum):
    """Whose sound the caller hears."""

    AGENT = "agent"
    """What comes over the media stream: the model, or a recording that the service plays in its place."""
    FALLBACK = "fallback"
    """Twilio itself, which executes the verbs behind a stream that is lost, or of a call that was turned away."""
    RINGING = "ringing"
    PERSON = "person"
    NONE = "none"


_HOLDERS: Final = {
    "stream_started": Speaker.AGENT,
    "stream_closed": Speaker.NONE,
    "say": Speaker.FALLBACK,
    "play": Speaker.FALLBACK,
    "dial": Speaker.RINGING,
    "dial_bridged": Speaker.PERSON,
    "dial_ended": Speaker.NONE,
    "redirected": Speaker.NONE,
    "ended": Speaker.NONE,
}


@dataclass(frozen=True)
class Span:
    """A time in which one speaker holds the line; all times are seconds of the timeline."""

    began: float
    ended: float
    speaker: Speaker


@dataclass(frozen=True)
class Sound:
    """Something that was heard, by one speaker."""

    began: float
    ended: float
    speaker: Speaker
    recording: str = ""
    """Name of the recording that the service played in place of the model, where it was one."""

    @property
    def is_model(self) -> bool:
        """Whether it may be the model's own words."""
        return self.speaker is Speaker.AGENT and not self.recording


@dataclass(frozen=True)
class Recording:
    """A recording that the service played in place of the model: `at` is in seconds of the timeline."""

    at: float
    name: str


def spans(result: CallResult) -> list[Span]:
    """Divide a call by who holds its line."""
    changes: list[tuple[float, Speaker]] = []
    for event in result.timeline.events:
        speaker = _HOLDERS.get(event.name)
        # The exchange plays the person itself.
        acted_out = event.name == "say" and bool(changes) and changes[-1][1] is Speaker.PERSON
        if speaker is not None and not acted_out:
            changes.append((event.at, speaker))
    ends = [at for at, _ in changes[1:]] + [float("inf")]
    return [Span(at, end, speaker) for (at, speaker), end in zip(changes, ends, strict=True) if end > at]


def sounds(result: CallResult, recordings: Sequence[Recording] = (), said: Sequence[float] = ()) -> list[Sound]:
    """Return all that was heard, in order, divided by speaker.

    Args:
        result: Of the call.
        recordings: What the service's log says that it played.
        said: When the model said something, where that can be seen: a recording that runs into its words is an answer.
    """
    events = [event for event in result.timeline.events if event.name in {"sound_begins", "sound_ends"}]
    stops = [event.at for event in events if event.name == "sound_ends"]
    starts = [event.at for event in events if event.name == "sound_begins"]
    heard = []
    for began in starts:
        ended = next((at for at in stops if at >= began), float("inf"))
        for span in spans(result):
            start, stop = max(began, span.began), min(ended, span.ended)
            if start < stop and span.speaker in {Speaker.AGENT, Speaker.FALLBACK, Speaker.PERSON}:
                heard.append(Sound(start, stop, span.speaker, _recording(start, stop, span, recordings, said)))
    return heard


def _recording(start: float, stop: float, span: Span, recordings: Sequence[Recording], said: Sequence[float]) -> str:
    if span.speaker is not Speaker.AGENT or any(start <= at < stop for at in said):
        return ""
    near = (one.name for one in recordings if start - RECORDING_LEAD <= one.at <= start + _RECORDING_LAG)
    return next(near, "")


def answers(turns: Sequence[Exchanged], heard: Sequence[Sound]) -> list[list[Sound]]:
    """Return the sounds that followed each turn, up to the next one."""
    edges = [turn.ended for turn in turns] + [float("inf")]
    return [[sound for sound in heard if began <= sound.began < until] for began, until in pairwise(edges)]


def fallbacks(result: CallResult) -> list[str]:
    """Return what ran on a call because the agent was lost: each in a few words.

    A person is dialled by the agent through Twilio's REST service; a dial that nothing of this kind went before is the
    document's own.
    """
    found: list[str] = []
    asked = bridged = dialled = False
    for event in result.timeline.events:
        match event.name:
            case "redirected":
                asked, bridged, dialled = True, False, False
            case "twiml":  # what comes after a dial may be the next address
                asked = asked and dialled
            case "stream_started":
                asked = dialled = False
            case "dial_bridged":
                bridged = True
            case "say" if not bridged:
                found.append(f"“{event.fields['text']}”")
            case "play" if not bridged:
                found.append(f"the recording at {event.fields['url']}")
            case "dial" if asked:
                dialled = True
            case "dial":
                found.append(f"a call to {', '.join(map(str, _list(event.fields['targets'])))}")
    return found


def was_transferred(result: CallResult) -> bool:
    """Tell whether the agent put the caller through to a person."""
    asked = False
    for event in result.timeline.events:
        if event.name in {"twiml", "stream_started"}:
            asked = False
        asked = asked or event.name == "redirected"
        if event.name == "dial" and asked:
            return True
    return False


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
