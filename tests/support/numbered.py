"""Sound that carries numbers: each 20 ms say which they are, so that what is lost or heard twice can be counted.

A number is 15 bits, each ten samples above or below zero, behind one bit that is always above. µ-law keeps the signs.
"""

from collections.abc import Iterator

import numpy as np

_BITS = 16
_SAMPLES = 10
FRAME_BYTES = _BITS * _SAMPLES * 2
"""20 ms of 16-bit PCM at 8 kHz."""
QUIET, LOUD = 300, 6000
"""Amplitudes below and above what counts as speech."""


def frame(number: int, amplitude: int = QUIET) -> bytes:
    """Make 20 ms of 16-bit PCM at 8 kHz that say which they are."""
    bits = [1, *((number >> place) & 1 for place in range(_BITS - 1))]
    signs = np.repeat(np.array(bits) * 2 - 1, _SAMPLES)
    sound: bytes = (signs * amplitude).astype("<i2").tobytes()
    return sound


def numbers_in(pcm: bytes) -> list[int]:
    """Read the numbers of all whole frames, in order; silence and speech between them are passed over."""
    return list(_numbers(np.frombuffer(pcm, "<i2").astype(np.int32)))


def _numbers(samples: "np.ndarray[tuple[int], np.dtype[np.int32]]") -> Iterator[int]:
    for at in range(0, len(samples) - _BITS * _SAMPLES + 1, _BITS * _SAMPLES):
        bits = samples[at : at + _BITS * _SAMPLES].reshape(_BITS, _SAMPLES)
        level = np.abs(bits)
        same_sign = (np.abs(bits.sum(axis=1)) == level.sum(axis=1)).all()
        if same_sign and level.min() > QUIET // 2 and bits[0, 0] > 0:
            yield int(sum((bits[place + 1, 0] > 0) << place for place in range(_BITS - 1)))
