"""A microphone for a browser: it plays a file from the beginning whenever a page opens the microphone."""

import wave
from pathlib import Path

from standins.speech import VoiceService

_RATE = 48_000


class Microphone:
    """What a visitor is going to say.

    Args:
        file: The browser's path of the recording.
        voice: The visitor's.
    """

    def __init__(self, file: Path, voice: VoiceService) -> None:
        self.file = file
        self._voice = voice

    async def will_say(self, *parts: str | float) -> None:
        """Record words, and pauses in seconds; silence follows the end."""
        with wave.open(str(self.file), "wb") as tape:
            tape.setnchannels(1)
            tape.setsampwidth(2)
            tape.setframerate(_RATE)
            for part in (0.1, *parts, 1.0):
                if isinstance(part, str):
                    tape.writeframes(await self._voice.speak(part, _RATE))
                else:
                    tape.writeframes(bytes(2 * int(part * _RATE)))

    async def will_be_silent(self) -> None:
        """Record silence."""
        await self.will_say()
