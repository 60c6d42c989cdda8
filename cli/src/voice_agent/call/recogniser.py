"""Read what a caller heard: the recogniser gets the recording alone, and the model stand-in has no part in it."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from standins.speech import transcribe_answer
from standins.twilio import mulaw
from voice_agent.call.caller import CallResult
from voice_agent.call.speakers import Speaker, sounds, spans
from voice_agent.call.verdict import Reading

_SPOKEN = {Speaker.AGENT, Speaker.FALLBACK, Speaker.PERSON}
"""A telephone that rings elsewhere says nothing."""


async def readings(result: CallResult) -> list[Reading]:
    """Read the greeting and each answer, by speaker, in a thread: the call is over, only the terminal waits."""
    heard = sounds(result)
    edges = [0.0, *(turn.ended for turn in result.turns), float("inf")]
    found = []
    for turn, (start, stop) in enumerate(pairwise(edges)):
        for span in spans(result):
            began, ended = max(start, span.began), min(stop, span.ended)
            if began >= ended or span.speaker not in _SPOKEN:
                continue
            pcm = result.heard(began, None if ended == float("inf") else ended)
            if any(pcm) and (text := await asyncio.to_thread(transcribe_answer, pcm, mulaw.RATE)):
                at = next((one.began for one in heard if one.speaker is span.speaker and one.began >= began), began)
                found.append(Reading(at, turn, span.speaker, text))
    return found


def transcripts(result: CallResult, read: Sequence[Reading]) -> list[str | None]:
    """Return the greeting and each answer, all speakers together; None where there is nothing."""
    return [" ".join(one.text for one in read if one.turn == turn) or None for turn in range(len(result.turns) + 1)]
