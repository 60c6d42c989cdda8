"""A shelf in memory for call memory; it can be slow, hang or fail."""

import asyncio

from agent_core.adapters.call_store.key_value_store import StoredEntry, StoreFault


class Memo:
    """Keeps entries in memory.

    Args:
        pause: Seconds that every answer takes.
        broken: Whether every request fails.
    """

    def __init__(self, pause: float = 0.0, *, broken: bool = False) -> None:
        self.entries: dict[str, StoredEntry] = {}
        self.deleted: dict[str, float] = {}
        """Until when each deleted key accepts no entry."""
        self.puts = 0
        self.pause = pause
        self.broken = broken

    async def get(self, key: str) -> StoredEntry | None:
        """Return an entry."""
        await self._attend()
        return self.entries.get(key)

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Keep an entry, unless the present one is newer or was deleted."""
        self.puts += 1
        await self._attend()
        if key in self.deleted or (key in self.entries and self.entries[key].version > entry.version):
            return False
        self.entries[key] = entry
        return True

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Keep an entry once."""
        await self._attend()
        if key in self.entries:
            return False
        self.entries[key] = StoredEntry(b"", 0, expires_at)
        return True

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Delete an entry for good, unless it is newer."""
        await self._attend()
        if key in self.deleted or (key in self.entries and self.entries[key].version > version):
            return False
        self.entries.pop(key, None)
        self.deleted[key] = until
        return True

    async def aclose(self) -> None:
        """Release nothing."""

    async def _attend(self) -> None:
        if self.broken:
            raise StoreFault("ConnectionRefusedError")
        if self.pause:
            await asyncio.sleep(self.pause)
