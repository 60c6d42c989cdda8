"""Keeps entries in a DynamoDB table: one item for each call, removed by the table's own time to live.

The table's partition key is ``call_sid`` (S) and its time to live attribute ``expires_at`` (N). A task's role needs
``dynamodb:GetItem`` and ``PutItem`` on it and nothing else: a deleted item is replaced by one without words. Listing
needs ``dynamodb:Scan``, which an operator has and a task has not.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from agent_core.adapters.call_store.key_value_store import StoredEntry, StoreFault
from agent_core.adapters.dynamodb_table import DynamoDbTable

_THREADS: Final = 4
"""Requests at once. One takes about 5 ms, and 40 calls make about 40 of them in a second."""

_MAX_PAGES: Final = 1000
"""Pages of 1 MB: entries live for hours, and comments are small, so a table has a few."""


class DynamoDbStore:
    """A table of entries.

    Args:
        table: Its name.
        region: Where it is.
        endpoint: Another endpoint of DynamoDB; None is the region's own.
        clock: Unix seconds. The table removes expired items within days, so expiry is checked here too.
    """

    def __init__(
        self, table: str, *, region: str, endpoint: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._table = DynamoDbTable(
            table, region=region, fault=StoreFault, endpoint=endpoint, threads=_THREADS, attempts=2
        )

    async def get(self, key: str) -> StoredEntry | None:
        """Return the entry under a key, unless it has expired or was deleted."""
        answer = await self._table.request(lambda table: table.get_item(Key={"call_sid": key}, ConsistentRead=True))
        item: dict[str, Any] | None = (answer or {}).get("Item")
        return None if item is None else self._live(item)

    async def entries(self, prefix: str) -> Sequence[tuple[str, StoredEntry]]:
        """Return key and entry of each live entry whose key starts with a prefix.

        Raises:
            StoreFault: a page could not be read, or the table has more than `_MAX_PAGES` of them.
        """
        found: list[tuple[str, StoredEntry]] = []
        wanted: dict[str, Any] = {"FilterExpression": Key("call_sid").begins_with(prefix), "ConsistentRead": True}
        for _ in range(_MAX_PAGES):
            answer = await self._table.request(lambda table: table.scan(**wanted)) or {}
            items = [(str(item["call_sid"]), self._live(item)) for item in answer.get("Items", [])]
            found += [(key, entry) for key, entry in items if entry is not None]
            if (last := answer.get("LastEvaluatedKey")) is None:
                return found
            wanted["ExclusiveStartKey"] = last
        raise StoreFault("too_many_pages")

    def _live(self, item: Mapping[str, Any]) -> StoredEntry | None:
        try:
            entry = StoredEntry(bytes(item["sealed"]), int(item["version"]), float(item["expires_at"]))
        except (KeyError, ValueError, TypeError):
            raise StoreFault("item") from None
        return None if entry.is_tombstone or entry.expires_at <= self._clock() else entry

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace the entry under a key; return False if it has a higher version."""
        return await self._put(key, entry, Attr("version").lte(entry.version))

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; return False if it has an entry already."""
        return await self._put(key, StoredEntry(b"", 0, expires_at))

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Delete the entry under a key, and reject writes to it until then; return False if it has a higher version."""
        return await self._put(key, StoredEntry.tombstone(until), Attr("version").lte(version))

    async def aclose(self) -> None:
        """Return at once: a pending request ends within seconds."""
        self._table.close()

    async def _put(self, key: str, entry: StoredEntry, replaces: ConditionBase | None = None) -> bool:
        """Write an entry where there is none, or an expired one, or one that meets the condition."""
        item = {
            "call_sid": key,
            "version": entry.version,
            "expires_at": ceil(entry.expires_at),
            "sealed": entry.sealed,
        }
        allowed = Attr("call_sid").not_exists() | Attr("expires_at").lte(ceil(self._clock()))
        if replaces is not None:
            allowed |= replaces
        answer = await self._table.request(lambda table: table.put_item(Item=item, ConditionExpression=allowed))
        return answer is not None
