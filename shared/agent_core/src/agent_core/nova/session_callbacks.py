"""What the model's service needs of the conversation around it."""

from typing import Any, Protocol

from agent_core.errors import ModelError
from agent_core.events import SessionStats


class AudioSink(Protocol):
    """Where the agent's sound goes when it does not travel as frames. No call may wait."""

    def play(self, pcm: bytes) -> None:
        """Play 16-bit PCM at the prompt's output rate after what was given before."""

    def say(self, pcm: bytes) -> None:
        """Play a recording after what was given before; it is no part of an answer."""

    def sounds_for(self) -> float:
        """Give the seconds until the caller will have heard all that was given."""

    def interrupt(self) -> None:
        """The caller talks over the agent: forget what has not been heard."""

    def finish_answer(self) -> None:
        """The answer is complete."""


class SessionCallbacks(Protocol):
    """Whoever holds the conversation."""

    stats: SessionStats
    """Turns, interruptions and tokens are counted here."""

    async def call_tool(self, name: str, arguments: dict[str, Any] | None, call_id: str) -> dict[str, Any]:
        """Give the result that the model shall see; never raises, always answers within the tool's deadline."""

    async def somebody_there(self) -> None:
        """Wait until there is somebody to talk with: a stream to the model costs money from its first second."""

    def caller_took_turn(self) -> None:
        """Take the news that the caller has said or written something new."""

    def caller_turn_ended(self) -> None:
        """Take the news that the model has heard the end of what the caller said."""

    def answer_began(self) -> None:
        """Take the news that the first sound of an answer is there."""

    def answer_heard(self) -> None:
        """Take the news that the caller has heard an answer to its end; comes only where sound travels as frames."""

    def model_failed(self, error: ModelError) -> None:
        """Take the news that the model is lost for good; comes once."""

    def model_session_started(self, model_session_id: str) -> None:
        """Take the model's own id of a session."""
