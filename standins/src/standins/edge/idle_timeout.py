"""An idle timeout."""

import asyncio
from types import TracebackType
from typing import Self


class Idle:
    """Raises ``TimeoutError`` in its ``async with`` block after a period without a call of ``touch``.

    ``touch`` only reads the clock: a tunnel calls it thousands of times a second, so it does not move a timer.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """Record activity."""
        self._last = self._loop.time()

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _look(self) -> None:
        # Check lazily: reschedule for the remaining time if there was activity since the last check.
        due = self._last + self._seconds
        if self._loop.time() >= due:
            self._timeout.reschedule(self._loop.time())
        else:
            self._timer = self._loop.call_at(due, self._look)
