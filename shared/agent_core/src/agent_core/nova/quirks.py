"""What this process has learned about the model that it talks to.

Documents, field reports and other clients disagree about some limits of the service. Each conversation starts with
what most of them say; a refusal that contradicts it is remembered here, so that no later caller meets it again.
"""

from dataclasses import dataclass

from agent_core.nova.replay import MAX_HISTORY_BYTES, MIN_HISTORY_BYTES


@dataclass(slots=True)
class Quirks:
    """Shared by all conversations of a process; a restart forgets it."""

    history_bytes: int = MAX_HISTORY_BYTES
    """Most bytes of history that a new session is given."""
    holds_audio: bool = False
    """Whether the caller's audio waits while the model waits for a tool result, and follows it.

    One production team had streams closed that sent audio meanwhile; Pipecat, LiveKit and Strands send it always.
    """

    head_start: float = 0.0
    """Seconds of silence before an answer, so that bursts of audio do not leave gaps in it (``HeadStart``)."""
    takes_nudges: bool = True
    """Whether the model may be asked in writing to say something while it waits for a tool result (AWS's guide for
    Nova 2.5). Taken back when it refused something in such a moment."""

    def shorten_history(self) -> None:
        """Give new sessions half as much."""
        self.history_bytes = max(self.history_bytes // 2, MIN_HISTORY_BYTES)
