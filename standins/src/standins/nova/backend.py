"""What the wire needs of whoever listens, thinks and speaks. Matched by shape: neither side imports the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A tool that the prompt declares; `schema` is its arguments' JSON Schema."""

    name: str
    schema: dict[str, Any]


@runtime_checkable
class SayStep(Protocol):
    """A step of an answer: one sentence or a few."""

    @property
    def text(self) -> str:
        """What to say."""


@runtime_checkable
class ToolStep(Protocol):
    """A step of an answer: ask the client to run a tool, then go on with its result."""

    @property
    def name(self) -> str:
        """The tool's name, one that the prompt declares."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The tool's arguments."""


type Step = SayStep | ToolStep


@runtime_checkable
class TurnHeard(Protocol):
    """A caller's turn has ended. Anything else an ear gives means that one has begun."""

    @property
    def text(self) -> str:
        """The words."""

    @property
    def confident(self) -> bool:
        """Whether the words are worth acting on."""


class CallerRecognition(Protocol):
    """Listens to one caller."""

    async def feed(self, pcm: bytes) -> Sequence[object]:
        """Take 16-bit mono samples of any length; give what began or ended in them, in order."""

    async def aclose(self) -> None:
        """Stop listening."""


class RecognitionBackend(Protocol):
    """Makes ears; one per server."""

    async def start(self) -> None:
        """Get ready to listen."""

    def listen(self, sample_rate: int, *, sensitivity: str | None) -> CallerRecognition:
        """Give a new caller an ear; `sensitivity` (HIGH, MEDIUM, LOW) says how soon a pause ends a turn."""

    async def aclose(self) -> None:
        """Let everything go."""


class SynthesisBackend(Protocol):
    """Turns text into sound; one per server."""

    @property
    def name(self) -> str:
        """What makes the sound, for the banner; known once started."""

    async def start(self) -> None:
        """Get ready to speak."""

    async def aclose(self) -> None:
        """Let everything go."""

    async def speak(self, text: str, sample_rate: int) -> bytes:
        """Give 16-bit mono samples of one sentence."""


class DialogueBackend(Protocol):
    """Decides what to answer; one per conversation."""

    def heard(self, text: str) -> Sequence[Step]:
        """Answer the caller's words, spoken or typed."""

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        """Go on with what a tool gave."""


class MakeDialogue(Protocol):
    """Begins a conversation."""

    def __call__(
        self, *, tools: Sequence[DeclaredTool], system: str, history: Sequence[tuple[str, str]]
    ) -> DialogueBackend:
        """Give its dialogue; `history` is (role, text), oldest first."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Everything that hears, thinks and speaks."""

    hearing: RecognitionBackend
    voice: SynthesisBackend
    dialogue: MakeDialogue
    description: str
    """What this brain is and is not, in a phrase for the banner."""
