"""Release Daily's native call client exactly once, and never touch it after that.

`CallClient.release()` waits for a pending join, up to 50 s (measured, daily-python 0.36), without the interpreter's
lock. Any other call to the same client then takes that lock and waits for the release, which needs the lock to return:
the process deadlocks. A second release causes this, as do `leave()`, `participants()`, and the garbage collection of a
client that was never released.
"""

import asyncio
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from daily import CallClient

log = structlog.get_logger()

MAX_RELEASING = 50
"""Most clients being released in one process. Each holds about 1 MB and its threads until its join ends."""

_releasing: set["NativeCall"] = set()


def is_overdue() -> bool:
    """Return whether so many clients are being released that no further one may be created."""
    return len(_releasing) >= MAX_RELEASING


class ReleasedError(RuntimeError):
    """The call client was used after its release."""


class NativeCall:
    """Forwards to a native client until its release, which runs in a separate thread.

    The thread is not from a shared pool; it is a daemon, so that the process can exit before the release ends. Create
    and use it on the event loop's thread; only `release` may be called from any.

    Args:
        client: There must be no other reference to it.
    """

    def __init__(self, client: "CallClient") -> None:
        self._client: CallClient | None = client
        self._loop = asyncio.get_running_loop()
        self._released = asyncio.Event()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        """Return a method of the client.

        Raises:
            ReleasedError: its release has started.
        """
        if self._client is None:
            raise ReleasedError(name)
        return getattr(self._client, name)

    def release(self) -> None:
        """Make the client leave and release it; returns at once, and does nothing the second time."""
        # On the loop's own thread, no call can be between its lookup and its start. A closed loop: the process is
        # ending.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._begin)

    async def wait_released(self, seconds: float) -> bool:
        """Wait for the end of the release.

        Returns:
            Whether it came in time.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._released.wait()
        return self._released.is_set()

    def _begin(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            # The reference keeps this object alive until the release has ended.
            _releasing.add(self)
            Thread(target=self._release, args=(client,), name="daily-release", daemon=True).start()

    def _release(self, client: "CallClient") -> None:
        error = None
        try:
            client.release()
        except Exception as raised:  # noqa: BLE001 - native code; the client is gone in any case
            error = type(raised).__name__
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, error)

    def _end(self, error: str | None) -> None:
        _releasing.discard(self)
        self._released.set()
        if error is not None:
            log.warning("daily_release_failed", error=error)
