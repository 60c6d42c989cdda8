"""A clock that can run faster than real time, so that the eight-minute session limit passes in seconds."""

import asyncio
import time


class Clock:
    """Counts the seconds of a session's limits. Speech keeps real time: audio cannot be accelerated."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._base = 0.0
        self._since = time.monotonic()
        self._changed = asyncio.Event()

    @property
    def scale(self) -> float:
        """Seconds of this clock per real second."""
        return self._scale

    def now(self) -> float:
        """Return this clock's seconds since it was created."""
        return self._base + (time.monotonic() - self._since) * self._scale

    def run_at(self, scale: float) -> None:
        """Change the speed from now on, and wake every sleeper to recalculate its remaining time."""
        # Rebase first, so that the time until now counts at the old speed.
        self._base, self._since, self._scale = self.now(), time.monotonic(), scale
        # Wake the sleepers of the old event; those that sleep from now on wait for the next change.
        self._changed.set()
        self._changed = asyncio.Event()

    async def sleep_until(self, moment: float) -> None:
        """Wait until this clock reaches `moment`."""
        while (left := moment - self.now()) > 0:
            changed = self._changed
            try:
                async with asyncio.timeout(left / self._scale):
                    await changed.wait()
            except TimeoutError:
                continue
