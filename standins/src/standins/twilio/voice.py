"""Speech synthesis for the stand-in and its callers."""

import contextlib
from collections.abc import AsyncIterator

from standins.speech.voice import NoVoiceError, VoiceService
from standins.twilio.announcement_audio import Speak


@contextlib.asynccontextmanager
async def open_voice(*, started: bool) -> AsyncIterator[Speak | None]:
    """Yield a function that converts text to 16-bit mono PCM, or None if no voice is installed.

    Args:
        started: Load the voice now, which takes a second or two; otherwise at its first use.
    """
    voice = VoiceService()
    try:
        if started:
            # A missing voice is noticed here, not during the first call.
            await voice.start()
    except NoVoiceError:
        yield None
        return
    try:
        yield voice.speak
    finally:
        await voice.aclose()
