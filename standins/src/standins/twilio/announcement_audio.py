"""Audio that the stand-in plays: speech, recordings, and the ringing tone."""

import asyncio
import contextlib
import io
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import httpx
import numpy as np
import soundfile
import soxr

from standins.speech.voice import NoVoiceError
from standins.twilio import mulaw

type Speak = Callable[[str, int], Awaitable[bytes]]
"""Converts text to 16-bit mono PCM at a sample rate."""

_SECONDS_PER_CHARACTER: Final = 0.06
_RING: Final = 2
_RING_PERIOD: Final = 6
_MAX_RECORDING: Final = 8 * 1024 * 1024
_PLAY_SECONDS: Final = 10.0


class UnreadableSoundError(Exception):
    """The file does not contain readable audio."""


def silence(seconds: float) -> bytes:
    """Return µ-law silence."""
    return mulaw.SILENCE * int(seconds * mulaw.RATE)


def ringback(seconds: float) -> bytes:
    """Return the ringing tone: 440 and 480 Hz, two seconds in six."""
    # The North American ringing tone, which Twilio plays everywhere.
    time = np.arange(int(seconds * mulaw.RATE)) / mulaw.RATE
    tone = 3000 * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 480 * time)) * (time % _RING_PERIOD < _RING)
    return mulaw.encode(tone.astype(np.int16).tobytes())


@dataclass(frozen=True)
class SpokenText:
    """A text as audio, or as silence of a similar length."""

    mulaw: bytes
    aloud: bool


async def spoken(text: str, speak: Speak | None) -> SpokenText:
    """Return a text as µ-law; without a voice, as silence about as long as the spoken text."""
    # Without a voice the durations still resemble speech, so calls run the same way.
    with contextlib.suppress(NoVoiceError):
        if speak is not None:
            return SpokenText(mulaw.encode(await speak(text, mulaw.RATE)), aloud=True)
    return SpokenText(silence(len(text) * _SECONDS_PER_CHARACTER), aloud=False)


def read_wav(content: bytes) -> bytes:
    """Convert a recording of any sample rate and number of channels to 16-bit mono PCM at 8 kHz.

    Reads what libsndfile reads: WAV with PCM, float, µ-law or A-law, FLAC, Ogg, MP3.

    Raises:
        UnreadableSoundError: The content is something else.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = f"not readable as audio ({error.error_string})"
        raise UnreadableSoundError(reason) from error
    # Average the channels: a phone call has one.
    mono = samples.mean(axis=1)
    at_8k = mono if rate == mulaw.RATE else soxr.resample(mono, rate, mulaw.RATE, quality="HQ")
    pcm: bytes = (np.clip(at_8k, -1, 32767 / 32768) * 32768).round().astype(np.int16).tobytes()
    return pcm


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
    """Return the recording at a URL as µ-law.

    Raises:
        UnreadableSoundError: The URL does not respond, or not with audio.
    """
    try:
        # No proxies: these are the application's own files.
        async with asyncio.timeout(_PLAY_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            response = (await client.get(url)).raise_for_status()
    except (httpx.HTTPError, TimeoutError) as error:
        reason = f"{type(error).__name__} at {url}"
        raise UnreadableSoundError(reason) from error
    if len(response.content) > _MAX_RECORDING:
        reason = "the recording is too large"
        raise UnreadableSoundError(reason)
    return mulaw.encode(read_wav(response.content))
