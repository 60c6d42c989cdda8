"""A brain without words: it hears loudness and answers with tones. For tests of the wire and for measuring load."""

import array
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from standins.nova.backend import Backend, DeclaredTool, Step

LOUD = 1000
"""Amplitude (of 32768) above which a piece of sound is speech."""
PAUSE_SECONDS = 0.3
"""Quiet that ends a turn."""
SECONDS_PER_CHARACTER = 0.01


@dataclass(frozen=True, slots=True)
class ToneStarted:
    """Loudness begins."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Loudness has ended; the words are made up."""

    text: str
    confident: bool = True


@dataclass(frozen=True, slots=True)
class ToneSentence:
    """Something to say."""

    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """A tool to use."""

    name: str
    arguments: dict[str, Any]


class LoudnessEar:
    """Takes loud sound for speech and a pause for its end."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._speaking = False
        self._quiet = 0.0
        self._turns = 0

    async def feed(self, pcm: bytes) -> list[object]:
        """Judge a piece as a whole."""
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
        """Nothing to let go."""


class LoudnessHearing:
    """Makes ears for loudness."""

    async def start(self) -> None:
        """Nothing to get ready."""

    def listen(self, sample_rate: int, *, sensitivity: str | None) -> LoudnessEar:  # noqa: ARG002 - one pause for all
        """Give an ear."""
        return LoudnessEar(sample_rate)

    async def aclose(self) -> None:
        """Nothing to let go."""


class ToneVoice:
    """Speaks a tone that lasts as long as the text is long."""

    name = "a 440 Hz tone"

    async def start(self) -> None:
        """Nothing to get ready."""

    async def aclose(self) -> None:
        """Nothing to let go."""

    async def speak(self, text: str, sample_rate: int) -> bytes:
        """Give the tone."""
        count = int(len(text) * SECONDS_PER_CHARACTER * sample_rate)
        return array.array("h", (int(8000 * math.sin(2764.6 * i / sample_rate)) for i in range(count))).tobytes()


class ParrotDialogue:
    """Repeats what it hears; words that name a tool (`use NAME`) use it first."""

    def __init__(self, *, tools: Sequence[DeclaredTool], system: str, history: Sequence[tuple[str, str]]) -> None:
        self._tools = {tool.name for tool in tools}
        self._remembers = len(history)
        self._system = system

    def heard(self, text: str) -> Sequence[Step]:
        """Repeat it, or use the tool."""
        _, _, name = text.partition("use ")
        if name in self._tools:
            return [Use(name, {})]
        return [ToneSentence(f"You said {text or 'something'}.")]

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        """Read out what came."""
        return [
            ToneSentence(f"The tool {name} gave {len(result)} values."),
            ToneSentence(f"It was asked {len(arguments)}."),
        ]


def tone_backend() -> Backend:
    """Put the three together."""
    return Backend(LoudnessHearing(), ToneVoice(), ParrotDialogue, "tones: hears loudness, understands nothing")
