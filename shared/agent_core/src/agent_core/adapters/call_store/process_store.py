"""Keeps entries in the memory of this process, where no other task has to see them."""

import time
from collections.abc import Callable
from typing import Final

from agent_core.adapters.call_store.key_value_store import StoredEntry

_MOST: Final = 4_000
"""Entries. One has at most 200 KB, and a few KB as a rule; beyond it the oldest go."""


class ProcessStore:
    """A dictionary of entries.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: dict[str, StoredEntry] = {}

    async def get(self, key: str) -> StoredEntry | None:
        """Give what lies under a key, unless it has expired or was deleted."""
        entry = self._known(key)
        return None if entry is None or entry.is_tombstone else entry

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace what lies under a key; False if that has a higher version."""
        known = self._known(key)
        if known is not None and known.version > entry.version:
            return False
        self._keep(key, entry)
        return True

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; False if there is something under it already."""
        if self._known(key) is not None:
            return False
        self._keep(key, StoredEntry(b"", 0, expires_at))
        return True

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Remove what lies under a key, and refuse what is put there until then; False if that has a higher version."""
        known = self._known(key)
        if known is not None and known.version > version:
            return False
        self._keep(key, StoredEntry.tombstone(until))
        return True

    async def aclose(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _known(self, key: str) -> StoredEntry | None:
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at <= self._clock():
            del self._entries[key]
            return None
        return entry

    def _keep(self, key: str, entry: StoredEntry) -> None:
        self._entries.pop(key, None)
        self._entries[key] = entry
        while len(self._entries) > _MOST:
            del self._entries[next(iter(self._entries))]
