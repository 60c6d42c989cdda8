"""Store a pool of leases in a DynamoDB table: one item per model and region.

The table's partition key is ``pool`` (S). A task's role needs ``dynamodb:GetItem`` and ``PutItem`` on it. An item has
about 60 bytes per task with streams.
"""

from collections.abc import Callable
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from agent_core.aside import Aside
from agent_core.quota.pool import Lease, Pool
from agent_core.quota.shared_count import TableFault

_CONFIG: Final = Config(
    connect_timeout=1,
    read_timeout=1,
    max_pool_connections=1,
    # Callers give up before a retry would help; the next exchange is one.
    retries={"total_max_attempts": 1, "mode": "standard"},
)
_REFUSED: Final = "ConditionalCheckFailedException"


class DynamoStreamTable:
    """The pool of one model in one region.

    Args:
        table: Name of the table.
        pool: Key of the item, such as ``eu-north-1/amazon.nova-2-5-sonic``.
        region: Region of the table.
    """

    def __init__(self, table: str, pool: str, *, region: str) -> None:
        self._table = table
        self._key = {"pool": {"S": pool}}
        # botocore blocks, so it runs in a separate thread, where its client is also created.
        self._aside = Aside("model-streams")
        self._client = self._aside.submit(
            lambda: Session().create_client("dynamodb", region_name=region, config=_CONFIG)
        )

    async def read(self) -> Pool:
        """Read the pool, see ``Table``."""
        answer = await self._ask(
            lambda table: table.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        )
        item = answer.get("Item")
        if item is None:
            return Pool()
        try:
            leases = {name: _lease(one["M"]) for name, one in item["leases"]["M"].items()}
            return Pool(int(item["version"]["N"]), leases)
        except (KeyError, ValueError, TypeError):
            raise TableFault("item") from None

    async def write(self, pool: Pool) -> bool:
        """Replace the previous version, see ``Table``."""
        leases = {
            name: {
                "M": {
                    "calls": _number(lease.calls),
                    "seconds": _number(lease.seconds),
                    "until": _number(round(lease.until)),
                }
            }
            for name, lease in pool.leases.items()
        }
        item = {**self._key, "version": _number(pool.version), "leases": {"M": leases}}
        answer = await self._ask(
            lambda table: table.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(#pool) OR version = :before",
                ExpressionAttributeNames={"#pool": "pool"},
                ExpressionAttributeValues={":before": _number(pool.version - 1)},
            )
        )
        return answer is not _NOT

    async def aclose(self) -> None:
        """Close without waiting: a request in progress ends within seconds."""
        self._aside.close()

    async def _ask(self, work: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Send a request; return `_NOT` if its condition does not hold.

        Raises:
            TableFault: it failed.
        """
        try:
            return await self._aside.run(lambda: work(self._client.result()))
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "ClientError"))
            if code == _REFUSED:
                return _NOT
            raise TableFault(code) from None
        except (BotoCoreError, OSError, RuntimeError) as error:  # the last one: the thread is gone, or hangs
            raise TableFault(type(error).__name__) from None


_NOT: Final[dict[str, Any]] = {"refused": True}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _lease(fields: dict[str, Any]) -> Lease:
    return Lease(int(fields["calls"]["N"]), int(fields["seconds"]["N"]), float(fields["until"]["N"]))
