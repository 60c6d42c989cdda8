"""What a client's events amount to, once their order is checked."""

from dataclasses import dataclass, field

from standins.nova.inputs import PromptStart


@dataclass(slots=True)
class OpenedPrompt:
    """What a conversation was opened with."""

    start: PromptStart
    sensitivity: str | None = None
    system: str = ""
    history: list[tuple[str, str]] = field(default_factory=list)
    """(role, text), the first of USER."""

    @property
    def name(self) -> str:
        """The identifier the client chose."""
        return self.start.prompt_name


@dataclass(frozen=True, slots=True)
class PromptOpened:
    """The system prompt and the history are known from `OpenedPrompt` when the first turn needs them."""

    prompt: OpenedPrompt


@dataclass(frozen=True, slots=True)
class AudioOpened:
    """The caller's line is open at this rate."""

    sample_rate: int


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """16-bit mono samples at the line's rate."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class AudioClosed:
    """The caller's line is closed."""


@dataclass(frozen=True, slots=True)
class CallerText:
    """Interactive text, to be answered as if it were spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool use has its result."""

    tool_use_id: str
    result: dict[str, object]


@dataclass(frozen=True, slots=True)
class PromptClosed:
    """The conversation is over."""


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The stream is to end."""


type Effect = (
    PromptOpened | AudioOpened | CallerAudio | AudioClosed | CallerText | ToolAnswered | PromptClosed | SessionClosed
)
