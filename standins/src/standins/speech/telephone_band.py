"""Prepares phone audio for a recogniser that was trained on wideband speech.

Phone audio ends at 4 kHz, and pocketsphinx's acoustic model uses up to 6.8 kHz: on our test sentences at 8 kHz, a third
of the transcripts is wrong. A small network (`widening.npz`, 15 000 weights) therefore estimates the loudness of the
missing band from the existing one, and noise of that loudness fills it. That makes 8 kHz as accurate as 16 kHz.

`tools/train_widening.py` trains the network, and documents the training data.
"""

import itertools
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import soxr

type Samples = npt.NDArray[np.float64]
type Pcm = npt.NDArray[np.int16]

WIDE_RATE = 16_000
"""Sample rate of the recogniser's input."""
NARROW_RATE = 8_000
_WINDOW = 512
_HOP = 160
_CONTEXT = 4
"""Frames of 10 ms before and after the current one that the network sees."""
LOW_BANDS = (150, 3700, 18)
HIGH_BANDS = (3700, 8000, 7)
FLOOR = 1e-3
_LOUDNESS = 0.1
_HIGH_GAIN = 0.7
"""The network estimates the mean of a logarithm, which is below the mean; best of 0, 0.7 and 1.2 when measured."""
_NOTHING_ABOVE = 1e-4
_FREQUENCIES = np.arange(_WINDOW // 2 + 1) * WIDE_RATE / _WINDOW
_SHAPE = np.hanning(_WINDOW + 1)[:_WINDOW]


def prepare(pcm: bytes, sample_rate: int) -> Pcm:
    """Convert one utterance (16-bit mono, any rate) to 16 kHz with uniform loudness and a filled upper band."""
    sound = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64) / 32768
    if sample_rate != WIDE_RATE:
        sound = soxr.resample(sound, sample_rate, WIDE_RATE)
    # The same loudness for all callers: the network was trained with it.
    sound = evened(sound)
    if sound.size and (sample_rate <= NARROW_RATE or _is_narrow(sound)):
        sound = _widened(sound)
    return (np.clip(sound * 2, -1, 1) * 32767).astype("<i2")


def evened(sound: Samples) -> Samples:
    """Scale the audio so that its loud parts have the same loudness in every call."""
    peak = np.abs(sound).max(initial=0.0)
    if peak == 0.0:
        return sound
    # Ignore pauses: only samples above a tenth of the peak count.
    loud = sound[np.abs(sound) > 0.1 * peak]
    return np.asarray(sound * (_LOUDNESS / np.sqrt(np.mean(loud**2))))


def _is_narrow(sound: Samples) -> bool:
    """Return whether 16 kHz audio was upsampled from 8 kHz: it has no energy above 4.2 kHz."""
    power = np.abs(spectrum_of(sound)) ** 2
    return bool(power[:, _FREQUENCIES > 4200].sum() < _NOTHING_ABOVE * power.sum())  # noqa: PLR2004


def _widened(sound: Samples) -> Samples:
    spectrum = spectrum_of(sound)
    loudness = _guessed(surroundings_of(np.log(power_of(spectrum, LOW_BANDS) + FLOOR))) + _HIGH_GAIN
    # Fixed seed: a transcript must not depend on chance.
    turns = np.exp(2j * np.pi * np.random.default_rng(1).random(spectrum.shape))
    for column, band in enumerate(_masks(HIGH_BANDS)):
        spectrum[:, band] = np.exp(loudness[:, column : column + 1] / 2) * turns[:, band]
    return _sound(spectrum, len(sound))


def spectrum_of(sound: Samples) -> npt.NDArray[np.complex128]:
    """Return the short-time spectrum at 16 kHz: a row per 10 ms, a column per 31.25 Hz."""
    padded = np.pad(sound, (_WINDOW // 2, _WINDOW))
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP] * _SHAPE, axis=1)


def _sound(spectrum: npt.NDArray[np.complex128], length: int) -> Samples:
    frames = np.fft.irfft(spectrum, _WINDOW, axis=1) * _SHAPE
    sound = np.zeros(len(frames) * _HOP + _WINDOW)
    weight = np.zeros_like(sound)
    # Overlap-add: divide by the sum of the squared windows, which analysis and synthesis have applied.
    for index, frame in enumerate(frames):
        sound[index * _HOP : index * _HOP + _WINDOW] += frame
        weight[index * _HOP : index * _HOP + _WINDOW] += _SHAPE**2
    return np.asarray((sound / np.maximum(weight, 1e-3))[_WINDOW // 2 : _WINDOW // 2 + length])


@cache
def _masks(bands: tuple[int, int, int]) -> tuple[npt.NDArray[np.bool_], ...]:
    """Split a frequency range into bands of equal width on the mel scale."""
    low, high, count = bands
    mel = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), count + 1)
    edges = 700 * (10 ** (mel / 2595) - 1)
    return tuple((start <= _FREQUENCIES) & (end > _FREQUENCIES) for start, end in itertools.pairwise(edges))


def power_of(spectrum: npt.NDArray[np.complex128], bands: tuple[int, int, int]) -> Samples:
    """Return the mean power of each row in each of `bands`: (lowest Hz, highest Hz, count)."""
    power = np.abs(spectrum) ** 2
    return np.stack([power[:, band].mean(axis=1) for band in _masks(bands)], axis=1)


def surroundings_of(loudness: Samples) -> Samples:
    """Append the surrounding rows to each row: the input of the network."""
    padded = np.pad(loudness, ((_CONTEXT, _CONTEXT), (0, 0)), mode="edge")
    return np.concatenate([padded[shift : shift + len(loudness)] for shift in range(2 * _CONTEXT + 1)], axis=1)


def _guessed(seen: Samples) -> Samples:
    weights = _weights()
    # Normalise as in the training.
    layer = (seen - weights["mean"]) / weights["spread"]
    for number in (1, 2):
        layer = np.maximum(layer @ weights[f"weights_{number}"] + weights[f"bias_{number}"], 0)
    return (layer @ weights["weights_3"] + weights["bias_3"]) * weights["high_spread"] + weights["high_mean"]


@cache
def _weights() -> dict[str, Samples]:
    # Stored as float16 to save space.
    with files("standins.speech").joinpath("widening.npz").open("rb") as file, np.load(file) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}
