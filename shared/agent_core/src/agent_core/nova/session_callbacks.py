"""Define what the model service requires of the conversation around it."""

from typing import Any, Protocol

from agent_core.errors import ModelError
from agent_core.events import SessionStats


class AudioSink(Protocol):
    """Plays the agent's audio where it does not travel as frames. No method blocks."""

    def play(self, pcm: bytes) -> None:
        """Queue 16-bit PCM at the prompt's output rate."""

    def say(self, pcm: bytes) -> None:
        """Queue a recording; it is not part of a reply."""

    def sounds_for(self) -> float:
        """Return the seconds until the caller has heard everything queued."""

    def interrupt(self) -> None:
        """Discard everything that has not been heard: the caller talks over the agent."""

    def finish_answer(self) -> None:
        """Mark the reply as complete."""


class SessionCallbacks(Protocol):
    """The conversation that a model service works for."""

    stats: SessionStats
    """Counts turns, interruptions and tokens."""

    async def call_tool(self, name: str, arguments: dict[str, Any] | None, call_id: str) -> dict[str, Any]:
        """Return the result that the model receives; never raises, always returns within the tool's deadline."""

    async def somebody_there(self) -> None:
        """Wait until the caller is connected: a stream to the model costs money from its first second."""

    def answer_heard(self) -> None:
        """Called when the caller has heard a reply to its end; only where audio travels as frames."""

    def model_failed(self, error: ModelError) -> None:
        """Called once, when the model is lost for good."""
