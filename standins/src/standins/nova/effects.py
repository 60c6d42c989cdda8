"""What a client's events mean, after their order has been checked."""

from dataclasses import dataclass, field

from standins.nova.inputs import PromptStart


@dataclass(slots=True)
class OpenedPrompt:
    """The settings and the context of a conversation."""

    start: PromptStart
    sensitivity: str | None = None
    system: str = ""
    history: list[tuple[str, str]] = field(default_factory=list)
    """(role, text) pairs; the first is USER's."""

    @property
    def name(self) -> str:
        """ID that the client chose."""
        return self.start.prompt_name


@dataclass(frozen=True, slots=True)
class PromptOpened:
    """A prompt has started; `OpenedPrompt` is complete only when the first turn needs system prompt and history."""

    prompt: OpenedPrompt


@dataclass(frozen=True, slots=True)
class AudioOpened:
    """The caller's audio starts, at this rate."""

    sample_rate: int


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """16-bit mono samples at the declared rate."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class AudioClosed:
    """The caller's audio has ended."""


@dataclass(frozen=True, slots=True)
class CallerText:
    """Interactive text, answered like speech."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool's result has arrived."""

    tool_use_id: str
    result: dict[str, object]


@dataclass(frozen=True, slots=True)
class PromptClosed:
    """The conversation is over."""


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The client ends the stream."""


type Effect = (
    PromptOpened | AudioOpened | CallerAudio | AudioClosed | CallerText | ToolAnswered | PromptClosed | SessionClosed
)
