"""Transcribe what a caller heard, from the recording alone and independently of the model stand-in."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise

from standins.speech import transcribe_answer
from standins.twilio import mulaw
from voice_agent.call.caller import CallResult
from voice_agent.call.speakers import Speaker, sounds, spans
from voice_agent.call.verdict import Reading

_SPOKEN = {Speaker.AGENT, Speaker.FALLBACK, Speaker.PERSON}
"""The speakers to transcribe; a ringing telephone has no words."""


type Transcribe = Callable[[bytes, int], str]
"""Returns the words of 16-bit mono PCM at a rate in Hz; blocks."""


async def readings(result: CallResult, transcribe: Transcribe = transcribe_answer) -> list[Reading]:
    """Return the transcript of the greeting and each reply, by speaker."""
    heard = sounds(result)
    edges = [0.0, *(turn.ended for turn in result.turns), float("inf")]
    found = []
    for turn, (start, stop) in enumerate(pairwise(edges)):
        for span in spans(result):
            began, ended = max(start, span.began), min(stop, span.ended)
            if began >= ended or span.speaker not in _SPOKEN:
                continue
            # The last interval has no end time, so it extends to the end of the recording.
            pcm = result.heard(began, None if ended == float("inf") else ended)
            # In a thread, because recognition takes seconds and Ctrl-C must still work.
            if any(pcm) and (text := await asyncio.to_thread(transcribe, pcm, mulaw.RATE)):
                at = next((one.began for one in heard if one.speaker is span.speaker and one.began >= began), began)
                found.append(Reading(at, turn, span.speaker, text))
    return found


def transcripts(result: CallResult, read: Sequence[Reading]) -> list[str | None]:
    """Return the transcripts of greeting and replies, all speakers together; None where nothing was recognised."""
    return [" ".join(one.text for one in read if one.turn == turn) or None for turn in range(len(result.turns) + 1)]
