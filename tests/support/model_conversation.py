"""A link over a scripted model: what it emits, says, and counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_core.announcements import Announcement
from agent_core.events import SessionStats
from agent_core.nova.error_policy import Quirks
from agent_core.nova.facts import Fact
from agent_core.nova.model_session import ModelSession
from agent_core.nova.resilient_connection import ResilientConnection
from agent_core.nova.transcript import ConversationTranscript
from tests.support.scripted_model import ScriptedModel
from tests.support.scripted_source import ScriptedSource
from tests.support.state_runner import StateRunner


class Conversation:
    """A link over a scripted model, and all facts that it reported."""

    def __init__(
        self,
        model: ScriptedModel,
        first: ModelSession | None = None,
        *,
        renew_after: float = 360,
        quirks: Quirks | None = None,
    ) -> None:
        self.model = model
        self.stats = SessionStats()
        self.facts: list[Fact] = []
        self.transcript = ConversationTranscript()
        self.state = StateRunner(lambda: not self.connection.caller_speaks)
        self.connection = ResilientConnection(
            ScriptedSource(model, first),
            self.transcript,
            self.stats,
            self.state.on,
            self.state.is_quiet,
            input_rate=8000,
            renew_after=renew_after,
            quirks=quirks,
        )

    @property
    def said(self) -> list[Announcement]:
        """The announcements that the caller heard."""
        return self.state.said

    async def take(self, fact: Fact) -> None:
        """Keep a fact."""
        self.facts.append(fact)

    def count(self, kind: type[Fact]) -> int:
        """Return how many facts of a kind were reported."""
        return sum(isinstance(fact, kind) for fact in self.facts)

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run the link; close and end it at the end of the block."""
        running = asyncio.create_task(self.connection.run(self.take))
        try:
            yield running
        finally:
            await self.connection.close()
            running.cancel()
            await asyncio.wait({running}, timeout=3)
            if not running.cancelled():
                running.exception()
