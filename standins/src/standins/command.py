"""What the commands of stand-ins share: one JSON line for each event, and serving until told to stop."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

type Event = dict[str, object]


def write(event: Event) -> None:
    """Write one line to standard output."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


async def serve[S](standin: AbstractAsyncContextManager[S], about: Callable[[S], Event]) -> None:
    """Run a stand-in until a signal comes.

    Args:
        standin: Serves inside its block.
        about: What to say of it when it listens.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with standin as running:
        write({"event": "listening", **about(running)})
        await stop.wait()
    write({"event": "stopped"})
