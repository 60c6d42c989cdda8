"""Noise is reduced, and speech without noise stays as it is."""

import numpy as np
import pytest

from standins.speech.noise import reduced

RATE = 8000


def _tone(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    at = np.arange(round(RATE * seconds)) / RATE
    # A pitch that moves, as that of a voice: what stays at one frequency is noise. Then half a second of nothing.
    pitch = 300 + 2000 * (at % 1)
    return 8000 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * (at % 1 < 0.5)


def _pcm(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bytes:
    return samples.astype("<i2").tobytes()


def _level(pcm: bytes, *, of_pauses: bool) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    # Without the edges of each half second, where frames contain both.
    at = np.arange(len(samples)) / RATE % 0.5
    inner = (at > 0.1) & (at < 0.4)
    half = (np.arange(len(samples)) / RATE % 1 < 0.5) != of_pauses
    return float(np.sqrt(np.mean(samples[inner & half] ** 2)))


def test_noise_falls_and_the_voice_stays() -> None:
    """In the pauses at most half of the noise is left; in the voice at most a tenth is lost."""
    noise = np.random.default_rng(7).normal(0, 300, RATE * 4)
    before, after = _pcm(_tone(4) + noise), reduced(_pcm(_tone(4) + noise))
    assert _level(after, of_pauses=True) < _level(before, of_pauses=True) / 2
    assert _level(after, of_pauses=False) == pytest.approx(_level(before, of_pauses=False), rel=0.1)


def test_a_voice_without_noise_is_not_changed_audibly() -> None:
    """The difference is at least 30 dB below the voice."""
    clean = _pcm(_tone(4))
    difference = np.frombuffer(reduced(clean), "<i2").astype(np.float64) - np.frombuffer(clean, "<i2")
    assert np.sqrt(np.mean(difference**2)) < _level(clean, of_pauses=False) * 10 ** (-30 / 20)


@pytest.mark.parametrize("length", [0, 1, 100, 255, 256, 257, 1000, 8000, 8001])
def test_any_length_stays_that_length(length: int) -> None:
    """Short pieces and silence come back as they are."""
    assert len(reduced(_pcm(_tone(2)[:length]))) == 2 * length
    assert reduced(bytes(2 * length)) == bytes(2 * length)
