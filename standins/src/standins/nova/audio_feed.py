"""The caller's line: sound goes to the ear in the order it came, what the ear makes of it goes on."""

import asyncio
from collections.abc import Callable

from standins.nova.backend import CallerRecognition
from standins.nova.errors import StreamFault

FEED_DEADLINE = 20.0
"""Seconds one feed may take; a worker that is slower is stuck."""
BACKLOG_SECONDS = 60.0
"""Unheard sound that a line holds before the stream is given up."""
TAIL_SECONDS = 1.5
"""Silence after the line is closed, so that the ear ends the turn."""


class AudioFeed:
    """Feeds one ear. Everything that has arrived is fed at once: a busy worker gets fewer, larger pieces."""

    def __init__(self, ear: CallerRecognition, sample_rate: int, notice: Callable[[object], None]) -> None:
        self._ear = ear
        self._rate = sample_rate
        self._notice = notice
        self._waiting = bytearray()
        self._arrived = asyncio.Event()
        self._closing = False

    def hear(self, pcm: bytes) -> None:
        """Take samples.

        Raises:
            StreamFault: the ear is a minute behind.
        """
        if len(self._waiting) > BACKLOG_SECONDS * self._rate * 2:
            raise StreamFault("modelStreamErrorException", "The model cannot keep up with the audio input.")
        self._waiting += pcm
        self._arrived.set()

    def close(self) -> None:
        """Take the line down once what came is heard."""
        self._waiting += bytes(int(TAIL_SECONDS * self._rate) * 2)
        self._closing = True
        self._arrived.set()

    async def run(self) -> None:
        """Listen until the line is closed."""
        try:
            while not self._closing or self._waiting:
                await self._arrived.wait()
                self._arrived.clear()
                pcm, self._waiting = bytes(self._waiting), bytearray()
                async with asyncio.timeout(FEED_DEADLINE):
                    sounds = await self._ear.feed(pcm)
                for sound in sounds:
                    self._notice(sound)
        finally:
            await self._ear.aclose()
