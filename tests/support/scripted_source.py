"""A source of sessions on a scripted model, as a conversation has one."""

from collections.abc import Callable

from agent_core.nova.facts import Fact
from agent_core.nova.model_session import ModelSession, SessionPrompt
from agent_core.nova.transcript import History
from tests.support.scripted_model import ScriptedModel


class ScriptedSource:
    """A `ModelSource`.

    Args:
        model: Opens the streams.
        first: A session that is already open, if any.
    """

    def __init__(self, model: ScriptedModel, first: ModelSession | None = None) -> None:
        self._model = model
        self._first = first
        self.stages: list[str] = []

    async def first(self) -> ModelSession | None:
        """Return the session that was open before, once."""
        first, self._first = self._first, None
        return first

    async def open(self, history: History) -> ModelSession:
        """Open a session with the history."""
        return await ModelSession.open(self._model, "a-model", SessionPrompt("Be brief.", "matthew", history=history))

    async def open_ready(self, stage: str = "") -> ModelSession:
        """Open a session that waits to begin."""
        self.stages.append(stage)
        return await ModelSession.open_ready(self._model, "a-model", SessionPrompt("Be brief.", "matthew"))

    async def discard(self) -> None:
        """Close the first session, if it was not used."""
        if self._first is not None:
            await self._first.close()


def unwatched() -> tuple[Callable[[Fact], object], Callable[[], bool]]:
    """Return what a connection reports to, and asks for quiet, where a test looks at neither."""
    return (lambda _fact: None), (lambda: True)
