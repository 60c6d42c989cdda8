"""What happened in a rehearsed conversation, whichever way it was held."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ToolUse:
    """A tool that the agent called."""

    name: str
    arguments: Mapping[str, object]
    result: Mapping[str, object] | None = None


@dataclass
class ObservedTurn:
    """What happened between one turn of the caller and the next. Audio is µ-law at 8 kHz."""

    heard: str = ""
    """The agent's transcript of the caller's words."""
    said: str = ""
    """The agent's reply."""
    tools: list[ToolUse] = field(default_factory=list)
    wait: float | None = None
    """Seconds from the end of the caller's words to the reply; None if there was none."""
    transfer: str = ""
    """Name of the person that the agent called."""
    stage: str = ""
    """The agent's stage at the end of the turn; empty if it is not known."""
    recordings: list[str] = field(default_factory=list)
    """Announcements that were played instead of the model."""
    covered: bool = True
    """Whether the caller heard something before a slow tool had answered."""
    stopped: float | None = None
    """After a barge-in: seconds until the agent fell silent."""
    caller_audio: bytes = field(default=b"", repr=False)
    agent_audio: bytes = field(default=b"", repr=False)


@dataclass
class Observed:
    """A whole conversation."""

    turns: list[ObservedTurn] = field(default_factory=list)
    failure: str = ""
    """Why the conversation could not be held to its end; empty if it was."""
    ended_by_agent: bool = False
    transferred: bool = False
    """Whether the caller was connected with a person."""
    sees_inside: bool = True
    """Whether tools and transcripts are visible. From outside a deployment they may not be."""
    records: int | None = None
    """Call detail records over model conversations, which must be one each; None if the log is out of reach."""
    conversations: int | None = None
    greeting: bool = True
    """Whether the agent spoke first."""
    asked_in_silence: bool = False
    """Whether the agent spoke while the caller was silent on purpose."""
    call_sid: str = ""
