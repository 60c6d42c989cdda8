"""Read what a caller heard: the recogniser gets the recording alone, and the model stand-in has no part in it."""

import asyncio

from standins.cli.caller import CallResult
from standins.speech import transcribe_answer
from standins.twilio import mulaw


async def transcripts(result: CallResult) -> list[str | None]:
    """Read the greeting and each answer, in a thread: the call is over, only the terminal waits."""
    edges = [0.0, *(turn.ended for turn in result.turns)]
    ends = [*(turn.ended for turn in result.turns), None]
    pieces = [_spoken(result, start, stop) for start, stop in zip(edges, ends, strict=True)]
    return [await asyncio.to_thread(transcribe_answer, pcm, mulaw.RATE) if any(pcm) else None for pcm in pieces]


def _spoken(result: CallResult, start: float, stop: float | None) -> bytes:
    """Cut out what was heard while it rang elsewhere: a tone is no speech."""
    rang, answered = result.timeline.last("dial"), result.timeline.last("dial_bridged")
    if rang is None or rang.at < start or (stop is not None and rang.at > stop):
        return result.heard(start, stop)
    return result.heard(start, rang.at) + (result.heard(answered.at, stop) if answered else b"")
