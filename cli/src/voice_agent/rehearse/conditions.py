"""The conditions of the matrix: what disturbs a conversation, and what it must lead to nevertheless."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from standins.twilio import mulaw

type Alter = Callable[[bytes, int], bytes]
"""Changes a caller's µ-law audio; the number seeds what is random in it."""

_NOISE_BELOW: Final = 10 ** (-25 / 20)
"""25 dB below speech: a busy room behind the caller, in which people understand every word."""
_LOST: Final = 0.03
"""Share of lost packets. Mobile networks lose less than 1 %, and conceal losses up to about 5 % (ITU-T G.113)."""


def _as_is(audio: bytes, _seed: int) -> bytes:
    return audio


def with_noise(audio: bytes, seed: int) -> bytes:
    """Add noise at a constant distance below the level of the speech."""
    samples = np.frombuffer(mulaw.decode(audio), dtype=np.int16).astype(np.float64)
    if not samples.any():
        return audio
    # The level of the audible part: pauses would make the noise of a slow speaker softer.
    level = np.sqrt(np.mean(samples[np.abs(samples) > np.abs(samples).mean()] ** 2))
    mixed = np.clip(samples + _pink(len(samples), seed) * level * _NOISE_BELOW, -32768, 32767).astype(np.int16)
    return mulaw.encode(mixed.tobytes())


def _pink(count: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return noise of level 1 whose power falls with the frequency, as that of rooms and streets does."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise: np.ndarray[tuple[int], np.dtype[np.float64]] = np.fft.irfft(spectrum, count)
    return noise / noise.std()


def with_losses(audio: bytes, seed: int) -> bytes:
    """Replace lost packets of 20 ms by silence, as Twilio does on the way to an application."""
    chance = random.Random(seed)
    frames = [audio[at : at + mulaw.FRAME] for at in range(0, len(audio), mulaw.FRAME)]
    kept = [mulaw.SILENCE * len(frame) if chance.random() < _LOST else frame for frame in frames]
    return b"".join(kept)


@dataclass(frozen=True)
class Condition:
    """One condition and its expected outcome."""

    name: str
    outcome: str
    """What must happen, for the report."""
    alter: Alter = _as_is
    barge_in: float | None = None
    """Seconds after which the caller talks over each reply."""
    silence: float = 0.0
    """Seconds for which the caller says nothing after the greeting."""
    tool: str = ""
    """How the agent's tools behave: `slow` or `dead`; empty for as written."""
    misheard: bool = False
    """Whether some words may be misheard: then the model must do what is expected in most conversations, not in all."""
    kills: bool = False
    """Whether the task that holds the conversation is killed."""


SLOW_SECONDS: Final = 3.5
"""Longer than a caller waits in silence, and shorter than the default deadline of a tool."""
STOP_SECONDS: Final = 1.0
"""A reply that a caller talks over must be silent by then. The model first has to hear the voice."""

QUIET: Final = Condition("quiet", "as the rehearsal expects")
MATRIX: Final[Mapping[str, Condition]] = {
    one.name: one
    for one in (
        QUIET,
        Condition("noise", "as the rehearsal expects in most conversations", alter=with_noise, misheard=True),
        Condition("packet loss", "as the rehearsal expects in most conversations", alter=with_losses, misheard=True),
        Condition("barge-in", "the agent falls silent, and the next words lead to their tool", barge_in=1.0),
        Condition("silence", "the agent asks whether the caller is there, then as expected", silence=12.0),
        Condition("slow tool", "the caller hears that it takes a moment, then as expected", tool="slow"),
        Condition("dead tool", "the agent says that it did not work, and the conversation continues", tool="dead"),
        Condition("killed task", "another task continues the conversation", kills=True),
    )
}
