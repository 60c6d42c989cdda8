"""What the commands of stand-ins share: a JSON line for each event, serving until stopped, a reason if not."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager

type Event = dict[str, object]


def write(event: Event) -> None:
    """Write one line to standard output."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def run(work: Coroutine[object, object, None], port: int, tell: Callable[[Event], None] = write) -> int:
    """Run a stand-in to its end.

    Args:
        work: serves until stopped.
        port: where, for the line that says why it could not.
        tell: writes that line.

    Returns:
        The exit code: 1 if it could not serve.
    """
    try:
        asyncio.run(work, loop_factory=_loop_factory())
    except OSError as error:
        tell(failure(error, port))
        return 1
    except KeyboardInterrupt:  # before its own handler was there
        return 130
    return 0


def failure(error: Exception, port: int) -> Event:
    """Say why a stand-in does not serve. A time-out counts as an OSError and often has no text of its own."""
    if isinstance(error, TimeoutError):
        return {"event": "cannot_start", "reason": str(error) or "it took too long: is this machine too busy?"}
    return {"event": "cannot_listen", "port": port, "reason": str(error) or type(error).__name__}


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - optional

        return uvloop.new_event_loop
    return None


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
