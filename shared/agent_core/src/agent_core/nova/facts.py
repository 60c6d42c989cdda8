"""What happens in a conversation with the model, as facts that every other part can rely on.

`Turns` finds most of them in the model's events. The rest concern the connection: what it asked the model, and what
became of its streams. A *reply* is what the agent says in one go, as observers see it; an *answer* is everything it
says to one turn, so a reply that ends with a tool call does not end the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agent_core.nova import wire


@dataclass(frozen=True, slots=True)
class Progress:
    """The model works on the conversation. Reports of tokens, unknown events and the like do not show that."""


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """A stream has begun; the id is the model's own."""

    model_session_id: str


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The caller has taken the turn: what the agent has not said yet is obsolete. ``first`` is False for a repeat."""

    first: bool


@dataclass(frozen=True, slots=True)
class CallerWords:
    """The model has understood words of the caller."""

    words: str


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller has stopped speaking. Nova 2.5 reports it before the words; otherwise their end implies it."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The caller's turn is over."""


@dataclass(frozen=True, slots=True)
class TurnTranscribed:
    """All words of a turn, in one piece, however many pieces the model reported; comes before the reply."""

    words: str


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The agent begins to reply."""


@dataclass(frozen=True, slots=True)
class TextPlanned:
    """A sentence is about to be spoken."""

    words: str


@dataclass(frozen=True, slots=True)
class MarkupPlanned:
    """A tool call is about to be spoken aloud (AWS re:Post, "infinite tool calling loop")."""


@dataclass(frozen=True, slots=True)
class TextFinal:
    """Words that were spoken."""

    words: str


@dataclass(frozen=True, slots=True)
class AudioStarted:
    """Audio of this rate follows, in Hz; None if the model declares none."""

    sample_rate: int | None


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A piece of the agent's audio.

    Attributes:
        pcm: 16-bit PCM at the declared rate.
        first: Whether it is the first of its reply.
        obsolete: Whether the reply was interrupted before, so that this must not be heard.
    """

    pcm: bytes
    first: bool
    obsolete: bool


@dataclass(frozen=True, slots=True)
class SentenceEnded:
    """The planned sentence has been delivered as audio."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The caller talks over the reply; reported once for each reply."""


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """The reply is over, for whatever reason; reported once for each reply."""


@dataclass(frozen=True, slots=True)
class AnswerOver:
    """The model says no more to the last turn: it has finished, was interrupted, or the caller took the turn.

    ``spoken`` is True if it ended while audio was being delivered and no tool was awaited.
    """

    spoken: bool


@dataclass(frozen=True, slots=True)
class ToolRequested:
    """The model requests a tool call."""

    use: wire.ToolUse


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """Tokens since the last report."""

    usage: wire.Usage


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event that this version does not know."""

    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The model was sent words to reply to; ``by_caller`` if the caller wrote or typed them."""

    by_caller: bool


@dataclass(frozen=True, slots=True)
class SpeechIgnored:
    """The caller seems to have said something that the model does not react to."""


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool's result was sent to the model; ``pending`` if the caller waits for the reply to it."""

    pending: bool


@dataclass(frozen=True, slots=True)
class StageEntered:
    """Another stage of the conversation begins on a stream of its own.

    Attributes:
        stage: Its name.
        waited: Seconds since the result that led to it.
        lost_ms: Caller audio that neither stream received.
    """

    stage: str
    waited: float
    lost_ms: int


@dataclass(frozen=True, slots=True)
class StreamLost:
    """A stream broke, and another one will be tried.

    Attributes:
        waiting: Whether the caller waits for a reply.
        cut_off: Whether the caller was hearing a reply, which cannot continue.
        silently: Whether no announcement is needed if the interruption is short.
    """

    waiting: bool
    cut_off: bool
    silently: bool


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """No stream will be opened any more."""


type Fact = (
    Progress
    | StreamStarted
    | TurnStarted
    | CallerWords
    | SpeechEnded
    | TurnEnded
    | TurnTranscribed
    | ReplyStarted
    | TextPlanned
    | MarkupPlanned
    | TextFinal
    | AudioStarted
    | ReplyAudio
    | SentenceEnded
    | Interrupted
    | ReplyEnded
    | AnswerOver
    | ToolRequested
    | TokensUsed
    | UnknownEvent
    | Asked
    | SpeechIgnored
    | ToolAnswered
    | StageEntered
    | StreamLost
    | ConnectionClosed
)
type Facts = Sequence[Fact]
