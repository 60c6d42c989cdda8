"""Remembers calls on a shelf. Whatever becomes of the shelf, a call goes on."""

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
"""How long an entry outlives its last change. A call changes it with each turn, so nothing outlives a call by more."""
BARRED: Final = timedelta(minutes=5)
"""How long nothing is kept of a call that was forgotten, whoever comes late with it. A task whose caller fell silent
has written its last word within half a minute, one that has to leave within two, and a request that nobody waits for
any more ends within seconds."""
DEADLINE: Final = timedelta(seconds=1)
"""How long anybody waits for the shelf. Both kinds answer within some milliseconds."""
_HURRY: Final = 4
"""Whoever waits while a caller does gets a quarter of that."""


class CallStore:
    """What tasks know of each other's calls.

    No method raises. A fault of the shelf is a warning and a count, and the answer is that nothing is known.

    Args:
        shelf: Where entries lie; None remembers nothing.
        seal: Locks them; None is for a shelf that keeps nothing.
        clock: Unix seconds.
        deadline: Longest wait for the shelf.
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
        """Whether anything is kept at all."""
        return self._seal is not None

    async def recall(self, call_sid: str) -> CallState | None:
        """Give what is known of a call."""
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
        """Keep what is known of a call; True if it is kept now.

        A later part of the call is never overwritten, and a call that was forgotten stays so.
        """
        if self._seal is None:
            return False
        entry = StoredEntry(
            self._seal.close(call.call_sid, call.encode()), call.part, self._clock() + KEEP.total_seconds()
        )
        return await self._try("remember", self._shelf.put(call.call_sid, entry), default=False)

    async def forget(self, call: CallState) -> None:
        """Remove what is known of a call, unless a later part of it goes on."""
        if self._seal is not None:
            until = self._clock() + BARRED.total_seconds()
            await self._try("forget", self._shelf.delete(call.call_sid, call.part, until), default=False)

    async def redeem(self, name: str, expires_at: float, *, unless_known: bool = True) -> bool:
        """Say whether this name is used for the first time.

        Args:
            name: ASCII, no secret.
            expires_at: Unix seconds until which it is kept.
            unless_known: The answer when that cannot be known soon.
        """
        if self._seal is None:
            return True
        work = self._shelf.put_if_absent(f"once/{name}", expires_at)
        return await self._try("redeem", work, default=unless_known, seconds=self._deadline / _HURRY)

    async def aclose(self) -> None:
        """Let go of the shelf."""
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
