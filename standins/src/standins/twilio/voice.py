"""The voice of the exchange and of its callers."""

import contextlib
from collections.abc import AsyncIterator

from standins.speech.voice import NoVoiceError, VoiceService
from standins.twilio.announcement_audio import Speak


@contextlib.asynccontextmanager
async def open_voice(*, started: bool) -> AsyncIterator[Speak | None]:
    """Yield what turns text into 16-bit mono PCM, or None where no voice is installed.

    Args:
        started: Load it now, which takes a second or two; else that happens when something is said for the first time.
    """
    voice = VoiceService()
    try:
        if started:
            await voice.start()
    except NoVoiceError:
        yield None
        return
    try:
        yield voice.speak
    finally:
        await voice.aclose()
