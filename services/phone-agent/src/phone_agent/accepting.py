"""What a person who answers hears before the caller is connected, and whether a key has to be pressed."""

from enum import StrEnum
from typing import Final

from agent_core.summary import spoken
from phone_agent.spelling import language_of, speakable

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
    """Write the whisper: about five seconds of speech, each sentence with its language.

    Args:
        destination: Name of the person; None when the note could not be read.
        summary: Of the conversation.
        asks: Whether a key has to be pressed.
    """
    said = [("A call from the voice assistant." if destination is None else f"A call for {destination}.", _ENGLISH)]
    if about := spoken(summary):
        language = language_of(about)
        said.append((about if language else speakable(about), language or _ENGLISH))
    if asks:
        said.append(("Press any key.", _ENGLISH))
    return said
