"""Trains `widening.npz`: `python -m tools.train_widening OUT.npz`. Takes a minute or two of one core.

The training data is full-band speech and the same speech after 8 kHz µ-law; the network learns to estimate the loudness
of the seven bands above 3.7 kHz from the 18 below, over nine frames. Two hidden layers of 64, Adam, 14 epochs. The
speech comes from the package `hibari-tts` at three speeds, and from flite and espeak-ng if they are installed: without
them, the network knows only one voice. The same versions yield the same weights, except for rounding in the BLAS.
"""

import argparse
import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from standins.speech.city_names import cities
from standins.speech.telephone_band import (
    FLOOR,
    HIGH_BANDS,
    LOW_BANDS,
    NARROW_RATE,
    WIDE_RATE,
    evened,
    power_of,
    spectrum_of,
    surroundings_of,
)
from standins.speech.voice import spoken_by
from standins.twilio import mulaw

type Matrix = npt.NDArray[np.float32]
type Read = Callable[[str], tuple[npt.NDArray[np.float32], int]]

# Rich in the consonants that a phone removes: s, f, sh, ch, th. No sentence of the tests is among them.
_TEXTS = (
    "What is the weather like in Chicago, Philadelphia and Manchester?",
    "She sells sea shells by the sea shore.",
    "The quick brown fox jumps over the lazy dog.",
    "Should we chase those six young men in Washington this evening?",
    "It was fifty degrees on Thursday, and the sun was shining.",
    "Just before six, a fierce storm moved across the valley.",
    "Judge the usual measures with pleasure and caution.",
    "Fish, chips and vinegar taste best at the seaside.",
    "Two thousand people were watching the show in the big theatre.",
    "My father bought some very thick gloves for the cold winter in Moscow.",
    "How often does it snow in Stockholm, Zurich and Prague?",
    "Stop sending socks to Stockholm.",
    "It is minus seven degrees and partly cloudy in Lisbon.",
    "Say yes, or say no.",
    "That's all for this Saturday, thanks.",
    "Help yourself to half of the hot soup.",
    "Nobody knows how the north wind blows.",
    "Yes, this is the sixth time he asked.",
    "What can the captain do about it?",
    "Can you speak to the other person instead?",
    "A human voice is hard to fake.",
    "Both brothers stood beneath the stairs.",
    "Zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.",
    "Thirteen, fourteen, fifteen, sixteen, seventeen, eighteen, nineteen, twenty, thirty, forty, fifty.",
    "Celsius or fahrenheit? Goodbye and good luck. Umbrellas, jackets and coats.",
)
_PLACES = ("What is the forecast in {}?", "How sunny is it in {}?", "Will it rain in {} on Sunday?")
_SPEEDS = (1.0, 0.9, 1.15)
_FLITE = ("slt", "rms", "awb")
_ESPEAK = ("en-us", "en-gb", "en-us+f3")
_PEAK = 0.7
_LAYERS = (64, 64)
_ROUNDS = 14
_BATCH = 256
_RATE, _DECAY = 2e-3, 0.8
_QUIETEST_SPREAD = 1e-3
"""Added to standard deviations, so that a constant column does not divide by zero."""


def main() -> int:
    """Parse the command line, train, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_widening", description=__doc__)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    pairs = [_pair(*read(text)) for read, texts in _readers() for text in texts]
    seen, wanted = (np.concatenate(side).astype(np.float32) for side in zip(*pairs, strict=True))
    weights: dict[str, Any] = {name: value.astype(np.float16) for name, value in trained(seen, wanted).items()}
    np.savez_compressed(out, **weights)
    return 0


def _readers() -> Iterator[tuple[Read, list[str]]]:
    """Yield each voice with the texts that it reads; hibari reads most."""
    from hibari import Hibari  # noqa: PLC0415  a second of imports

    # Every fourth city, so that the others can test the result.
    names = [city.name for city in cities()][2::4]
    texts = [*_TEXTS, *(_PLACES[index % 3].format(name) for index, name in enumerate(names))]
    voice = Hibari()
    for speed in _SPEEDS:
        yield _hibari(voice, speed), texts if speed == 1.0 else texts[::3]
    if flite := shutil.which("flite"):
        for name in _FLITE:
            yield _program(flite, "-voice", name, "-o", "/dev/stdout", "-t"), texts[::4]
    if espeak := shutil.which("espeak-ng"):
        for name in _ESPEAK:
            yield _program(espeak, "-v", name, "--stdout", "--"), texts[::4]


def _hibari(voice: Any, speed: float) -> Read:  # noqa: ANN401  the package has no types
    return lambda text: (voice(text, speed=speed, seed=1), voice.sample_rate)


def _program(*command: str) -> Read:
    return lambda text: spoken_by([*command, text])


def _pair(sound: npt.NDArray[np.float32], rate: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the network's input for a recording, and the true loudness above it."""
    # The same path as a phone call: down to 8 kHz, through µ-law, and back up.
    wide = soxr.resample(sound * (_PEAK / np.abs(sound).max()), rate, WIDE_RATE)
    narrow = (np.clip(soxr.resample(wide, WIDE_RATE, NARROW_RATE), -1, 1) * 32767).astype("<i2").tobytes()
    heard = np.frombuffer(mulaw.decode(mulaw.encode(narrow)), "<i2").astype(np.float64) / 32768
    raised = soxr.resample(heard, NARROW_RATE, WIDE_RATE)
    length = min(len(raised), len(wide))
    even = evened(raised)
    gain = np.abs(even).max() / np.abs(raised).max()
    low, high = spectrum_of(even[:length]), spectrum_of(wide[:length].astype(np.float64) * gain)
    return surroundings_of(np.log(power_of(low, LOW_BANDS) + FLOOR)), np.log(power_of(high, HIGH_BANDS) + FLOOR)


def trained(seen: Matrix, wanted: Matrix, seed: int = 0) -> dict[str, Matrix]:
    """Train the network; `telephone` reads the returned arrays by name."""
    scale = {
        "mean": seen.mean(0),
        "spread": seen.std(0) + _QUIETEST_SPREAD,
        "high_mean": wanted.mean(0),
        "high_spread": wanted.std(0),
    }
    dice = np.random.default_rng(seed)
    network = _Network(dice, [seen.shape[1], *_LAYERS, wanted.shape[1]])
    inputs = (seen - scale["mean"]) / scale["spread"]
    outputs = (wanted - scale["high_mean"]) / scale["high_spread"]
    for number in range(_ROUNDS):
        order = dice.permutation(len(inputs))
        # Shuffled batches, new in every round.
        pieces = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        errors = [network.learn(inputs[piece], outputs[piece], _RATE * _DECAY**number) for piece in pieces]
        sys.stderr.write(f"epoch {number + 1}: {np.mean(errors):.4f} of the variance remains\n")
    return scale | network.weights()


class _Network:
    """Three layers, trained with Adam."""

    def __init__(self, dice: np.random.Generator, sizes: list[int]) -> None:
        self._values: list[Matrix] = []
        for into, out in itertools.pairwise(sizes):
            self._values += [dice.normal(0, into**-0.5, (into, out)).astype("f4"), np.zeros(out, "f4")]
        self._first = [np.zeros_like(value) for value in self._values]
        self._second = [np.zeros_like(value) for value in self._values]
        self._steps = 0

    def learn(self, seen: Matrix, wanted: Matrix, rate: float) -> float:
        """Run one training step; return the mean squared error before it."""
        # Two hidden layers.
        w1, b1, w2, b2, w3, b3 = self._values
        one = np.maximum(seen @ w1 + b1, 0)
        two = np.maximum(one @ w2 + b2, 0)
        miss = two @ w3 + b3 - wanted
        # Backpropagation, layer by layer; the comparisons are the derivative of ReLU.
        slope = 2 * miss / len(seen)
        slope_two = slope @ w3.T * (two > 0)
        slope_one = slope_two @ w2.T * (one > 0)
        self._step(
            [seen.T @ slope_one, slope_one.sum(0), one.T @ slope_two, slope_two.sum(0), two.T @ slope, slope.sum(0)],
            rate,
        )
        return float((miss**2).mean())

    def _step(self, slopes: list[Matrix], rate: float) -> None:
        self._steps += 1
        # Adam, with its usual decay rates of 0.9 and 0.999.
        for index, slope in enumerate(slopes):
            self._first[index] += 0.1 * (slope - self._first[index])
            self._second[index] += 0.001 * (slope**2 - self._second[index])
            unbiased = self._second[index] / (1 - 0.999**self._steps)
            step = rate / (1 - 0.9**self._steps) * self._first[index] / (np.sqrt(unbiased) + 1e-8)
            self._values[index] -= step

    def weights(self) -> dict[str, Matrix]:
        """Return the layers by name."""
        names = [f"{part}_{layer}" for layer in (1, 2, 3) for part in ("weights", "bias")]
        return dict(zip(names, self._values, strict=True))


if __name__ == "__main__":
    sys.exit(main())
