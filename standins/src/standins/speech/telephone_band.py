"""Make telephone sound fit for a recogniser that was trained on wide-band speech.

A telephone carries nothing above 4 kHz, and the acoustic model of pocketsphinx listens up to 6.8 kHz. On our test
sentences at 8 kHz that costs a third of all answers. So the missing band is put back as noise whose loudness a small
network guesses from the band that is there (`widening.npz`, 15 000 weights), which makes 8 kHz as good as 16 kHz.

`tools/train_widening.py` trains the network, and says from what.
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
"""Samples a second that the recogniser takes."""
NARROW_RATE = 8_000
_WINDOW = 512
_HOP = 160
_CONTEXT = 4
"""Frames of 10 ms that the network sees before and after the one it fills."""
LOW_BANDS = (150, 3700, 18)
HIGH_BANDS = (3700, 8000, 7)
FLOOR = 1e-3
_LOUDNESS = 0.1
_HIGH_GAIN = 0.7
"""The network guesses the mean of a logarithm, which is quieter than the mean; measured best of 0, 0.7 and 1.2."""
_NOTHING_ABOVE = 1e-4
_FREQUENCIES = np.arange(_WINDOW // 2 + 1) * WIDE_RATE / _WINDOW
_SHAPE = np.hanning(_WINDOW + 1)[:_WINDOW]


def prepare(pcm: bytes, sample_rate: int) -> Pcm:
    """Turn one utterance (16-bit mono, any rate) into 16 kHz of even loudness with its upper band filled in."""
    sound = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64) / 32768
    if sample_rate != WIDE_RATE:
        sound = soxr.resample(sound, sample_rate, WIDE_RATE)
    sound = evened(sound)
    if sound.size and (sample_rate <= NARROW_RATE or _is_narrow(sound)):
        sound = _widened(sound)
    return (np.clip(sound * 2, -1, 1) * 32767).astype("<i2")


def evened(sound: Samples) -> Samples:
    """Scale so that the loud parts have the same loudness in every call."""
    peak = np.abs(sound).max(initial=0.0)
    if peak == 0.0:
        return sound
    loud = sound[np.abs(sound) > 0.1 * peak]
    return np.asarray(sound * (_LOUDNESS / np.sqrt(np.mean(loud**2))))


def _is_narrow(sound: Samples) -> bool:
    """Notice 8 kHz sound that somebody brought up to 16 kHz: nothing stands above 4.2 kHz."""
    power = np.abs(spectrum_of(sound)) ** 2
    return bool(power[:, _FREQUENCIES > 4200].sum() < _NOTHING_ABOVE * power.sum())  # noqa: PLR2004


def _widened(sound: Samples) -> Samples:
    spectrum = spectrum_of(sound)
    loudness = _guessed(surroundings_of(np.log(power_of(spectrum, LOW_BANDS) + FLOOR))) + _HIGH_GAIN
    # The same noise every time: what is heard must not depend on chance.
    turns = np.exp(2j * np.pi * np.random.default_rng(1).random(spectrum.shape))
    for column, band in enumerate(_masks(HIGH_BANDS)):
        spectrum[:, band] = np.exp(loudness[:, column : column + 1] / 2) * turns[:, band]
    return _sound(spectrum, len(sound))


def spectrum_of(sound: Samples) -> npt.NDArray[np.complex128]:
    """Give the short-time spectrum at 16 kHz: a row every 10 ms, a column every 31.25 Hz."""
    padded = np.pad(sound, (_WINDOW // 2, _WINDOW))
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP] * _SHAPE, axis=1)


def _sound(spectrum: npt.NDArray[np.complex128], length: int) -> Samples:
    frames = np.fft.irfft(spectrum, _WINDOW, axis=1) * _SHAPE
    sound = np.zeros(len(frames) * _HOP + _WINDOW)
    weight = np.zeros_like(sound)
    for index, frame in enumerate(frames):
        sound[index * _HOP : index * _HOP + _WINDOW] += frame
        weight[index * _HOP : index * _HOP + _WINDOW] += _SHAPE**2
    return np.asarray((sound / np.maximum(weight, 1e-3))[_WINDOW // 2 : _WINDOW // 2 + length])


@cache
def _masks(bands: tuple[int, int, int]) -> tuple[npt.NDArray[np.bool_], ...]:
    """Divide a range of frequencies into bands of equal width on the mel scale."""
    low, high, count = bands
    mel = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), count + 1)
    edges = 700 * (10 ** (mel / 2595) - 1)
    return tuple((start <= _FREQUENCIES) & (end > _FREQUENCIES) for start, end in itertools.pairwise(edges))


def power_of(spectrum: npt.NDArray[np.complex128], bands: tuple[int, int, int]) -> Samples:
    """Give the mean power of each row in each of `bands`: (lowest Hz, highest Hz, how many)."""
    power = np.abs(spectrum) ** 2
    return np.stack([power[:, band].mean(axis=1) for band in _masks(bands)], axis=1)


def surroundings_of(loudness: Samples) -> Samples:
    """Put the rows before and after beside each row: what the network sees."""
    padded = np.pad(loudness, ((_CONTEXT, _CONTEXT), (0, 0)), mode="edge")
    return np.concatenate([padded[shift : shift + len(loudness)] for shift in range(2 * _CONTEXT + 1)], axis=1)


def _guessed(seen: Samples) -> Samples:
    weights = _weights()
    layer = (seen - weights["mean"]) / weights["spread"]
    for number in (1, 2):
        layer = np.maximum(layer @ weights[f"weights_{number}"] + weights[f"bias_{number}"], 0)
    return (layer @ weights["weights_3"] + weights["bias_3"]) * weights["high_spread"] + weights["high_mean"]


@cache
def _weights() -> dict[str, Samples]:
    with files("standins.speech").joinpath("widening.npz").open("rb") as file, np.load(file) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}
