"""Define where the leases of all tasks are stored."""

from typing import Protocol

from agent_core.errors import UpstreamError
from agent_core.quota.pool import Pool


class TableFault(UpstreamError):
    """The table could not be read or written."""

    def __init__(self, reason: str) -> None:
        super().__init__("model_streams_table", reason)


class Table(Protocol):
    """Stores one pool. No call has its own deadline."""

    async def read(self) -> Pool:
        """Return the current pool; an empty one if there is none yet.

        Raises:
            TableFault: it could not be read.
        """

    async def write(self, pool: Pool) -> bool:
        """Replace the previous version; return False if the stored version is another.

        Raises:
            TableFault: it could not be written, or the outcome is unknown.
        """
