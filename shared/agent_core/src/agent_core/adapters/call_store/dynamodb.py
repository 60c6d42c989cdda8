"""Keeps entries in a DynamoDB table: one item for each call, removed by the table's own time to live.

The table's partition key is ``call_sid`` (S) and its time to live attribute ``expires_at`` (N). A task's role needs
``dynamodb:GetItem`` and ``PutItem`` on it and nothing else: what is deleted is replaced by an item without words.
"""

import time
from collections.abc import Callable
from math import ceil
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from agent_core.adapters.call_store.key_value_store import StoredEntry, StoreFault
from agent_core.aside import Aside

_THREADS: Final = 4
"""Requests at once. One takes about 5 ms, and 40 calls make about 40 of them in a second."""
_CONFIG: Final = Config(
    connect_timeout=1,
    read_timeout=1,
    max_pool_connections=_THREADS,
    # A try that is late is given up by whoever waits; more of them would only keep a thread from the next call.
    retries={"total_max_attempts": 2, "mode": "standard"},
)
_REFUSED: Final = "ConditionalCheckFailedException"


class DynamoDbStore:
    """A table of entries.

    Args:
        table: Its name.
        region: Where it is.
        endpoint: Another address for DynamoDB; None is the region's own.
        clock: Unix seconds. The table removes what has expired within days, so it is looked at here too.
    """

    def __init__(
        self, table: str, *, region: str, endpoint: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._table = table
        self._clock = clock
        # botocore waits for its answers, so it does that where nobody else has to. Its client takes half a second of
        # reading files to make: now, not when the first call comes.
        self._aside = Aside("call-table", _THREADS)
        self._client = self._aside.submit(lambda: _connect(region, endpoint))

    async def get(self, key: str) -> StoredEntry | None:
        """Give what lies under a key, unless it has expired or was deleted."""
        answer = await self._ask("get_item", Key=_key(key), ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        try:
            entry = StoredEntry(item["sealed"]["B"], int(item["version"]["N"]), float(item["expires_at"]["N"]))
        except (KeyError, ValueError, TypeError):
            raise StoreFault("item") from None
        return None if entry.is_tombstone or entry.expires_at <= self._clock() else entry

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace what lies under a key; False if that has a higher version."""
        return await self._put_unless_newer(key, entry, entry.version)

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; False if there is something under it already."""
        answer = await self._ask(
            "put_item",
            Item=_item(key, StoredEntry(b"", 0, expires_at)),
            ConditionExpression="attribute_not_exists(call_sid) OR expires_at <= :now",
            ExpressionAttributeValues={":now": _number(self._clock())},
        )
        return answer is not _NOT

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Remove what lies under a key, and refuse what is put there until then; False if that has a higher version."""
        return await self._put_unless_newer(key, StoredEntry.tombstone(until), version)

    async def aclose(self) -> None:
        """Wait for nothing: a request that is under way ends by itself within seconds."""
        self._aside.close()

    async def _put_unless_newer(self, key: str, entry: StoredEntry, version: int) -> bool:
        answer = await self._ask(
            "put_item",
            Item=_item(key, entry),
            ConditionExpression="attribute_not_exists(call_sid) OR version <= :version OR expires_at <= :now",
            ExpressionAttributeValues={":version": _number(version), ":now": _number(self._clock())},
        )
        return answer is not _NOT

    async def _ask(self, operation: str, **what: Any) -> dict[str, Any]:  # noqa: ANN401 - the API's own
        """Make a request; `_NOT` when its condition does not hold.

        Raises:
            StoreFault: it failed.
        """

        def work() -> dict[str, Any]:
            answer: dict[str, Any] = getattr(self._client.result(), operation)(TableName=self._table, **what)
            return answer

        try:
            return await self._aside.run(work)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "ClientError"))
            if code == _REFUSED:
                return _NOT
            raise StoreFault(code) from None
        except (BotoCoreError, OSError, RuntimeError) as error:  # the last: the threads are gone, or all of them hang
            raise StoreFault(type(error).__name__) from None


_NOT: Final[dict[str, Any]] = {"refused": True}


def _connect(region: str, endpoint: str | None) -> Any:  # noqa: ANN401 - made from a description at run time
    return Session().create_client("dynamodb", region_name=region, endpoint_url=endpoint, config=_CONFIG)


def _key(key: str) -> dict[str, Any]:
    return {"call_sid": {"S": key}}


def _number(value: float) -> dict[str, str]:
    return {"N": str(ceil(value))}


def _item(key: str, entry: StoredEntry) -> dict[str, Any]:
    return {
        **_key(key),
        "version": _number(entry.version),
        "expires_at": _number(entry.expires_at),
        "sealed": {"B": entry.sealed},
    }
