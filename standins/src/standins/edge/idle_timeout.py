"""A limit on silence."""

import asyncio
from types import TracebackType
from typing import Self


class Idle:
    """Raises ``TimeoutError`` in its ``async with`` block when nothing has touched it for so long.

    A touch costs a look at the clock: a tunnel has thousands a second, so no timer is moved for them.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """Note that something moved."""
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
        due = self._last + self._seconds
        if self._loop.time() >= due:
            self._timeout.reschedule(self._loop.time())
        else:
            self._timer = self._loop.call_at(due, self._look)
