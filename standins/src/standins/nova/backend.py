"""Protocols of the parts that hear, decide and speak. They match structurally: neither side imports the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A tool that the prompt declares; `schema` is the JSON Schema of its arguments."""

    name: str
    schema: dict[str, Any]
    description: str = ""


@runtime_checkable
class SayStep(Protocol):
    """A step of a reply: one or more sentences."""

    @property
    def text(self) -> str:
        """The text to say."""


@runtime_checkable
class ToolStep(Protocol):
    """A step of a reply: ask the client to run a tool, then continue with its result."""

    @property
    def name(self) -> str:
        """Name of a tool that the prompt declares."""

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the tool."""


@runtime_checkable
class LaterStep(Protocol):
    """A step that is decided only after a wait, for example by another server."""

    async def decide(self) -> Sequence["Step"]:
        """Return the steps in its place. Has a deadline, and does not raise."""


type Step = SayStep | ToolStep | LaterStep


@runtime_checkable
class TurnHeard(Protocol):
    """The end of a caller's turn. Any other object from an ear marks the start of a turn."""

    @property
    def text(self) -> str:
        """The transcript."""

    @property
    def confident(self) -> bool:
        """Whether the recogniser is confident enough to act on the transcript."""


class CallerRecognition(Protocol):
    """Listens to one caller."""

    async def feed(self, pcm: bytes) -> Sequence[object]:
        """Process 16-bit mono samples of any length; return the turns that start or end in them, in order."""

    async def aclose(self) -> None:
        """Stop listening."""


class RecognitionBackend(Protocol):
    """Creates ears; one per server."""

    async def start(self) -> None:
        """Load what listening needs."""

    def listen(self, sample_rate: int, *, sensitivity: str | None) -> CallerRecognition:
        """Return an ear for a new caller; `sensitivity` (HIGH, MEDIUM, LOW) sets how soon a pause ends a turn."""

    async def aclose(self) -> None:
        """Release all resources."""


class SynthesisBackend(Protocol):
    """Text to speech; one per server."""

    @property
    def name(self) -> str:
        """Name of the synthesizer, for the banner; known after the start."""

    async def start(self) -> None:
        """Load what speaking needs."""

    async def aclose(self) -> None:
        """Release all resources."""

    async def speak(self, text: str, sample_rate: int) -> bytes:
        """Return one sentence as 16-bit mono samples."""


class DialogueBackend(Protocol):
    """Decides what to reply; one per conversation."""

    def heard(self, text: str) -> Sequence[Step]:
        """Return the reply to the caller's words, spoken or typed."""

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        """Return the reply to a tool's result."""


class MakeDialogue(Protocol):
    """Starts a conversation."""

    def __call__(
        self, *, tools: Sequence[DeclaredTool], system: str, history: Sequence[tuple[str, str]]
    ) -> DialogueBackend:
        """Return the conversation's dialogue; `history` is (role, text), oldest first."""


class Cast(Protocol):
    """Chooses the parts for a prompt."""

    def __call__(self, tools: Sequence[DeclaredTool], system: str) -> "Backend":
        """Return the parts that fit the agent of the prompt."""


@dataclass(frozen=True, slots=True)
class Backend:
    """The parts that hear, decide and speak."""

    hearing: RecognitionBackend
    voice: SynthesisBackend
    dialogue: MakeDialogue
    description: str
    """What this brain can and cannot do, in a phrase for the banner."""
    cast: Cast | None = None
    """Returns other parts for each prompt; None if all prompts have the same."""

    def for_prompt(self, tools: Sequence[DeclaredTool], system: str) -> "Backend":
        """Return the parts for a prompt."""
        return self.cast(tools, system) if self.cast is not None else self
