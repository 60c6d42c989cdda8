"""Keep entries in the memory of this process, where no other task needs to see them."""

import time
from collections.abc import Callable
from typing import Final

from cachetools import TLRUCache

from agent_core.adapters.call_store.key_value_store import StoredEntry

_MOST: Final = 4_000
"""Entries. One has at most 200 KB, and usually a few KB; beyond this number the least recently used one is dropped."""
_NONE: Final = -1
"""A version that no entry has."""


class ProcessStore:
    """A cache whose entries expire at times of their own.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._entries: TLRUCache[str, StoredEntry] = TLRUCache(
            _MOST, lambda _, entry, __: entry.expires_at, timer=clock
        )

    async def get(self, key: str) -> StoredEntry | None:
        """Return the entry under a key, unless it has expired or was deleted."""
        entry = self._entries.get(key)
        return None if entry is None or entry.is_tombstone else entry

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace the entry under a key; return False if it has a higher version."""
        return self._put(key, entry, replaces=entry.version)

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; return False if it has an entry already."""
        return self._put(key, StoredEntry(b"", 0, expires_at), replaces=_NONE)

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Delete the entry under a key, and reject writes to it until then; return False if it has a higher version."""
        return self._put(key, StoredEntry.tombstone(until), replaces=version)

    async def aclose(self) -> None:
        """Drop all entries."""
        self._entries.clear()

    def _put(self, key: str, entry: StoredEntry, *, replaces: int) -> bool:
        known = self._entries.get(key)
        if known is not None and known.version > replaces:
            return False
        self._entries[key] = entry
        return True
