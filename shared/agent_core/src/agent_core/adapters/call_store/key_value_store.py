"""A place that keeps bytes under a key for a while, and the one that keeps nothing."""

from dataclasses import dataclass
from typing import Final, Protocol

from agent_core.errors import UpstreamError


class StoreFault(UpstreamError):
    """The shelf could not do what it was asked."""

    def __init__(self, reason: str) -> None:
        super().__init__("call_store", reason)


_GONE: Final = 2**31
"""A version that no entry exceeds: theirs count the streams of a call."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What lies under a key.

    Attributes:
        sealed: Bytes that only the key's owner can read.
        version: An entry is never replaced by one with a lower number.
        expires_at: Unix seconds; from then on it is as if it were gone.
    """

    sealed: bytes
    version: int
    expires_at: float

    @classmethod
    def tombstone(cls, until: float) -> "StoredEntry":
        """Make what lies in the place of an entry that was deleted, so that nothing late is put there again."""
        return cls(b"", _GONE, until)

    @property
    def is_tombstone(self) -> bool:
        """Whether an entry was deleted here."""
        return self.version == _GONE


class KeyValueStore(Protocol):
    """Keeps entries. Every method may raise `StoreFault`, and none has a deadline of its own that a caller waits for.

    Keys are ASCII; two tasks that use the same shelf see the same entries.
    """

    async def get(self, key: str) -> StoredEntry | None:
        """Give what lies under a key, unless it has expired or was deleted."""

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace what lies under a key; False if that has a higher version."""

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; False if there is something under it already. Of two at once, one gets True."""

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Remove what lies under a key, and refuse until then whatever is put there.

        False if what lies there has a higher version, or was deleted before. What is not there is no fault.
        """

    async def aclose(self) -> None:
        """Let go of what is held."""


class NoStore:
    """Keeps nothing."""

    async def get(self, key: str) -> StoredEntry | None:
        """Give nothing."""
        del key
        return None

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Forget it at once."""
        del key, entry
        return True

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Believe that nobody came before."""
        del key, expires_at
        return True

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Do nothing."""
        del key, version, until
        return True

    async def aclose(self) -> None:
        """Hold nothing."""
