"""Find a piece of sound in a recording, and tell how much it looks like itself there."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Found:
    """Where a sound was found, in seconds, and how alike it is: 1 is the same, below 0.5 something else."""

    at: float
    likeness: float


def find(sound: bytes, recording: bytes, rate: int = 8000) -> Found:
    """Give the best place; both are 16-bit mono PCM. Sound that was cut, mixed or clipped is less alike."""
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
