"""Reduce steady noise, such as a busy room, by spectral subtraction (Boll, 1979)."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

type Samples = NDArray[np.float64]

_FRAME = 256
"""Samples of a spectrum: 32 ms at 8 kHz, within which speech hardly changes."""
_HOP = _FRAME // 2
_QUIETEST = 20
"""Percentile of each frequency's levels that is taken for noise: speech pauses at least as often."""
_SUBTRACTED = 1.5
"""Times the noise level. With a busy room 25 dB below the voice, 18 of 20 rehearsed lines about the weather are read as
without noise, and 9 without this; twice as much distorts speech that has no noise.
"""
_CLEAN = 10 ** (36 / 10)
"""Power of the loudest speech, in times that of the noise, from which a recogniser hears as well without this: a
room 25 dB below the average voice is reduced, one 30 dB below is not.
"""
_LOUDEST = 95
"""Percentile of the frames' power that is taken for the voice."""
_KEPT = 0.1
"""Smallest factor of a frequency: single frequencies that come and go sound like words."""


def reduced(pcm: bytes) -> bytes:
    """Return 16-bit mono PCM of the same length with less steady noise; audio without noise stays as it is.

    Args:
        pcm: One utterance with the pauses around it.
    """
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64)
    if len(samples) < _FRAME:
        return pcm
    # Half a frame before and a whole one after, so that every sample lies in two frames.
    padded = np.concatenate([np.zeros(_HOP), samples, np.zeros(_FRAME + -len(samples) % _HOP)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP] * _window()
    spectra = np.fft.rfft(frames, axis=1)
    levels = np.abs(spectra)
    # Digital silence says nothing about the noise of the room.
    audible = levels[levels.sum(axis=1) > 1]
    if not len(audible):
        return pcm
    noise = np.percentile(audible, _QUIETEST, axis=0)
    voice = np.percentile((audible**2).sum(axis=1), _LOUDEST)
    # What is taken away from clean speech is speech.
    if voice > _CLEAN * (noise**2).sum():
        return pcm
    factors = np.maximum(1 - _SUBTRACTED * noise / np.maximum(levels, 1), _KEPT)
    cleaned = _added(np.fft.irfft(spectra * factors, _FRAME, axis=1))[_HOP : _HOP + len(samples)]
    return np.clip(cleaned, -32768, 32767).astype("<i2").tobytes()


def _added(frames: Samples) -> Samples:
    """Overlap frames by half, and add them up."""
    halves = np.zeros((len(frames) + 1, _HOP))
    halves[:-1] += frames[:, :_HOP]
    halves[1:] += frames[:, _HOP:]
    return halves.ravel()


@cache
def _window() -> Samples:
    # Periodic, so that two halves add up to one.
    window: Samples = np.hanning(_FRAME + 1)[:-1]
    return window
