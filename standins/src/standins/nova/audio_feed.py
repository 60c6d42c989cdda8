"""Feeds the caller's audio to the ear in order, and passes on the turns that it detects."""

import asyncio
from collections.abc import Callable

from standins.nova.backend import CallerRecognition
from standins.nova.errors import StreamFault

FEED_DEADLINE = 20.0
"""Seconds that one feed may take; a slower worker is stuck."""
BACKLOG_SECONDS = 60.0
"""Seconds of unprocessed audio after which the stream fails."""
TAIL_SECONDS = 1.5
"""Silence added at the end of the audio, so that the ear ends the turn."""


class AudioFeed:
    """Feeds one ear. Each feed takes all audio that has arrived, so that a busy worker gets fewer, larger chunks."""

    def __init__(self, ear: CallerRecognition, sample_rate: int, notice: Callable[[object], None]) -> None:
        self._ear = ear
        self._rate = sample_rate
        self._notice = notice
        self._waiting = bytearray()
        self._arrived = asyncio.Event()
        self._closing = False

    def hear(self, pcm: bytes) -> None:
        """Queue samples.

        Raises:
            StreamFault: The ear is a minute behind.
        """
        if len(self._waiting) > BACKLOG_SECONDS * self._rate * 2:
            raise StreamFault("modelStreamErrorException", "The model cannot keep up with the audio input.")
        self._waiting += pcm
        self._arrived.set()

    def close(self) -> None:
        """Stop after the queued audio has been processed."""
        self._waiting += bytes(int(TAIL_SECONDS * self._rate) * 2)
        self._closing = True
        self._arrived.set()

    async def run(self) -> None:
        """Process audio until the line is closed."""
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
