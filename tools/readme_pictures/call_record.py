"""Reduce the output of `voice-agent call --json` to what the README's picture of a call shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAUSE_SECONDS = 1.0
"""A shorter pause between two parts of one reply is a pause between sentences."""

type Json = Mapping[str, Any]


def call_record(command: str, measured: Json) -> dict[str, Any]:
    """Return one measured call without its identifiers, times in seconds from the start of the call.

    Args:
        command: The command that makes this call.
        measured: The document that `voice-agent call --json` prints for one call.
    """
    timeline: Sequence[Json] = measured["timeline"]
    turns: Sequence[Json] = measured["turns"]
    # Only what the picture shows: anything else, such as SIDs, would differ in each run.
    return {
        "command": command,
        "ended": _at(timeline, "ended"),
        "stream_started": _at(timeline, "stream_started"),
        "twiml_seconds": _first(timeline, "twiml")["seconds"],
        "socket_seconds": _first(timeline, "stream_open")["seconds"],
        "first_audio_seconds": round(measured["first_audio_seconds"], 3),
        "answer_seconds": list(measured["answer_seconds"]),
        "caller": [_span(turn["began"], turn["ended"], turn["label"]) for turn in turns],
        "agent": _agent(timeline, measured["readings"]),
        "model": _model(measured["model"], measured["began_at"], turns[0]["began"]),
    }


def _agent(timeline: Sequence[Json], readings: Sequence[Json]) -> list[dict[str, Any]]:
    """Return what the caller heard: each span of audio with its transcript."""
    spans: list[dict[str, Any]] = []
    for event in timeline:
        if event["event"] == "sound_begins":
            if spans and event["at"] - spans[-1]["to"] < PAUSE_SECONDS:
                continue
            spans.append(_span(event["at"], event["at"], ""))
        elif event["event"] == "sound_ends" and spans:
            spans[-1]["to"] = round(event["at"], 2)
    for reading in readings:
        # The recogniser's times differ a little from the audio's, so a reading belongs to the nearest span.
        span = min(spans, key=lambda one: abs(one["from"] - reading["at"]))
        span["text"] = f"{span['text']} {reading['text']}".strip()
    return spans


def _model(view: Json, began_at: float, first_turn: float) -> list[dict[str, Any]]:
    """Return what the model stand-in heard, which tools it called and what it said, in order of time.

    Events before the caller's first turn are left out: the instructions, and the greeting, which is in the audio.
    """
    events = [(item["at"], "heard", item["text"]) for item in view["heard"] if not item.get("written")]
    events += [(item["at"], "tool", _call(item)) for item in view["tools"]]
    events += [(item["at"], "said", item["text"]) for item in view["said"]]
    after = [(at - began_at, label, text) for at, label, text in events if at - began_at > first_turn]
    return [{"at": round(at, 2), "label": label, "text": text} for at, label, text in sorted(after)]


def _call(use: Json) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in use["input"].items())
    return f"{use['name']}({arguments})"


def _span(start: float, end: float, text: str) -> dict[str, Any]:
    # Rounded, because the picture shows no more and a new run then changes less of the file.
    return {"from": round(start, 2), "to": round(end, 2), "text": text}


def _first(timeline: Sequence[Json], event: str) -> Json:
    return next(one for one in timeline if one["event"] == event)


def _at(timeline: Sequence[Json], event: str) -> float:
    return round(float(_first(timeline, event)["at"]), 2)
