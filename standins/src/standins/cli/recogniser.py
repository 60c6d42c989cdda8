"""The recogniser for what callers heard, if one is installed; it shares nothing with the model stand-in's session."""

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass

from standins.cli.caller import CallResult
from standins.cli.verdict import Contains, plain_contains
from standins.twilio import mulaw

type Transcribe = Callable[[bytes, int], str]
"""16-bit mono PCM and its rate to words."""


@dataclass(frozen=True)
class Recogniser:
    """How sound becomes text and how texts are compared."""

    transcribe: Transcribe | None
    contains: Contains


def find_recogniser() -> Recogniser:
    """Return what is installed."""
    try:
        speech = importlib.import_module("standins.speech")
        return Recogniser(speech.transcribe_answer, speech.contains)
    except (ImportError, AttributeError):
        return Recogniser(None, plain_contains)


async def transcripts(result: CallResult, recogniser: Recogniser) -> list[str | None]:
    """Read the greeting and each answer, in a thread: the call is over, only the terminal waits."""
    if recogniser.transcribe is None:
        return []
    edges = [0.0, *(turn.ended for turn in result.turns)]
    ends = [*(turn.ended for turn in result.turns), None]
    pieces = [result.heard(start, stop) for start, stop in zip(edges, ends, strict=True)]
    return [await asyncio.to_thread(recogniser.transcribe, pcm, mulaw.RATE) if any(pcm) else None for pcm in pieces]
