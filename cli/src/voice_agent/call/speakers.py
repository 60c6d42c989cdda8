"""Identify the speakers of a call from its timeline: the agent, the fallback or a person. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from voice_agent.call.caller import CallResult, Exchanged

RECORDING_LEAD: Final = 0.75
"""Longest time in seconds from the log line of a recording to the audio that is this recording."""
_RECORDING_LAG: Final = 0.1
"""Longest time in seconds by which the log line may follow the audio, because two programs read the clock."""


class Speaker(StrEnum):
    """The speakers that a caller can hear."""

    AGENT = "agent"
    """The media stream: the model, or a recording that the service plays instead."""
    FALLBACK = "fallback"
    """Twilio itself, which executes the verbs after a lost stream or of a rejected call."""
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
    """An interval in which one speaker holds the line, in seconds of the timeline."""

    began: float
    ended: float
    speaker: Speaker


@dataclass(frozen=True)
class Sound:
    """Continuous audio of one speaker."""

    began: float
    ended: float
    speaker: Speaker
    recording: str = ""
    """Name of the recording that the service played instead of the model; empty if it was none."""

    @property
    def is_model(self) -> bool:
        """Whether it can be the model's own words."""
        return self.speaker is Speaker.AGENT and not self.recording


@dataclass(frozen=True)
class Recording:
    """A recording that the service played instead of the model; `at` is in seconds of the timeline."""

    at: float
    name: str


def spans(result: CallResult) -> list[Span]:
    """Return the intervals of a call by speaker."""
    changes: list[tuple[float, Speaker]] = []
    for event in result.timeline.events:
        speaker = _HOLDERS.get(event.name)
        # During a transfer the exchange speaks as the person, with the same event.
        acted_out = event.name == "say" and bool(changes) and changes[-1][1] is Speaker.PERSON
        if speaker is not None and not acted_out:
            changes.append((event.at, speaker))
    ends = [at for at, _ in changes[1:]] + [float("inf")]
    return [Span(at, end, speaker) for (at, speaker), end in zip(changes, ends, strict=True) if end > at]


def sounds(result: CallResult, recordings: Sequence[Recording] = (), said: Sequence[float] = ()) -> list[Sound]:
    """Return everything that the caller heard, in order, divided by speaker.

    Args:
        result: The result of the call.
        recordings: The recordings in the service's log.
        said: When the model spoke, where that is known: a recording that runs into its words counts as a reply.
    """
    events = [event for event in result.timeline.events if event.name in {"sound_begins", "sound_ends"}]
    stops = [event.at for event in events if event.name == "sound_ends"]
    starts = [event.at for event in events if event.name == "sound_begins"]
    heard = []
    for began in starts:
        ended = next((at for at in stops if at >= began), float("inf"))
        # One stretch of audio can belong to several speakers, such as the agent and then a person.
        for span in spans(result):
            start, stop = max(began, span.began), min(ended, span.ended)
            if start < stop and span.speaker in {Speaker.AGENT, Speaker.FALLBACK, Speaker.PERSON}:
                heard.append(Sound(start, stop, span.speaker, _recording(start, stop, span, recordings, said)))
    return heard


def _recording(start: float, stop: float, span: Span, recordings: Sequence[Recording], said: Sequence[float]) -> str:
    if span.speaker is not Speaker.AGENT or any(start <= at < stop for at in said):
        return ""
    # The service logs a recording when it queues it, a moment before its first frame is heard.
    near = (one.name for one in recordings if start - RECORDING_LEAD <= one.at <= start + _RECORDING_LAG)
    return next(near, "")


def answers(turns: Sequence[Exchanged], heard: Sequence[Sound]) -> list[list[Sound]]:
    """Return the audio that followed each turn, up to the next turn."""
    edges = [turn.ended for turn in turns] + [float("inf")]
    return [[sound for sound in heard if began <= sound.began < until] for began, until in pairwise(edges)]


def fallbacks(result: CallResult) -> list[str]:
    """Return what Twilio executed on a call because the agent was lost, each in a few words.

    The agent dials a person through Twilio's REST API, which redirects the call first. A dial without a redirect is the
    fallback's own.
    """
    found: list[str] = []
    asked = bridged = dialled = False
    for event in result.timeline.events:
        match event.name:
            case "redirected":
                asked, bridged, dialled = True, False, False
            case "twiml":  # after a dial this may be the next destination
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
    """Return whether the agent transferred the caller to a person."""
    asked = False
    for event in result.timeline.events:
        # A new document or stream ends what the redirect asked for, so a later dial is not its dial.
        if event.name in {"twiml", "stream_started"}:
            asked = False
        asked = asked or event.name == "redirected"
        if event.name == "dial" and asked:
            return True
    return False


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
