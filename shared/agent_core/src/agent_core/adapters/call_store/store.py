"""Store the state of calls for other tasks. A call continues even if the store fails."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final

import structlog

from agent_core import call_state
from agent_core.adapters.call_store.key_value_store import KeyValueStore, NoStore, StoredEntry
from agent_core.adapters.call_store.seal import Seal
from agent_core.call_state import CallState
from agent_core.errors import AgentError

log = structlog.get_logger()

KEEP: Final = timedelta(hours=1)
"""How long an entry outlives its last change. A call changes it with each turn, so no entry outlives a call by more."""
BARRED: Final = timedelta(minutes=5)
"""How long a forgotten call accepts no late entry. A task whose caller fell silent writes its last entry within half a
minute, a draining task within two, and an abandoned request ends within seconds.
"""
DEADLINE: Final = timedelta(seconds=1)
"""Longest wait for the store. Both kinds answer within some milliseconds."""
_HURRY: Final = 4
"""A wait that delays a caller has a quarter of that."""


class CallStore:
    """The state of calls that tasks share.

    No method raises. A failure of the store is a warning and a count, and the answer is that nothing is known.

    Args:
        shelf: Keeps the entries; None stores nothing.
        seal: Encrypts them; None if nothing is stored.
        clock: Unix seconds.
        deadline: Longest wait for the store.
    """

    def __init__(
        self,
        shelf: KeyValueStore | None = None,
        seal: Seal | None = None,
        *,
        clock: Callable[[], float] = time.time,
        deadline: timedelta = DEADLINE,
    ) -> None:
        if shelf is not None and seal is None:
            raise ValueError("a shelf needs a seal")
        self._shelf: KeyValueStore = NoStore() if shelf is None else shelf
        self._seal = seal
        self._clock = clock
        self._deadline = deadline.total_seconds()
        self.faults: Counter[str] = Counter()
        """How often each operation failed, by its name."""

    @property
    def remembers(self) -> bool:
        """Whether anything is stored."""
        return self._seal is not None

    async def recall(self, call_sid: str) -> CallState | None:
        """Return the stored state of a call."""
        if self._seal is None:
            return None
        entry = await self._try("recall", self._shelf.get(call_sid), None)
        if entry is None:
            return None
        try:
            return call_state.decode(call_sid, self._seal.open(call_sid, entry.sealed))
        except AgentError as error:
            self._note_fault("recall", error.reason)
            return None

    async def remember(self, call: CallState) -> bool:
        """Store the state of a call; return True if it is stored.

        A later part of the call is never overwritten, and a forgotten call stays forgotten.
        """
        if self._seal is None:
            return False
        entry = StoredEntry(
            self._seal.close(call.call_sid, call.encode()), call.part, self._clock() + KEEP.total_seconds()
        )
        return await self._try("remember", self._shelf.put(call.call_sid, entry), default=False)

    async def forget(self, call: CallState) -> None:
        """Delete the state of a call, unless a later part of it continues."""
        if self._seal is not None:
            until = self._clock() + BARRED.total_seconds()
            await self._try("forget", self._shelf.delete(call.call_sid, call.part, until), default=False)

    async def redeem(self, name: str, expires_at: float, *, unless_known: bool = True) -> bool:
        """Return whether this name is used for the first time.

        Args:
            name: ASCII, not a secret.
            expires_at: Unix seconds until which the name is stored.
            unless_known: The answer if the store does not answer in time.
        """
        if self._seal is None:
            return True
        work = self._shelf.put_if_absent(f"once/{name}", expires_at)
        return await self._try("redeem", work, default=unless_known, seconds=self._deadline / _HURRY)

    async def aclose(self) -> None:
        """Release the store."""
        await self._try("close", self._shelf.aclose(), None)

    async def _try[T, D](
        self, operation: str, work: Coroutine[Any, Any, T], default: D, seconds: float | None = None
    ) -> T | D:
        seconds = seconds or self._deadline
        try:
            async with asyncio.timeout(seconds):
                return await work
        except AgentError as error:
            self._note_fault(operation, error.reason)
        except TimeoutError:
            self._note_fault(operation, f"nothing within {seconds:g} s")
        return default

    def _note_fault(self, operation: str, reason: str) -> None:
        self.faults[operation] += 1
        log.warning("call_store_failed", operation=operation, error=reason, faults=self.faults[operation])
