"""Barge-in by voice in a real browser: the agent's voice stops."""

import logging
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio
from playwright.async_api import expect

from standins.speech.endpointing import CallerStarted, TurnDetector
from tests.support.browser import RATE, Chromium, Sound
from tests.support.page import VisitorPage
from tests.support.whole_product import Product

log = logging.getLogger(__name__)

_TAPE = (4.0, "Paris", 2.2, "Tokyo", 2.5, "London", 2.8, "Oslo")
"""A reply begins about a second after its question and lasts for three; other load on the machine moves both."""
_FRAME = RATE // 100
_AUDIBLE = 200
"""Of 32,768. Speech peaks at over ten times as much; the noise of a muted line is below a tenth."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True)
class Interruption:
    """How long the agent continued, in ms."""

    after_onset: float
    """From the first audio of the visitor's voice."""
    after_notice: float
    """From when a listener at the microphone can tell that it is a voice.

    The time before that is the model's: the stand-in's takes 120 to 160 ms.
    """


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recording(chromium: Chromium, product: Product) -> Sound:
    """Record a visitor who interrupts the greeting and every reply but the last."""
    tape = [f"what is the weather in {part}" if isinstance(part, str) else part for part in _TAPE]
    await chromium.microphone.will_say(*tape)
    async with chromium.visit(product.state["base_url"]) as visit:
        page = VisitorPage(visit)
        await page.talk()
        await expect(page.card.last).to_have_attribute("aria-label", "Weather in Oslo", timeout=40_000)
        await page.does("Speaking")
        await page.take_pictures("interrupted")
        return await visit.recording()


async def test_the_agents_voice_stops_soon(recording: Sound) -> None:
    """After a barge-in the agent continues for less than half of the longest time that it has spoken.

    All times are from one recording and the page's clock. The milliseconds depend on the machine and are in the log; an
    idle machine needs less than 300.
    """
    found = interruptions(recording)
    log.info("the agent went on for %s", found)
    assert found, "the visitor never talked over the agent"
    assert median(one.after_onset for one in found) < longest_ms(recording) / 2, found


def longest_ms(recording: Sound) -> float:
    """Measure the longest stretch of the agent's speech."""
    speaks = np.diff(_spoken(recording[:, 1]).astype(int), prepend=0, append=0)
    begins, ends = np.flatnonzero(speaks == 1), np.flatnonzero(speaks == -1)
    return 10.0 * float((ends - begins).max())


def interruptions(recording: Sound) -> list[Interruption]:
    """Measure, for each time the visitor interrupts the agent, when the agent stops."""
    visitor, agent = (_spoken(recording[:, channel]) for channel in (0, 1))
    begins = np.flatnonzero(np.diff(visitor.astype(int)) == 1) + 1
    notices = _notices(recording[:, 0])
    found = []
    for begin in begins:
        notice = next((at for at in notices if begin <= at < begin + 50), None)
        quiet = np.flatnonzero(~agent[begin:])
        if notice is not None and agent[begin] and agent[notice] and quiet.size:
            found.append(Interruption(10.0 * float(quiet[0]), 10.0 * float(begin + quiet[0] - notice)))
    return found


def _notices(channel: Sound) -> list[int]:
    """Return in which 10 ms a listener detects speech."""
    detector = TurnDetector(RATE, pause=0.5)
    pieces = (channel[start : start + _FRAME] for start in range(0, channel.size, _FRAME))
    return [
        number + 1
        for number, piece in enumerate(pieces)
        if any(isinstance(event, CallerStarted) for event in detector.feed(piece.tobytes()))
    ]


def _spoken(channel: Sound, pause_frames: int = 40) -> npt.NDArray[np.bool_]:
    """Return for each 10 ms whether it is speech; pauses of up to 0.4 s count as speech."""
    frames = channel[: channel.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud = np.flatnonzero(np.abs(frames.astype(int)).max(axis=1) > _AUDIBLE)
    spoken = np.zeros(len(frames), dtype=bool)
    spoken[loud] = True
    for here, there in pairwise(loud):
        spoken[here:there] |= there - here <= pause_frames
    return spoken
