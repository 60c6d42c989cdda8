"""What a person who answers hears before the caller is connected, and whether a key has to be pressed."""

from enum import StrEnum
from typing import Final

from agent_core.summary import about
from phone_agent.speaking_time import SILENCE, fit, seconds
from phone_agent.spelling import language_of, speakable

KEY: Final = "1"
"""The key that takes the call."""
LONGEST: Final = 5.0
"""Seconds from the first sound of a whisper to its last: a caller hears ringing meanwhile."""
_PRESS: Final = f"Press {KEY} to take the call."
_PRESS_SECONDS: Final = 1.65
"""Measured, with the pause before it."""
_ENGLISH: Final = "en-US"


class Accept(StrEnum):
    """Who has to press a key before the caller is connected."""

    AUTO = "auto"
    KEY = "key"
    NONE = "none"

    def asks(self, address: str) -> bool:
        """Tell whether the person at an address has to press a key."""
        return self is Accept.KEY or (self is Accept.AUTO and address.startswith("tel:"))


def sentences(destination: str | None, summary: str, *, asks: bool) -> list[tuple[str, str]]:
    """Write the whisper: who calls and why, then the key, in at most five seconds; each text with its language.

    Args:
        destination: Name of the person; None when the note could not be read.
        summary: Of the conversation.
        asks: Whether a key has to be pressed.
    """
    why = about(summary)
    language = language_of(why)
    left = LONGEST - (_PRESS_SECONDS if asks else 0.0)
    if language not in {None, _ENGLISH} and (words := fit(why, left - SILENCE)):
        return [(f"{words}.", language or _ENGLISH), *([(_PRESS, _ENGLISH)] if asks else [])]
    said = _sentence(destination, why if language == _ENGLISH else speakable(why), left)
    return [(f"{said} {_PRESS}" if asks else said, _ENGLISH)]


def press_again() -> list[tuple[str, str]]:
    """Write what a person hears who has pressed another key."""
    return [(_PRESS, _ENGLISH)]


def _sentence(destination: str | None, why: str, left: float) -> str:
    """Say who calls and why; the name gives way to the reason, and the end of the reason to the time."""
    if destination is not None:
        named = f"Caller for {destination}"
        whole = f"{named}: {why}." if why else f"{named}."
        if seconds(whole) <= left:
            return whole
    words = fit(why, left - seconds("Caller: ."))
    return f"Caller: {words}." if words else "A call from the voice assistant."
