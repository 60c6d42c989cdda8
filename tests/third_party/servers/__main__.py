"""Print which server our own HTTP/2 gets along with: `python -m tests.third_party.servers`."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from agent_core.errors import ModelError
from tests.third_party.servers import running
from tests.third_party.servers.behaviours import ALPN, AT_ONCE, DIRECTLY, EVERYWHERE, Behaviour
from tests.third_party.servers.running import Server

COLUMNS: Final = ("node", "node padded", "nghttpx", "haproxy")
OK: Final = "ok"
_SECONDS: Final = 30.0


@asynccontextmanager
async def server(name: str, folder: Path) -> AsyncIterator[Server]:
    """Run one of the servers, with a proxy in front of it if that is its name."""
    async with running.node(folder, *name.split()[1:]) as node:
        if name.startswith("node"):
            yield node
            return
        async with running.behind(name, folder, node.port) as proxy:
            yield proxy


async def judge(name: str, folder: Path) -> Mapping[str, str]:
    """Return what became of each behaviour with a server: `ok` or what went wrong."""
    async with server(name, folder) as here:
        behaviours = {**EVERYWHERE, **(AT_ONCE if name != "haproxy" else {}), **(DIRECTLY if here.old_port else {})}
        found = {what: await _outcome(behave, here, here.port) for what, behave in behaviours.items()}
        if here.old_port:
            found |= {what: await _outcome(behave, here, here.old_port) for what, behave in ALPN.items()}
        return found


async def _outcome(behave: Behaviour, here: Server, port: int) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            await behave(here.client(port))
    except (AssertionError, ModelError, OSError, ExceptionGroup, pytest.fail.Exception) as error:
        return f"{type(error).__name__}: {error}"
    return OK


def available() -> list[str]:
    """Return the servers that this machine has."""
    return [name for name in COLUMNS if name.startswith("node") or running.proxy(name)]


def table(found: Mapping[str, Mapping[str, str]]) -> str:
    """Return the table: a line for each behaviour, a column for each server; failures are listed below it."""
    rows = list(dict.fromkeys(what for column in found.values() for what in column))
    lines = [f"{'':<36}" + "".join(f"{name:>13}" for name in found)]
    for what in rows:
        cells = (column.get(what, "-") for column in found.values())
        lines.append(f"{what:<36}" + "".join(f"{cell if cell in {OK, '-'} else 'FAILED':>13}" for cell in cells))
    lines += [
        f"{name}, {what}: {outcome}"
        for name, column in found.items()
        for what, outcome in column.items()
        if outcome != OK
    ]
    return "\n".join(lines)


async def _main() -> int:
    found = {}
    for name in available():
        with tempfile.TemporaryDirectory(prefix="http2-") as folder:
            found[name] = await judge(name, Path(folder))
    print(table(found))  # noqa: T201 - output for a person
    return any(outcome != OK for column in found.values() for outcome in column.values())


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
