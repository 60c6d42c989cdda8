"""Helpers of the stand-in commands: JSON log lines, serving until a signal, and errors at start."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager

type Event = dict[str, object]


def write(event: Event) -> None:
    """Write an event as one line to stdout."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def run(work: Coroutine[object, object, None], port: int, tell: Callable[[Event], None] = write) -> int:
    """Run a stand-in until it ends.

    Args:
        work: Serves until it is stopped.
        port: Its port, for the error message.
        tell: Writes the error message.

    Returns:
        The exit code: 1 if it could not serve.
    """
    try:
        asyncio.run(work, loop_factory=_loop_factory())
    except OSError as error:
        tell(failure(error, port))
        return 1
    except KeyboardInterrupt:  # before the signal handler was installed
        return 130
    return 0


def failure(error: Exception, port: int) -> Event:
    """Return the event that explains a failed start. TimeoutError is an OSError, often without a text."""
    if isinstance(error, TimeoutError):
        return {"event": "cannot_start", "reason": str(error) or "timed out: is this machine overloaded?"}
    return {"event": "cannot_listen", "port": port, "reason": str(error) or type(error).__name__}


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory if uvloop is installed."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - optional

        return uvloop.new_event_loop
    return None


async def serve[S](standin: AbstractAsyncContextManager[S], about: Callable[[S], Event]) -> None:
    """Run a stand-in until SIGINT or SIGTERM.

    Args:
        standin: Serves inside its block.
        about: Returns the fields of its `listening` event.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with standin as running:
        write({"event": "listening", **about(running)})
        await stop.wait()
    write({"event": "stopped"})
