"""The script of a call: the same for every agent under test, different for each call. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from voice_agent.bench.sound import HIGH, LOW

THINK_SECONDS: Final = 0.1
"""Delay between the request to greet and the greeting; part of every "first audio"."""
GREETING_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
SPEED: Final = 2.0
"""The model sends audio at twice real time."""
_PAUSE: Final = (0.9, 1.7)
"""Seconds between replies: the agent speaks for a little over half the time."""
_CUT: Final = (0.5, 1.6)
"""Seconds into a reply at which a caller barges in, on every third reply."""
_BLIP_FRAMES: Final = (15, 30)
"""Frames of 20 ms between blips, odd and even, so that blips fall on both halves of a 40 ms packet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply of the model; all times in seconds."""

    pause: float
    """Silence before it."""
    length: float
    cut_after: float | None
    """When the caller barges in, after the first chunk; None for a complete reply."""
    amplitude: int


def answers(seed: int) -> Iterator[Answer]:
    """Yield the model's side indefinitely: a greeting, then replies of which every third is interrupted."""
    # The seed is the call's number: both agents get the same script, and the calls do not speak in step.
    dice = random.Random(seed)
    yield Answer(THINK_SECONDS, GREETING_SECONDS, None, LOW)
    number = 0
    while True:
        number += 1
        cut = dice.uniform(*_CUT) if number % 3 == 2 else None  # noqa: PLR2004 - the second, fifth, eighth reply
        yield Answer(dice.uniform(*_PAUSE), ANSWER_SECONDS, cut, HIGH if number % 2 else LOW)


def blips(seed: int) -> Iterator[bool]:
    """Yield for each frame of the caller whether it is a blip."""
    dice = random.Random(seed)
    while True:
        for _ in range(dice.randint(*_BLIP_FRAMES) - 1):
            yield False
        yield True
