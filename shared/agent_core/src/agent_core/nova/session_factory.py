"""Define where a conversation's model sessions come from."""

from typing import Protocol

from agent_core.nova.model_session import ModelSession
from agent_core.nova.transcript import History


class ModelSource(Protocol):
    """Opens model sessions for one conversation. Each call has its own deadline."""

    async def first(self) -> ModelSession | None:
        """Return the session that was opened before the conversation started, once; None if there is none left."""

    async def open(self, history: History) -> ModelSession:
        """Open a session that knows what was said before.

        Raises:
            ModelError: it could not be opened.
        """

    async def open_ready(self) -> ModelSession:
        """Open a session that the model has accepted and that waits for ``begin``.

        Raises:
            ModelError: the model refused it, or it could not be opened.
        """

    async def discard(self) -> None:
        """Close the first session if it was not used; bounded, never raises."""
