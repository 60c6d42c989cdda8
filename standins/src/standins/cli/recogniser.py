"""Read what a caller heard: the recogniser gets the recording alone, and the model stand-in has no part in it."""

import asyncio

from standins.cli.caller import CallResult
from standins.speech import transcribe_answer
from standins.twilio import mulaw


async def transcripts(result: CallResult) -> list[str | None]:
    """Read the greeting and each answer, in a thread: the call is over, only the terminal waits."""
    edges = [0.0, *(turn.ended for turn in result.turns)]
    ends = [*(turn.ended for turn in result.turns), None]
    pieces = [result.heard(start, stop) for start, stop in zip(edges, ends, strict=True)]
    return [await asyncio.to_thread(transcribe_answer, pcm, mulaw.RATE) if any(pcm) else None for pcm in pieces]
