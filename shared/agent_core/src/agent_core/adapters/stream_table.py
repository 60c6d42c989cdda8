"""Store a pool of leases in a DynamoDB table: one item per model and region.

The table's partition key is ``pool`` (S). A task's role needs ``dynamodb:GetItem`` and ``PutItem`` on it. An item has
about 60 bytes per task with streams.
"""

from typing import Any

from boto3.dynamodb.conditions import Attr

from agent_core.adapters.dynamodb_table import DynamoDbTable
from agent_core.quota.pool import Lease, Pool
from agent_core.quota.shared_count import TableFault


class DynamoStreamTable:
    """The pool of one model in one region.

    Args:
        table: Name of the table.
        pool: Key of the item, such as ``eu-north-1/amazon.nova-2-5-sonic``.
        region: Region of the table.
    """

    def __init__(self, table: str, pool: str, *, region: str) -> None:
        self._pool = pool
        # One try: callers give up before a second would help; the next exchange is one.
        self._table = DynamoDbTable(table, region=region, fault=TableFault)

    async def read(self) -> Pool:
        """Read the pool, see ``Table``."""
        key = {"pool": self._pool}
        answer = await self._table.request(lambda table: table.get_item(Key=key, ConsistentRead=True))
        item: dict[str, Any] | None = (answer or {}).get("Item")
        if item is None:
            return Pool()
        try:
            leases = {name: _lease(fields) for name, fields in item["leases"].items()}
            return Pool(int(item["version"]), leases)
        except (KeyError, ValueError, TypeError, AttributeError):
            raise TableFault("item") from None

    async def write(self, pool: Pool) -> bool:
        """Replace the previous version, see ``Table``."""
        leases = {
            name: {"calls": lease.calls, "seconds": lease.seconds, "until": round(lease.until)}
            for name, lease in pool.leases.items()
        }
        item = {"pool": self._pool, "version": pool.version, "leases": leases}
        is_next = Attr("pool").not_exists() | Attr("version").eq(pool.version - 1)
        answer = await self._table.request(lambda table: table.put_item(Item=item, ConditionExpression=is_next))
        return answer is not None

    async def aclose(self) -> None:
        """Wait for nothing: a request that is under way ends within seconds."""
        self._table.close()


def _lease(fields: dict[str, Any]) -> Lease:
    return Lease(int(fields["calls"]), int(fields["seconds"]), float(fields["until"]))
