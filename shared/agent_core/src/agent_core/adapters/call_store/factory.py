"""Choose where call memory is stored, by one setting."""

from collections.abc import Sequence
from pathlib import Path

from agent_core.adapters.call_store.key_value_store import ListableStore
from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore


def open_store(where: str, keys: Sequence[bytes], *, region: str, endpoint: str | None = None) -> CallStore:
    """Return the store; no request is sent to a table yet.

    Args:
        where: As `CALL_STORE_PATTERN` of `agent_core.settings` says.
        keys: The first one encrypts, any of them decrypts.
        region: Of the table.
        endpoint: Another endpoint of DynamoDB.

    Raises:
        ConfigurationError: the folder, or the database in it, cannot be used.
    """
    shelf = open_shelf(where, region=region, endpoint=endpoint)
    return CallStore() if shelf is None else CallStore(shelf, Seal(keys))


def open_shelf(where: str, *, region: str, endpoint: str | None = None) -> ListableStore | None:
    """Return the key-value store for the entries; None if nothing is stored.

    Args:
        where: As `CALL_STORE_PATTERN` of `agent_core.settings` says.
        region: Of the table.
        endpoint: Another endpoint of DynamoDB.

    Raises:
        ConfigurationError: the folder, or the database in it, cannot be used.
    """
    kind, _, place = where.partition(":")
    if kind == "none":
        return None
    # Each is loaded only where it is used: boto3 takes 0.15 s and 3 MB.
    if kind == "file":
        from agent_core.adapters.call_store.file_store import FileStore  # noqa: PLC0415 - see above

        return FileStore(Path(place))
    from agent_core.adapters.call_store.dynamodb import DynamoDbStore  # noqa: PLC0415 - see above

    return DynamoDbStore(place, region=region, endpoint=endpoint)
