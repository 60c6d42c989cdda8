"""A brain without words: detects loudness and replies with tones. For protocol tests and load measurements."""

import array
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from standins.nova.backend import Backend, DeclaredTool, Step

LOUD = 1000
"""Amplitude (of 32768) above which a chunk counts as speech."""
PAUSE_SECONDS = 0.3
"""Silence that ends a turn."""
SECONDS_PER_CHARACTER = 0.01


@dataclass(frozen=True, slots=True)
class ToneStarted:
    """Loud audio starts."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Loud audio has ended; the text is made up."""

    text: str
    confident: bool = True


@dataclass(frozen=True, slots=True)
class ToneSentence:
    """A sentence to say."""

    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """A tool to use."""

    name: str
    arguments: dict[str, Any]


class LoudnessEar:
    """Treats loud audio as speech, and a pause as the end of the turn."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._speaking = False
        self._quiet = 0.0
        self._turns = 0

    async def feed(self, pcm: bytes) -> list[object]:
        """Judge a chunk as a whole."""
        if not pcm:
            return []
        samples = array.array("h", pcm)
        if max(samples) > LOUD:
            self._quiet = 0.0
            began, self._speaking = not self._speaking, True
            return [ToneStarted()] if began else []
        self._quiet += len(samples) / self._rate
        if not self._speaking or self._quiet < PAUSE_SECONDS:
            return []
        self._speaking = False
        self._turns += 1
        return [Turn(f"turn {self._turns}")]

    async def aclose(self) -> None:
        """Do nothing: there is nothing to release."""


class LoudnessHearing:
    """Creates loudness ears."""

    async def start(self) -> None:
        """Do nothing: there is nothing to load."""

    def listen(self, sample_rate: int, *, sensitivity: str | None) -> LoudnessEar:  # noqa: ARG002 - one pause for all
        """Return an ear."""
        return LoudnessEar(sample_rate)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to release."""


class ToneVoice:
    """Speaks a tone whose length is proportional to the text."""

    name = "a 440 Hz tone"

    async def start(self) -> None:
        """Do nothing: there is nothing to load."""

    async def aclose(self) -> None:
        """Do nothing: there is nothing to release."""

    async def speak(self, text: str, sample_rate: int) -> bytes:
        """Return the tone."""
        # About as long as a voice would take.
        count = int(len(text) * SECONDS_PER_CHARACTER * sample_rate)
        return array.array("h", (int(8000 * math.sin(2764.6 * i / sample_rate)) for i in range(count))).tobytes()


class ParrotDialogue:
    """Repeats what it hears; the words `use NAME` use that tool first."""

    def __init__(self, *, tools: Sequence[DeclaredTool], system: str, history: Sequence[tuple[str, str]]) -> None:
        self._tools = {tool.name for tool in tools}
        self._remembers = len(history)
        self._system = system

    def heard(self, text: str) -> Sequence[Step]:
        """Repeat the text, or use the tool."""
        _, _, name = text.partition("use ")
        if name in self._tools:
            return [Use(name, {})]
        return [ToneSentence(f"You said {text or 'something'}.")]

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        """Say how many values the tool returned."""
        return [
            ToneSentence(f"The tool {name} gave {len(result)} values."),
            ToneSentence(f"It was asked {len(arguments)}."),
        ]


def tone_backend() -> Backend:
    """Return a brain of these three."""
    return Backend(LoudnessHearing(), ToneVoice(), ParrotDialogue, "tones: hears loudness, understands nothing")
