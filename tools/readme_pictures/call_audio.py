"""Make the README's recording: both sides of the measured call, as they were on the telephone line."""

from __future__ import annotations

import asyncio
import io
import wave
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np

from standins.twilio import mulaw
from standins.twilio.voice import open_voice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RATE: Final = 16_000
"""Hz of the MP3 file: some players do not know the 8 kHz variant (MPEG 2.5)."""
_BIT_RATE: Final = 32_000
_TAIL_SECONDS: Final = 0.5
"""Silence after the last word, so that a player does not cut it."""


def call_audio(measured: Mapping[str, Any], heard: bytes) -> bytes:
    """Return the call as an MP3 file, mono.

    Args:
        measured: The document that `voice-agent call --json` prints for one call.
        heard: What its caller heard: a WAV file of 8 kHz that begins when the call is answered.
    """
    with wave.open(io.BytesIO(heard)) as file:
        agent = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    answered = next(event["at"] for event in measured["timeline"] if event["event"] == "answered")
    turns = [(turn["began"] - answered, said(turn["label"])) for turn in measured["turns"]]
    return encoded(mixed(agent, turns))


def said(words: str) -> NDArray[np.int16]:
    """Return what the simulated caller sends for these words: its voice is the same in each run."""
    return asyncio.run(_said(words))


async def _said(words: str) -> NDArray[np.int16]:
    async with open_voice(started=True) as speak:
        if speak is None:
            raise RuntimeError("no voice is installed")
        pcm = await speak(words, mulaw.RATE)
    # Through the telephone's codec, as the agent's side has been.
    return np.frombuffer(mulaw.decode(mulaw.encode(pcm)), np.int16)


def mixed(agent: NDArray[np.int16], turns: list[tuple[float, NDArray[np.int16]]]) -> NDArray[np.int16]:
    """Return both sides in one channel, 8 kHz. A turn is its seconds from the start, and its samples."""
    placed = [(round(at * mulaw.RATE), samples) for at, samples in turns]
    length = max([len(agent), *(first + len(samples) for first, samples in placed)])
    both = np.zeros(length + int(_TAIL_SECONDS * mulaw.RATE), np.int32)
    both[: len(agent)] += agent
    for first, samples in placed:
        both[first : first + len(samples)] += samples
    return both.clip(-32768, 32767).astype(np.int16)


def encoded(samples: NDArray[np.int16]) -> bytes:
    """Return 8 kHz samples as an MP3 file, which browsers and players know."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "mono")
        frame.sample_rate = mulaw.RATE
        resampler = av.AudioResampler("s16p", "mono", RATE, frame_size=stream.codec_context.frame_size or 576)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return target.getvalue()
