"""What follows from the state of a conversation: the session carries these actions out, in order."""

from dataclasses import dataclass, field
from typing import Literal

from agent_core.announcements import Announcement
from agent_core.events import EndReason

type AskedBy = Literal["tool", "key"]
type RefusalKind = Literal["transfer_under_way", "already_transferred"]


@dataclass(frozen=True, slots=True)
class Greet:
    """Let the agent speak first."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Send the model a prompt to reply to.

    Attributes:
        prompt: Its name, see `agent_core.prompts`.
        values: What it is filled with.
        by_caller: Whether it stands for something that the caller did.
        after_keys: What the caller typed before, which the model learns first.
    """

    prompt: str
    values: dict[str, str] = field(default_factory=dict)
    by_caller: bool = False
    after_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RememberKeys:
    """Keep keys in the transcript that came too late for the model."""

    keys: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """Stop the agent's voice at once, and mute the rest of its reply."""


@dataclass(frozen=True, slots=True)
class Play:
    """Play an announcement after what is playing."""

    announcement: Announcement


@dataclass(frozen=True, slots=True)
class Apologize:
    """Play the apology, and report how long it takes (`ApologyPlaying`)."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """Prompt the model to say that a tool takes a moment, where it can be prompted."""


@dataclass(frozen=True, slots=True)
class PrepareTransfer:
    """Summarize the conversation for the person now: everything said from here on is about the transfer."""

    destination: str
    reason: str
    by: AskedBy


@dataclass(frozen=True, slots=True)
class RefuseTransfer:
    """Refuse a transfer that the model asked for; ``destination`` is the person being called, if there is one."""

    kind: RefusalKind
    destination: str = ""


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Connect the person."""

    destination: str


@dataclass(frozen=True, slots=True)
class End:
    """End the conversation."""

    reason: EndReason


type Action = (
    Greet | Ask | RememberKeys | CutOff | Play | Apologize | Nudge | PrepareTransfer | RefuseTransfer | CallPerson | End
)
