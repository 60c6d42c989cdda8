"""A clock that can run faster than the world, so that eight minutes pass in seconds."""

import asyncio
import time


class Clock:
    """Counts seconds for a session's limits. Speech keeps real time: sound cannot be hurried."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._base = 0.0
        self._since = time.monotonic()
        self._changed = asyncio.Event()

    @property
    def scale(self) -> float:
        """Seconds of this clock per second of the world."""
        return self._scale

    def now(self) -> float:
        """Give this clock's seconds since it was made."""
        return self._base + (time.monotonic() - self._since) * self._scale

    def run_at(self, scale: float) -> None:
        """Change the speed from now on; who sleeps is woken to reckon anew."""
        self._base, self._since, self._scale = self.now(), time.monotonic(), scale
        self._changed.set()
        self._changed = asyncio.Event()

    async def sleep_until(self, moment: float) -> None:
        """Wait until this clock shows `moment`."""
        while (left := moment - self.now()) > 0:
            changed = self._changed
            try:
                async with asyncio.timeout(left / self._scale):
                    await changed.wait()
            except TimeoutError:
                continue
