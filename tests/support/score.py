"""A brain for the Nova stand-in that plays a score: notes instead of words, so that audio can be identified.

It hears loudness like the tones brain. Its answers come from a score that a test may replace at any time.
"""

import array
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standins.nova.backend import Backend, DeclaredTool, Step
from standins.nova.tones import LoudnessHearing, ToneSentence, Use

_NOTE = re.compile(r"(\d+) Hz for (\d+) ms")
_WINDOW = 800
"""Samples of one window, 100 ms at 8 kHz: it separates notes 20 Hz apart."""
_AUDIBLE = 500.0

type Plan = Callable[["Turn"], Sequence[Step]]


@dataclass(frozen=True, slots=True)
class Turn:
    """What to answer: which session (counted over the stand-in's life), which of its turns, and what was said."""

    session: int
    number: int
    """0 is the first input of a session, usually the order to greet."""
    text: str
    remembers: tuple[tuple[str, str], ...]


def note(hertz: int, milliseconds: int, words: str = "") -> ToneSentence:
    """Say a tone; the words are only written, never heard."""
    return ToneSentence(f"{hertz} Hz for {milliseconds} ms {words}".strip())


def use(tool: str, **arguments: object) -> Use:
    """Use a tool."""
    return Use(tool, arguments)


def short_notes(turn: Turn) -> Sequence[Step]:
    """Answer each turn with a note of its own."""
    return [note(400 + 200 * (turn.number % 10), 400)]


LEAVE = 2600
"""Hz: the note of a goodbye that the caller did not ask for."""


def take_leave(turn: Turn) -> Sequence[Step]:
    """Answer each turn with a note of its own, and the order to say goodbye with always the same one."""
    return [note(LEAVE, 600)] if "has to end now" in turn.text else short_notes(turn)


_EXACTLY = re.compile('exactly this sentence: "([^"]+)"')
_NUDGE = re.compile(r"tell the caller .* looking it up", re.IGNORECASE)


class Score:
    """The notes to play; set `plan` to change them."""

    def __init__(self) -> None:
        self.plan: Plan = short_notes
        self.cover: Sequence[Step] = ()
        """What the model says to cover a tool's run time; if empty, the product plays a recording."""
        self._sessions = count()

    def backend(self) -> Backend:
        """Make a brain that plays this score."""
        return Backend(LoudnessHearing(), _Instrument(), self._begin, "notes: hears loudness, plays what a test wrote")

    def _begin(self, *, tools: Sequence[DeclaredTool], system: str, history: Sequence[tuple[str, str]]) -> "_Player":
        del tools, system
        return _Player(self, next(self._sessions), tuple(history))


class _Player:
    def __init__(self, score: Score, session: int, history: tuple[tuple[str, str], ...]) -> None:
        self._score = score
        self._session = session
        self._history = history
        self._turns = count()

    def heard(self, text: str) -> Sequence[Step]:
        if _NUDGE.search(text):
            return self._score.cover
        steps = self._score.plan(Turn(self._session, next(self._turns), text, self._history))
        return _with_sentence(steps, text)

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        del name, arguments
        return [note(2500 if "error" in result else 2000, 300)]


def _with_sentence(steps: Sequence[Step], text: str) -> Sequence[Step]:
    """Add the sentence that an order gives word for word to the words of the first note: the product looks for it."""
    exactly = _EXACTLY.search(text)
    if exactly is None:
        return steps
    said = list(steps)
    for at, step in enumerate(said):
        if isinstance(step, ToneSentence):
            said[at] = ToneSentence(f"{step.text} {exactly[1]}")
            break
    return said


class _Instrument:
    name = "notes"

    async def start(self) -> None:
        """Prepare nothing."""

    async def speak(self, text: str, sample_rate: int) -> bytes:
        hertz, milliseconds = (int(number) for number in _NOTE.findall(text)[0])
        step = 2 * math.pi * hertz / sample_rate
        samples = sample_rate * milliseconds // 1000
        return array.array("h", (int(8000 * math.sin(step * i)) for i in range(samples))).tobytes()

    async def aclose(self) -> None:
        """Release nothing."""


def notes_in(pcm: bytes) -> list[int]:
    """Return the notes in 16-bit PCM at 8 kHz, in order: the pitch of each run of windows that has one."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float64)
    windows = samples[: len(samples) - len(samples) % _WINDOW].reshape(-1, _WINDOW)
    found: list[int] = []
    for pitch in [_pitch(window) for window in windows]:
        if pitch is not None and (not found or found[-1] != pitch):
            found.append(pitch)
    return found


def _pitch(window: NDArray[np.float64]) -> int | None:
    """Return the pitch of a window that one note fills; None for silence and for the beginning or end of a note."""
    quarters = np.sqrt((window.reshape(4, -1) ** 2).mean(axis=1))
    if quarters.min() < _AUDIBLE:
        return None
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window))))
    return round(int(spectrum.argmax()) * 8000 / _WINDOW / 20) * 20
