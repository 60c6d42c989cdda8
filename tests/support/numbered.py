"""Numbered audio: each 20 ms carry their number, so that a test can count what is lost or heard twice.

A number is 15 bits, each ten samples above or below zero, behind one bit that is always above. µ-law keeps the signs.
"""

import functools

import numpy as np

_BITS = 16
_SAMPLES = 10
_FRAME_SAMPLES = _BITS * _SAMPLES
FRAME_BYTES = _FRAME_SAMPLES * 2
"""20 ms of 16-bit PCM at 8 kHz."""
QUIET, LOUD = 300, 6000
"""Amplitudes below and above the threshold of speech."""


@functools.cache
def frame(number: int, amplitude: int = QUIET) -> bytes:
    """Return 20 ms of 16-bit PCM at 8 kHz that carry their number."""
    bits = [1, *((number >> place) & 1 for place in range(_BITS - 1))]
    signs = np.repeat(np.array(bits) * 2 - 1, _SAMPLES)
    sound: bytes = (signs * amplitude).astype("<i2").tobytes()
    return sound


def numbers_in(pcm: bytes) -> list[int]:
    """Read the numbers of all whole frames, in order; skip silence and speech between them."""
    samples = np.frombuffer(pcm, "<i2").astype(np.int32)
    frames = samples[: len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _BITS, _SAMPLES)
    level = np.abs(frames)
    same_sign = (np.abs(frames.sum(axis=2)) == level.sum(axis=2)).all(axis=1)
    numbered = same_sign & (level.min(axis=(1, 2), initial=QUIET) > QUIET // 2) & (frames[:, 0, 0] > 0)
    numbers: list[int] = ((frames[numbered, 1:, 0] > 0) @ (1 << np.arange(_BITS - 1))).tolist()
    return numbers
