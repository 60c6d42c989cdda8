"""Remember what this process has learned about the model.

Documentation, field reports and other clients disagree about some limits of the service. Each conversation starts with
what most of them say; a refusal that contradicts it is recorded here, so that later callers do not run into it.
"""

from dataclasses import dataclass

from agent_core.nova.replay import MAX_HISTORY_BYTES, MIN_HISTORY_BYTES


@dataclass(slots=True)
class Quirks:
    """Shared by all conversations of a process; lost on restart."""

    history_bytes: int = MAX_HISTORY_BYTES
    """Most bytes of history that a new session is sent."""
    holds_audio: bool = False
    """Whether the caller's audio is held back while the model waits for a tool result, and sent after it.

    One production team had streams closed that sent audio meanwhile; Pipecat, LiveKit and Strands always send it.
    """

    head_start: float = 0.0
    """Seconds of silence before a reply, so that bursts of audio do not leave gaps in it (``HeadStart``)."""
    takes_nudges: bool = True
    """Whether the model may be prompted in writing to say something while it waits for a tool result (AWS's guide for
    Nova 2.5). Set to False after a refusal in such a moment.
    """

    def shorten_history(self) -> None:
        """Halve the history that new sessions are sent."""
        self.history_bytes = max(self.history_bytes // 2, MIN_HISTORY_BYTES)
