"""Where the leases of all tasks are kept, as the keeper sees it."""

from typing import Protocol

from agent_core.errors import UpstreamError
from agent_core.quota.pool import Pool


class TableFault(UpstreamError):
    """The table could not be read or written."""

    def __init__(self, reason: str) -> None:
        super().__init__("model_streams_table", reason)


class Table(Protocol):
    """Keeps one pool. No call has a deadline of its own."""

    async def read(self) -> Pool:
        """Read the pool as it is now; an empty one where there is none yet.

        Raises:
            TableFault: it could not be read.
        """

    async def write(self, pool: Pool) -> bool:
        """Replace the version before this one; False if that is not what is there any more.

        Raises:
            TableFault: it could not be written, or it is unknown whether it was.
        """
