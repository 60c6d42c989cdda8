"""Test audio that the other end of the line can detect. Pure.

The caller is silent except for blips of one frame, and the model's replies are a tone. Both are square waves of 500 Hz,
which pass any resampler of a telephone agent.
"""

from typing import Final

import numpy as np

from standins.twilio import mulaw

QUIET: Final = mulaw.SILENCE * mulaw.FRAME
BLIP: Final = (b"\x90" * 8 + b"\x10" * 8) * (mulaw.FRAME // 16)
"""20 ms of µ-law at an amplitude of 16000."""

HEARD: Final = 2000
"""Amplitude above which a sample is not silence; a resampler rings at a hundredth of its input."""
BLIP_GAP: Final = 0.15
"""Seconds within which a second loud sample belongs to the same blip."""

LOW: Final = 6000
HIGH: Final = 20_000
"""Amplitudes of alternate replies, so that a late chunk of one reply is not mistaken for the next."""
_BETWEEN: Final = 12_000

CHUNK_SECONDS: Final = 0.04
"""Length of the chunks that the model sends."""


def tone(seconds: float, rate: int, amplitude: int) -> bytes:
    """Return a square wave as 16-bit mono PCM."""
    count = round(seconds * rate)
    # Two halves of a period of 500 Hz.
    half = rate // 1000
    wave = np.where(np.arange(count) // half % 2, -amplitude, amplitude)
    return wave.astype("<i2").tobytes()


def first_loud(pcm: bytes) -> int | None:
    """Return the index of the first sample of 16-bit PCM that is not silence."""
    samples = np.frombuffer(pcm, "<i2")
    # Most chunks are silent: the two extremes decide faster than a comparison of every sample.
    if not samples.size or (samples.max() <= HEARD and samples.min() >= -HEARD):
        return None
    return int(((samples > HEARD) | (samples < -HEARD)).argmax())


def is_answer(pcm: bytes, amplitude: int) -> bool:
    """Return whether a chunk of 16-bit PCM contains the beginning of a reply of this amplitude."""
    # In 32 bits, because the absolute value of -32768 does not fit into 16.
    peak = int(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)).max(initial=0))
    return peak > _BETWEEN if amplitude == HIGH else HEARD < peak < _BETWEEN


class BlipFinder:
    """Finds blips in a stream of 16-bit PCM in chunks of any size.

    Args:
        rate: Samples per second.
    """

    def __init__(self, rate: int) -> None:
        self._gap = round(BLIP_GAP * rate)
        self._position = 0
        self._quiet_from = 0

    def feed(self, pcm: bytes) -> bool:
        """Process a chunk and return whether a blip begins in it."""
        began = False
        index = first_loud(pcm)
        if index is not None:
            at = self._position + index
            began = at >= self._quiet_from
            self._quiet_from = at + self._gap if began else self._quiet_from
        self._position += len(pcm) // 2
        return began
