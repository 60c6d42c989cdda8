"""Define a store that keeps bytes under a key for a while, and one that keeps nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from agent_core.errors import UpstreamError


class StoreFault(UpstreamError):
    """The store failed."""

    def __init__(self, reason: str) -> None:
        super().__init__("call_store", reason)


COMMENTS: Final = "comment/"
"""Prefix of the keys of visitors' comments."""
RATED: Final = "rated/"
"""Prefix of the keys that prove a finished conversation, and that it was rated."""
_GONE: Final = 2**31
"""A version that no entry exceeds: their versions count the streams of a call."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry under a key.

    Attributes:
        sealed: Bytes that only the key's owner can decrypt.
        version: An entry is never replaced by one with a lower number.
        expires_at: Unix seconds; from then on the entry counts as deleted.
    """

    sealed: bytes
    version: int
    expires_at: float

    @classmethod
    def tombstone(cls, until: float) -> "StoredEntry":
        """Return what replaces a deleted entry, so that no late write restores it."""
        return cls(b"", _GONE, until)

    @property
    def is_tombstone(self) -> bool:
        """Whether an entry was deleted here."""
        return self.version == _GONE


class KeyValueStore(Protocol):
    """Keeps entries. Every method may raise `StoreFault`, and callers set the deadlines.

    Keys are ASCII; two tasks that use the same store see the same entries.
    """

    async def get(self, key: str) -> StoredEntry | None:
        """Return the entry under a key, unless it has expired or was deleted."""

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace the entry under a key; return False if it has a higher version."""

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; return False if it has an entry already. Of two concurrent calls, one gets True."""

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Delete the entry under a key, and reject writes to it until then.

        Return False if the entry has a higher version, or was deleted before. A missing entry is not an error.
        """

    async def aclose(self) -> None:
        """Release all resources."""


class ListableStore(KeyValueStore, Protocol):
    """A store outside this process, whose entries an operator can list."""

    async def entries(self, prefix: str) -> Sequence[tuple[str, StoredEntry]]:
        """Return key and entry of each live entry whose key starts with a prefix, in any order.

        It reads the whole store: for an operator's command, never for a request.
        """


class NoStore:
    """Keeps nothing."""

    async def get(self, key: str) -> StoredEntry | None:
        """Return None."""
        del key
        return None

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Discard the entry."""
        del key, entry
        return True

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Return True, as for the first use of a key."""
        del key, expires_at
        return True

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Do nothing."""
        del key, version, until
        return True

    async def aclose(self) -> None:
        """Do nothing."""
