"""What a session may do: every limit of the service, with where it comes from.

Sources often disagree. The default is the strictest reading, so that a client that passes here passes under each of
them; what another source allows can be chosen.
"""

from dataclasses import dataclass
from typing import Literal

from standins.nova.models import MODELS
from standins.nova.tool_schema_rules import Reading


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """The limits of one stand-in. Times are in seconds, sizes in bytes of UTF-8."""

    concurrent: int | None = None
    """Streams that may be open at once: the quota of the account, whose default is 20, and 2 or 0 in many new accounts
    (Service Quotas, as reported by users). None means no limit, so that tests with many calls need no setting."""
    lifetime: float = 480.0
    """How long a stream stays open (API reference)."""
    idle: float | None = None
    """Time without audio or interactive content; None uses the model's own: 295 for Nova 2, 55 for v1 and 2.5."""
    silence_counts: bool = True
    """Whether audio without speech resets the idle clock. Reports on Nova 2 disagree."""
    history_messages: int = 40
    """Most messages of a history (AWS in aws-samples/sample-sonic-cdk-agent #31; LiveKit respects it too)."""
    history_alternates: bool = True
    """Whether messages must alternate USER, ASSISTANT, USER, … (livekit/agents PR #5220). The first must be USER's in
    any case."""
    history_text_bytes: int = 1000
    """Most bytes of one textInput. The user guide says 1 KB, AWS in #31 "1000 bytes"."""
    history_message_bytes: int | None = 1000
    """Most bytes of one message, which is one content block of any number of textInputs. AWS in #31 counts by message.

    None is the user guide's reading: a long message is split over several textInputs of one block.
    """
    history_bytes: int = 10_000
    """Most bytes of a history.

    The user guide says 40 KB; in the field 21.6k and 10.8k characters were refused and fewer than 5k accepted.
    """
    history_settle: float = 0.05
    """Least time from the end of a history to the audio's contentStart.

    Without a pause the service refuses some of them under load: LiveKit waits for the response's headers and 10 ms
    after each block (livekit/agents PR #5626, #5220). Pipecat and AWS's sample do not wait: 0 is their reading.
    """
    tool_schema: Reading = "strict"
    """Valid keywords of a tool's schema. ``strict``: ``type``, ``properties`` and ``required``, and below the top
    ``description``, ``enum`` and ``items``. ``bounds``: also ``minimum`` and ``maximum``, which no source settles.
    ``any``: all of JSON Schema. A report names anyOf, null, default, title and additionalProperties as rejected, AWS's
    page on tool calls any further key at the top."""
    audio_during_tools: Literal["accept", "refuse"] = "accept"
    """Whether audio may arrive while the model waits for a tool's result. Pipecat, LiveKit and Strands always send it.
    A team on Nova 2.5 saw the stream end with "Invalid input request" and stopped sending it, which is ``refuse``. The
    only limit whose default is not the strictest: three sources against one."""
    audio_in_flight: float = 0.1
    """How long after a toolUse audio is still accepted where it is rejected: it was sent before the toolUse arrived."""
    blocked_words: tuple[str, ...] = ()
    """What the content filter rejects: in the caller's words, and in the history of the next stream."""

    def idle_for(self, model_id: str) -> float:
        """Return the idle limit of a model."""
        if self.idle is not None:
            return self.idle
        return MODELS[model_id].idle
