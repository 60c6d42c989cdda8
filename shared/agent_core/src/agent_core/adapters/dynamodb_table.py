"""A DynamoDB table whose requests run in threads of their own: boto3 blocks, and the event loop must not.

Import this module only where a table is used: boto3 takes 0.15 s and 3 MB.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

from boto3.exceptions import Boto3Error
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from agent_core.aside import Aside
from agent_core.errors import UpstreamError

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"


class DynamoDbTable:
    """Sends requests to one table.

    Args:
        name: Of the table.
        region: AWS region of the table.
        fault: Makes the error that a failed request raises, from its reason: AWS's code or the name of an exception.
        endpoint: Another address for DynamoDB; None for the region's own.
        threads: Requests at the same time, at most.
        attempts: Tries of one request.
    """

    def __init__(  # noqa: PLR0913 - what a table is reached with
        self,
        name: str,
        *,
        region: str,
        fault: Callable[[str], UpstreamError],
        endpoint: str | None = None,
        threads: int = 1,
        attempts: int = 1,
    ) -> None:
        self._name = name
        self._region = region
        self._fault = fault
        self._endpoint = endpoint
        # A caller gives up after a second: more tries would only keep a thread from the next request.
        self._config = Config(
            connect_timeout=1,
            read_timeout=1,
            max_pool_connections=1,
            retries={"total_max_attempts": attempts, "mode": "standard"},
        )
        self._session: Session | None = None
        self._connecting = threading.Lock()
        self._of_thread = threading.local()
        self._aside = Aside(f"dynamodb-{name}", threads)
        # The first client takes half a second of reading files: now, not when the first request comes.
        self._aside.submit(self._table)

    async def request[Response](self, send: Callable[[Any], Response]) -> Response | None:
        """Return the response to what ``send`` asks of the table; None if its condition does not hold.

        It has no deadline of its own: a thread ends its request within seconds, the caller may stop waiting earlier.

        Raises:
            UpstreamError: the request failed; made by ``fault``.
        """
        try:
            return await self._aside.run(lambda: send(self._table()))
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "ClientError"))
            if code == _CONDITION_FAILED:
                return None
            raise self._fault(code) from None
        except (BotoCoreError, Boto3Error, OSError, RuntimeError) as error:  # the last: closed, or all threads hang
            raise self._fault(type(error).__name__) from None

    def close(self) -> None:
        """Accept no more requests. Wait for nothing: a request under way ends within seconds."""
        self._aside.close()

    def _table(self) -> Any:  # noqa: ANN401 - boto3 makes its class at run time
        """Return the table with a client of this thread.

        boto3 builds the placeholders of a condition in a counter of the client: two threads that share one client can
        give two attributes of a condition the same placeholder.
        """
        table = getattr(self._of_thread, "table", None)
        if table is None:
            with self._connecting:  # sessions are not thread-safe either
                self._session = self._session or Session()
                database = self._session.resource(
                    "dynamodb", region_name=self._region, endpoint_url=self._endpoint, config=self._config
                )
                table = self._of_thread.table = database.Table(self._name)
        return table
