"""Writes down one call while it goes on, behind its back: no word and no sound ever waits for it."""

import asyncio
from dataclasses import replace
from typing import Any, Final

from agent_core.adapters.call_store.store import CallStore
from agent_core.call_state import CallState
from agent_core.nova.transcript import History

SETTLE_SECONDS: Final = 0.5
"""The words of a turn come in pieces: what follows a write within this time is written together."""


class CallStateWriter:
    """Keeps a store up to date with one call. Only the newest state is ever written.

    Args:
        store: Where to.
        call: What is known at the start.
    """

    def __init__(self, store: CallStore, call: CallState) -> None:
        self.call = call
        self._store = store
        self._changed = asyncio.Event()
        self._written = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write; the first state is written at once, so that an earlier part of the call writes no more."""
        if self._store.remembers and self._work is None:
            self._changed.set()
            self._work = asyncio.create_task(self._write(), name=f"scribe-{self.call.call_sid}")

    def on_transcript(self, history: History) -> None:
        """Take the conversation so far. Never waits."""
        self.change(history=tuple((role.value, words) for role, words in history))

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - fields of CallState
        """Change what is known, by the names of `CallState`. Never waits."""
        self.call = replace(self.call, **fields)
        self._changed.set()

    async def write_now(self) -> None:
        """Write what is known; returns when it is written, or after the store's deadline."""
        async with self._written:
            self._changed.clear()
            await self._store.remember(self.call)

    def stop(self) -> None:
        """Write no more, at once."""
        if self._work is not None:
            self._work.cancel()

    async def close(self, *, over: bool) -> None:
        """Stop. Bounded by the store's deadline.

        Args:
            over: The call is over: forget it. Else what is known is written once more, for whoever takes it up.
        """
        # A write that is under way ends first: broken off, it might arrive after what follows.
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
