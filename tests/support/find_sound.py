"""Find a piece of audio in a recording, and measure how similar it is there."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Found:
    """Where audio was found, in seconds, and its similarity: 1 is the same, below 0.5 is something else."""

    at: float
    likeness: float


def find(sound: bytes, recording: bytes, rate: int = 8000) -> Found:
    """Return the best match; both are 16-bit mono PCM. Audio that was cut, mixed or clipped is less similar."""
    needle, hay = (np.frombuffer(pcm, "<i2").astype(np.float64) for pcm in (sound, recording))
    if len(hay) < len(needle):
        return Found(0.0, 0.0)
    size = 1 << (len(hay) + len(needle)).bit_length()
    product = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size)), size)
    product = product[: len(hay) - len(needle) + 1]
    energy = np.cumsum(np.concatenate(([0.0], hay**2)))
    energy = energy[len(needle) :] - energy[: -len(needle)]
    likeness = product / np.sqrt(np.maximum(energy, 1.0) * (needle**2).sum())
    best = int(likeness.argmax())
    return Found(best / rate, float(likeness[best]))
