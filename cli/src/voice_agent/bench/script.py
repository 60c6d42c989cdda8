"""What is said on a call: the same for every agent under test, different from call to call. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from voice_agent.bench.sound import HIGH, LOW

THINK_SECONDS: Final = 0.1
"""From the request to greet to the greeting; part of every "first audio"."""
GREETING_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
SPEED: Final = 2.0
"""The model sends sound at twice real time."""
_PAUSE: Final = (0.9, 1.7)
"""Seconds between answers: the agent speaks for a little over half the time."""
_CUT: Final = (0.5, 1.6)
"""Seconds into an answer at which a caller cuts in, on every third answer."""
_BLIP_FRAMES: Final = (15, 30)
"""Frames of 20 ms from one blip to the next. Odd and even, so that blips fall on both halves of a 40 ms packet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the model; seconds."""

    pause: float
    """Quiet before it."""
    length: float
    cut_after: float | None
    """When the caller cuts in, counted from its first piece; None lets it end."""
    amplitude: int


def answers(seed: int) -> Iterator[Answer]:
    """Give the model's side, without end: a greeting, then answers of which every third is cut short."""
    dice = random.Random(seed)
    yield Answer(THINK_SECONDS, GREETING_SECONDS, None, LOW)
    number = 0
    while True:
        number += 1
        cut = dice.uniform(*_CUT) if number % 3 == 2 else None  # noqa: PLR2004 - the second, fifth, eighth, …
        yield Answer(dice.uniform(*_PAUSE), ANSWER_SECONDS, cut, HIGH if number % 2 else LOW)


def blips(seed: int) -> Iterator[bool]:
    """Give for each frame of the caller whether it is a blip."""
    dice = random.Random(seed)
    while True:
        for _ in range(dice.randint(*_BLIP_FRAMES) - 1):
            yield False
        yield True
