"""The voice of the exchange, if one is at hand."""

import contextlib
import importlib
from collections.abc import AsyncIterator

from standins.twilio.sound import Speak


@contextlib.asynccontextmanager
async def find_voice() -> AsyncIterator[Speak | None]:
    """Yield what turns text into 16-bit mono PCM, or None where no voice is installed."""
    try:
        voice = importlib.import_module("standins.speech").Voice()
    except (ImportError, AttributeError, OSError):
        yield None
        return
    try:
        yield voice.speak
    finally:
        if hasattr(voice, "aclose"):
            await voice.aclose()
