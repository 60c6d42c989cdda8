"""Store the state of an active call in the background; neither words nor audio ever wait for it."""

import asyncio
from dataclasses import replace
from typing import Any, Final

from agent_core.adapters.call_store.store import CallStore
from agent_core.agents.stages import StagePosition
from agent_core.call_state import CallState
from agent_core.capture.values import Stored
from agent_core.nova.transcript import History
from agent_core.tools.acts import ActsDone

SETTLE_SECONDS: Final = 0.5
"""The words of a turn arrive in pieces: changes within this time after a write are written together."""


class CallStateWriter:
    """Keeps a store up to date with one call. Only the newest state is written.

    Args:
        store: Receives the state.
        call: What is known at the start.
    """

    def __init__(self, store: CallStore, call: CallState) -> None:
        self.call = call
        self._store = store
        self._changed = asyncio.Event()
        self._written = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to write; the first state is written at once, so that an earlier part of the call stops writing."""
        # Without a store there is nothing to write to.
        if self._store.remembers and self._work is None:
            self._changed.set()
            self._work = asyncio.create_task(self._write(), name=f"scribe-{self.call.call_sid}")

    def on_transcript(self, history: History) -> None:
        """Record the conversation so far. Never blocks."""
        self.change(history=tuple((role.value, words) for role, words in history))

    def on_act(self, done: ActsDone) -> None:
        """Record that a tool has changed something. Never blocks."""
        self.change(acts=(done.count, done.last))

    def on_stage(self, at: StagePosition) -> None:
        """Record where the conversation is. Never blocks."""
        self.change(stage=at.stage, known=at.facts)

    def on_captured(self, values: Stored) -> None:
        """Record the values that the caller has given. Never blocks."""
        self.change(captured=values)

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - fields of CallState
        """Change fields of `CallState`. Never blocks."""
        self.call = replace(self.call, **fields)
        self._changed.set()

    async def write_now(self) -> None:
        """Write the current state; return when it is written, or after the store's deadline."""
        async with self._written:
            self._changed.clear()
            await self._store.remember(self.call)

    def stop(self) -> None:
        """Stop writing at once."""
        if self._work is not None:
            self._work.cancel()

    async def close(self, *, over: bool) -> None:
        """Stop. Bounded by the store's deadline.

        Args:
            over: The call is over: delete its state. Otherwise write the state once more, for the task that resumes it.
        """
        # A write in progress finishes first: if interrupted, it might arrive after what follows.
        async with self._written:
            self.stop()
            if over:
                await self._store.forget(self.call)
            else:
                await self._store.remember(self.call)

    async def _write(self) -> None:
        while True:
            await self._changed.wait()
            await self.write_now()
            await asyncio.sleep(SETTLE_SECONDS)
