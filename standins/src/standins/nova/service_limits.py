"""Limits of a session: every limit of the service, with its source.

Sources often disagree. The default is the strictest reading, so that a client that works here works under each of them;
what another source allows can be configured.
"""

from dataclasses import dataclass
from typing import Literal

from standins.nova.models import MODELS
from standins.nova.tool_schema_rules import Reading


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """The limits of one stand-in. Times are in seconds, sizes in bytes of UTF-8."""

    concurrent: int | None = None
    """Streams that may be open concurrently: the account's quota, by default 20, in many new accounts 2 or 0 (Service
    Quotas, as listed in the field). None is no limit, so that a load test needs no configuration."""
    lifetime: float = 480.0
    """Maximum lifetime of a stream (API reference)."""
    idle: float | None = None
    """Time without audio or interactive content; None uses the model's own: 295 for Nova 2, 55 for v1 and 2.5."""
    silence_counts: bool = True
    """Whether audio without speech resets the idle timer. Field reports on Nova 2 disagree."""
    history_messages: int = 40
    """Maximum messages of a history (AWS in aws-samples/sample-sonic-cdk-agent #31; LiveKit uses it too)."""
    history_alternates: bool = True
    """Whether messages must alternate USER, ASSISTANT, … (livekit/agents PR #5220). The first is always USER's."""
    history_text_bytes: int = 1000
    """Maximum bytes of one textInput. The user guide says 1 KB, AWS in #31 "1000 bytes"."""
    history_message_bytes: int | None = 1000
    """Maximum bytes of one message, a content block of any number of textInputs. AWS in #31 counts per message.

    None follows the user guide: a long message is split over several textInputs of one block.
    """
    history_bytes: int = 10_000
    """Maximum bytes of a history.

    The user guide says 40 KB; in the field, 21.6k and 10.8k characters were rejected and fewer than 5k accepted.
    """
    history_settle: float = 0.05
    """Minimum time from the end of a history to the audio's contentStart.

    Without a pause, the service rejects some of them under load: LiveKit waits for the response headers and 10 ms after
    each block (livekit/agents PR #5626, #5220). Pipecat and AWS's sample do not wait: 0 is their reading.
    """
    tool_schema: Reading = "strict"
    """JSON Schema keywords that a tool's schema may contain.

    `strict`: `type`, `properties` and `required`, and below the top level `description`, `enum` and `items`. `bounds`:
    also `minimum` and `maximum`, which no source settles. `any`: all of JSON Schema. A field report names anyOf, null,
    default, title and additionalProperties as rejected, AWS's page on tool calls any further key at the top level.
    """
    audio_during_tools: Literal["accept", "refuse"] = "accept"
    """Whether audio may arrive while the model waits for a tool result.

    Pipecat, LiveKit and Strands always send it. A team on Nova 2.5 saw the stream end with "Invalid input request" and
    stopped sending it, which is `refuse`. The only limit whose default is not the strictest: three clients against one.
    """
    audio_in_flight: float = 0.1
    """Grace period for audio after a toolUse, where it is refused: the client sent it before the toolUse arrived."""
    blocked_words: tuple[str, ...] = ()
    """Words that the content filter rejects: in the caller's speech, and in the history of the next stream."""

    def idle_for(self, model_id: str) -> float:
        """Return the idle timeout of a model."""
        if self.idle is not None:
            return self.idle
        return MODELS[model_id].idle
