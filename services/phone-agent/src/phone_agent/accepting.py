"""Build what a person hears before the caller is connected, and decide whether they must press a key."""

from enum import StrEnum
from typing import Final

from agent_core.summary import about
from phone_agent.speaking_time import SILENCE, fit, seconds
from phone_agent.spelling import language_of, speakable

KEY: Final = "1"
"""The key that accepts the call."""
LONGEST: Final = 5.0
"""Longest whisper in seconds: the caller hears ringing meanwhile."""
_PRESS: Final = f"Press {KEY} to take the call."
_PRESS_SECONDS: Final = 1.65
"""Measured, including the pause before it."""
_ENGLISH: Final = "en-US"


class Accept(StrEnum):
    """Who must press a key before the caller is connected."""

    AUTO = "auto"
    KEY = "key"
    NONE = "none"

    def asks(self, address: str) -> bool:
        """Return whether the person at an address must press a key."""
        return self is Accept.KEY or (self is Accept.AUTO and address.startswith("tel:"))


def sentences(destination: str | None, summary: str, *, asks: bool) -> list[tuple[str, str]]:
    """Return the whisper as (text, language) pairs: who calls and why, then the key, in at most five seconds.

    Args:
        destination: Name of the person; None if the transfer context was unreadable.
        summary: Of the conversation.
        asks: Whether a key must be pressed.
    """
    why = about(summary)
    language = language_of(why)
    left = LONGEST - (_PRESS_SECONDS if asks else 0.0)
    # One voice reads one language, so the key gets a sentence of its own.
    if language not in {None, _ENGLISH} and (words := fit(why, left - SILENCE)):
        return [(f"{words}.", language or _ENGLISH), *([(_PRESS, _ENGLISH)] if asks else [])]
    # An unsupported script is transliterated, because Twilio would skip the sentence.
    said = _sentence(destination, why if language == _ENGLISH else speakable(why), left)
    return [(f"{said} {_PRESS}" if asks else said, _ENGLISH)]


def press_again() -> list[tuple[str, str]]:
    """Return what a person hears after pressing another key."""
    return [(_PRESS, _ENGLISH)]


def _sentence(destination: str | None, why: str, left: float) -> str:
    """Return who calls and why; drop the name before the reason, and cut the reason to the time left."""
    if destination is not None:
        named = f"Caller for {destination}"
        whole = f"{named}: {why}." if why else f"{named}."
        if seconds(whole) <= left:
            return whole
    words = fit(why, left - seconds("Caller: ."))
    return f"Caller: {words}." if words else "A call from the voice assistant."
