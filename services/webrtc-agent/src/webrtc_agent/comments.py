"""Print visitors' comments for the operator: ``python -m webrtc_agent.comments``.

One JSON object a line, the oldest first: `at` (UTC), `session_id` and `agent` of the end record, `rating` and
`comment`. It reads the store that CALL_STORE names, with the credentials of its user, who needs ``dynamodb:Scan`` on a
table.
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from agent_core.adapters.call_store.factory import open_shelf
from agent_core.adapters.call_store.key_value_store import COMMENTS, ListableStore, StoredEntry, StoreFault
from agent_core.errors import ConfigurationError
from webrtc_agent.settings import WebSettings

_DEADLINE: Final = 120.0
"""Seconds. A table of 100 MB takes about one."""
_UNSAFE: Final = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey or display in another order; JSON escapes the other control characters itself."""


async def read(store: ListableStore) -> list[dict[str, Any]]:
    """Return the comments of a store, the oldest first; entries of another shape are left out.

    Raises:
        StoreFault: the store cannot be read.
    """
    try:
        async with asyncio.timeout(_DEADLINE):
            found = await store.entries(COMMENTS)
    except TimeoutError:
        raise StoreFault("timeout") from None
    return sorted(_decoded(found), key=lambda one: (one["at"], one["session_id"]))


def _decoded(entries: Sequence[tuple[str, StoredEntry]]) -> Iterator[dict[str, Any]]:
    for _, entry in entries:
        try:
            one = json.loads(entry.sealed)
            at = datetime.fromtimestamp(one["at"], UTC).isoformat(timespec="seconds")
            one.setdefault("agent", "")  # versions before it stored none
            yield {"at": at, **{name: str(one[name]) for name in ("session_id", "agent", "rating", "comment")}}
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            continue  # written by another version


def line(comment: dict[str, Any]) -> str:
    """Return one comment as a line of JSON that is safe to print to a terminal."""
    text = json.dumps(comment, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


async def print_all(settings: WebSettings) -> None:
    """Print the comments of the store that the settings name.

    Raises:
        ConfigurationError: there is no store.
        StoreFault: it cannot be read.
    """
    store = open_shelf(settings.call_store, region=settings.aws_region, endpoint=settings.table_endpoint)
    if store is None:
        raise ConfigurationError("CALL_STORE is none: set it to the store of the service, as file:… or dynamodb:…")
    try:
        for comment in await read(store):
            sys.stdout.write(f"{line(comment)}\n")
    finally:
        await store.aclose()


def main() -> int:
    """Print the comments; return the exit code."""
    try:
        asyncio.run(print_all(WebSettings.read()))
    except (ConfigurationError, StoreFault) as error:
        sys.stderr.write(f"comments: {error.reason}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
