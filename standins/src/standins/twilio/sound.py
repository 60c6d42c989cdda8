"""Sounds of the exchange: its voice, recordings it plays, the tone of a telephone that rings."""

import asyncio
import contextlib
import io
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import httpx
import numpy as np
import soxr

from standins.speech.voice import NoVoiceError
from standins.twilio import mulaw

type Speak = Callable[[str, int], Awaitable[bytes]]
"""Text and sample rate to 16-bit mono PCM."""

_SECONDS_PER_CHARACTER: Final = 0.06
_SAMPLE_BYTES: Final = 2
_RING: Final = 2
_RING_PERIOD: Final = 6
_MAX_RECORDING: Final = 8 * 1024 * 1024
_PLAY_SECONDS: Final = 10.0


class UnreadableSoundError(Exception):
    """A file is not a WAV of 16-bit PCM."""


def silence(seconds: float) -> bytes:
    """Return µ-law silence."""
    return mulaw.SILENCE * int(seconds * mulaw.RATE)


def ringback(seconds: float) -> bytes:
    """Return the tone a caller hears while it rings elsewhere: 440 and 480 Hz, two seconds in six."""
    time = np.arange(int(seconds * mulaw.RATE)) / mulaw.RATE
    tone = 3000 * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 480 * time)) * (time % _RING_PERIOD < _RING)
    return mulaw.encode(tone.astype(np.int16).tobytes())


@dataclass(frozen=True)
class Spoken:
    """A text as sound, or as the silence in its place."""

    mulaw: bytes
    aloud: bool


async def spoken(text: str, speak: Speak | None) -> Spoken:
    """Return a text as µ-law; without a voice, as a silence about as long as the text would be."""
    with contextlib.suppress(NoVoiceError):
        if speak is not None:
            return Spoken(mulaw.encode(await speak(text, mulaw.RATE)), aloud=True)
    return Spoken(silence(len(text) * _SECONDS_PER_CHARACTER), aloud=False)


def read_wav(content: bytes) -> bytes:
    """Turn a WAV of 16-bit PCM, of any rate and number of channels, into 16-bit mono PCM at 8 kHz.

    Raises:
        UnreadableSoundError: it is something else.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate, frames = file.getparams()[:4]
            pcm = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        reason = f"not a WAV file of PCM samples ({error})"
        raise UnreadableSoundError(reason) from error
    if width != _SAMPLE_BYTES:
        reason = f"{width * 8} bits a sample; only 16 are read"
        raise UnreadableSoundError(reason)
    samples = np.frombuffer(pcm[: len(pcm) - len(pcm) % (2 * channels)], dtype=np.int16).reshape(-1, channels)
    mono = samples.astype(np.float32).mean(axis=1) / 32768
    at_8k = mono if rate == mulaw.RATE else soxr.resample(mono, rate, mulaw.RATE, quality="HQ")
    return (np.clip(at_8k, -1, 32767 / 32768) * 32768).round().astype(np.int16).tobytes()


def write_wav(pcm: bytes) -> bytes:
    """Return 16-bit mono PCM at 8 kHz as a WAV file."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(mulaw.RATE)
        file.writeframes(pcm)
    return target.getvalue()


async def fetched(url: str) -> bytes:
    """Return the recording at an address as µ-law.

    Raises:
        UnreadableSoundError: the address does not answer or has no WAV.
    """
    try:
        async with asyncio.timeout(_PLAY_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            response = (await client.get(url)).raise_for_status()
    except (httpx.HTTPError, TimeoutError) as error:
        reason = f"{type(error).__name__} at {url}"
        raise UnreadableSoundError(reason) from error
    if len(response.content) > _MAX_RECORDING:
        reason = "the recording is too large"
        raise UnreadableSoundError(reason)
    return mulaw.encode(read_wav(response.content))
