"""Write the end records of conversations whose task was killed, exactly once.

Each task with conversations keeps a list of them in the store, under one of a fixed number of keys: a task may read and
write entries there, but not search for them. Every task looks through these keys. If a list has not been written for a
minute, and none of its callers can return any more, each of its conversations gets its record from whichever task
claims it first. A task that ends a conversation claims it as well, so one that was only slow writes no second record.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

import structlog

from agent_core import open_conversations
from agent_core.adapters.call_store.key_value_store import KeyValueStore, StoredEntry, StoreFault
from agent_core.events import CallDetailRecord
from agent_core.open_conversations import OpenConversation, TaskList, rows_of

log = structlog.get_logger()

SLOTS: Final = 64
"""Keys for the lists of one service, and so the most tasks whose conversations are covered."""
BEAT_SECONDS: Final = 20.0
"""How often a list is written: the record of a lost conversation misses at most so much of it."""
SETTLE_SECONDS: Final = 1.0
"""Shortest time between two writes, when conversations start one after the other."""
SWEEP_SECONDS: Final = 60.0
"""How often the other tasks' lists are read: about one read a second."""
KEPT_SECONDS: Final = 2 * 3600.0
"""How long a list outlives its last write. If no task runs for so long, its records are lost."""
CLAIM_SECONDS: Final = 4 * 3600.0
"""How long a claim is kept: longer than any list that names its conversation."""
DEADLINE_SECONDS: Final = 1.0
"""Longest wait for one request to the store."""


class LostRecords:
    """The list of one task, and its share in writing the records of others.

    Args:
        shelf: Where the lists are.
        service: Its tasks share lists with each other only.
        conversations: Returns those that this task holds.
        keep: Writes a record.
        clock: Unix seconds.
    """

    def __init__(
        self,
        shelf: KeyValueStore,
        service: str,
        conversations: Callable[[], Iterable[OpenConversation]],
        keep: Callable[[CallDetailRecord], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shelf = shelf
        self._prefix = f"open/{service}"
        self._conversations = conversations
        self._keep = keep
        self._clock = clock
        self._task = uuid4().hex
        self._key: str | None = None
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Write the list soon: a conversation has started."""
        self._changed.set()

    async def claim(self, session_id: str) -> bool:
        """Return whether this task may write the record of a conversation: no other has claimed it.

        A store that does not answer must not cost the record, so then the answer is yes.
        """
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await self._claim(session_id)
        except (StoreFault, TimeoutError) as error:
            log.warning("end_not_claimed", session_id=session_id, error=type(error).__name__)
            return True

    async def _claim(self, session_id: str) -> bool:
        return await self._shelf.put_if_absent(f"once/end/{session_id}", self._clock() + CLAIM_SECONDS)

    async def beat(self) -> None:
        """Write the list of this task, if it has or had conversations.

        Raises:
            StoreFault: the store failed.
        """
        rows = rows_of(self._conversations())
        if not rows and self._key is None:
            return
        # Another task may have taken the key of a task that was silent for long.
        if self._key is not None and not await self._owns(self._key):
            self._key = None
        if self._key is None:
            self._key = await self._free_key()
        if self._key is not None:
            now = self._clock()
            written = TaskList(self._task, now, rows).encode()
            await self._shelf.put(self._key, StoredEntry(written, 0, now + KEPT_SECONDS))

    async def _owns(self, key: str) -> bool:
        one = await self._read(key)
        return one is not None and one.task == self._task

    async def _free_key(self) -> str | None:
        now = self._clock()
        for number in range(SLOTS):
            key = f"{self._prefix}/{number}"
            # The mark is unreadable until the list replaces it, and expires if that never happens.
            if await self._shelf.put_if_absent(key, now + open_conversations.SILENT_SECONDS):
                return key
        log.warning("open_conversations_not_listed", most=SLOTS)
        return None

    async def _read(self, key: str) -> TaskList | None:
        entry = await self._shelf.get(key)
        try:
            return None if entry is None else open_conversations.decode(entry.sealed)
        except open_conversations.Unreadable:
            return None  # reserved, or written by another version

    async def sweep(self) -> None:
        """Write the records of conversations that no task holds any more.

        Raises:
            StoreFault: the store failed.
        """
        keys = [f"{self._prefix}/{number}" for number in range(SLOTS)]
        lists = {key: one for key in keys if (one := await self._read(key)) is not None}
        for record in open_conversations.lost(list(lists.values()), self._clock()):
            # Claimed before it is written: if this task is killed in between, there is no record rather than two.
            if await self._claim(record.session_id):
                log.warning("conversation_lost", session_id=record.session_id, call_sid=record.call_sid)
                self._keep(record)
        for key, one in lists.items():
            if open_conversations.is_done(one, self._clock()):
                await self._shelf.delete(key, 0, self._clock())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write and read lists while the block runs; afterwards this task has no list any more."""
        working = [
            asyncio.create_task(self._beats(), name="open-conversations"),
            asyncio.create_task(self._sweeps(), name="lost-conversations"),
        ]
        try:
            yield
        finally:
            for task in working:
                task.cancel()
            await asyncio.wait(working)
            # Every conversation of this task has ended. If one has not, another task finds it in the list.
            if self._key is not None and not list(self._conversations()):
                with suppress(StoreFault, TimeoutError):
                    async with asyncio.timeout(DEADLINE_SECONDS):
                        await self._shelf.delete(self._key, 0, self._clock())
            await self._shelf.aclose()

    async def _beats(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            await self._try("list", self.beat)
            await asyncio.sleep(SETTLE_SECONDS)

    async def _sweeps(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self._try("sweep", self.sweep)

    async def _try(self, operation: str, work: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                await work()  # type: ignore[misc]  # a coroutine function
        except (StoreFault, TimeoutError) as error:
            log.warning("open_conversations_failed", operation=operation, error=type(error).__name__)
