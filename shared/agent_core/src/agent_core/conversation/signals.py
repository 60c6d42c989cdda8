"""Define the inputs and the actions of a conversation's state machine.

Inputs are what a conversation learns from outside the model: the caller, the channel, the clock and the people it
calls; from the model it learns facts. Actions are what follows: the session carries them out, in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agent_core.announcements import Announcement
from agent_core.events import EndReason
from agent_core.nova.facts import Fact


@dataclass(frozen=True, slots=True)
class Started:
    """The conversation has begun; it may last so many seconds."""

    seconds_left: float


@dataclass(frozen=True, slots=True)
class Connected:
    """The caller is connected."""


@dataclass(frozen=True, slots=True)
class ReadyToListen:
    """The caller can hear the greeting."""


@dataclass(frozen=True, slots=True)
class AnswerHeard:
    """The caller has heard the agent's words to their end."""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The caller pressed a key: a digit, ``*`` or ``#``."""

    key: str


@dataclass(frozen=True, slots=True)
class ValueAwaited:
    """Whether the next keys are a value that the caller was asked to type."""

    awaited: bool


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool began to run; ``filler`` is what bridges a long one, None if it needs nothing."""

    filler: Announcement | None


@dataclass(frozen=True, slots=True)
class StageWanted:
    """The result of a tool leads to another stage of the conversation.

    Attributes:
        stage: Name of the stage.
        call_id: The model's name of the tool call.
        result: What the tool returned.
    """

    stage: str
    call_id: str
    result: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class AgentSaidGoodbye:
    """The model ended the conversation with a tool."""


@dataclass(frozen=True, slots=True)
class GoodbyeWanted:
    """The conversation must end politely, for this reason."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class TransferWanted:
    """The model was asked to connect a person."""

    destination: str
    reason: str


@dataclass(frozen=True, slots=True)
class TransferSucceeded:
    """The person has taken over the caller."""


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """The person could not be reached; the caller is still here."""


@dataclass(frozen=True, slots=True)
class ModelLost:
    """No stream to the model can be opened any more; the conversation ends for this reason."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class ApologyPlaying:
    """The apology will have been heard in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class DisclosureOwed:
    """The caller has heard a reply to its end, and still not that an AI speaks.

    Attributes:
        sentence: What the agent should say.
    """

    sentence: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The conversation is over, for this reason; the first one counts."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class Released:
    """Everything is being released: what was being typed is kept, and nothing else happens."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline has passed.

    Attributes:
        quiet: Whether neither side is speaking or still heard.
        owes_answer: Whether the caller waits for a reply, or for its end.
    """

    quiet: bool
    owes_answer: bool


type Input = (
    Fact
    | Started
    | Connected
    | ReadyToListen
    | AnswerHeard
    | KeyPressed
    | ValueAwaited
    | ToolStarted
    | StageWanted
    | AgentSaidGoodbye
    | GoodbyeWanted
    | TransferWanted
    | TransferSucceeded
    | TransferFailed
    | ModelLost
    | ApologyPlaying
    | DisclosureOwed
    | Ended
    | Released
    | Tick
)


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
class TakeValue:
    """Read the value that the caller has typed; empty if they cancelled it."""

    keys: str = field(repr=False)


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
class EnterStage:
    """Continue with another stage: its stream takes over after the agent's sentence.

    Attributes:
        stage: Name of the stage.
        call_id: The tool call whose result the new stream gets instead of the old one.
        result: What the tool returned.
    """

    stage: str
    call_id: str
    result: Mapping[str, Any] = field(default_factory=dict, repr=False)


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
    Greet
    | Ask
    | RememberKeys
    | TakeValue
    | CutOff
    | Play
    | Apologize
    | Nudge
    | EnterStage
    | PrepareTransfer
    | RefuseTransfer
    | CallPerson
    | End
)
