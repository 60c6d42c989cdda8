"""Chooses where calls are remembered, by one word of the settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent_core.adapters.call_store.dynamodb import DynamoShelf
from agent_core.adapters.call_store.file import FileShelf
from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore

PATTERN: Final = r"^(none|file:.+|dynamodb:[A-Za-z0-9_.-]{3,255})$"
"""``none``, ``file:<folder>`` or ``dynamodb:<table>``."""


def open_store(where: str, keys: Sequence[bytes], *, region: str, endpoint: str | None = None) -> CallStore:
    """Make the store; nothing is asked of it yet.

    Args:
        where: As `PATTERN` says.
        keys: Lock what is stored; the first one closes, any opens.
        region: Of the table.
        endpoint: Another address for DynamoDB.
    """
    kind, _, place = where.partition(":")
    if kind == "none":
        return CallStore()
    shelf = FileShelf(Path(place)) if kind == "file" else DynamoShelf(place, region=region, endpoint=endpoint)
    return CallStore(shelf, Seal(keys))
