"""Build what a person hears before the caller is connected, and decide whether they must press a key."""

from enum import StrEnum
from typing import Final

from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from agent_core.summary import about
from phone_agent.speaking_time import SILENCE, fit, seconds
from phone_agent.spelling import language_of, speakable

KEY: Final = "1"
"""The key that accepts the call."""
LONGEST: Final = 5.0
"""Longest whisper in seconds: the caller hears ringing meanwhile."""
_ENGLISH: Final = Sentences.of()
_PRESS_SECONDS: Final = 1.65
"""Of the English sentence, measured, including the pause before it. Other languages are estimated, which is longer."""


class Accept(StrEnum):
    """Who must press a key before the caller is connected."""

    AUTO = "auto"
    KEY = "key"
    NONE = "none"

    def asks(self, address: str) -> bool:
        """Return whether the person at an address must press a key."""
        return self is Accept.KEY or (self is Accept.AUTO and address.startswith("tel:"))


def sentences(
    destination: str | None, summary: str, *, asks: bool, texts: Sentences = _ENGLISH
) -> list[tuple[str, str]]:
    """Return the whisper as (text, language) pairs: who calls and why, then the key, in at most five seconds.

    Args:
        destination: Name of the person; None if the transfer context was unreadable.
        summary: Of the conversation.
        asks: Whether a key must be pressed.
        texts: In the person's language.
    """
    why = about(summary, texts)
    own = texts.language
    language = language_of(why, own)
    press = _press(texts)
    left = LONGEST - (_press_seconds(texts) if asks else 0.0)
    # One voice reads one language, so the key gets a sentence of its own.
    if language not in {None, own} and (words := fit(why, left - SILENCE)):
        return [(f"{words}.", language or own), *([(press, own)] if asks else [])]
    # An unsupported script is transliterated, because Twilio would skip the sentence.
    said = _sentence(destination, why if language == own else speakable(why), left, texts)
    return [(f"{said} {press}" if asks else said, own)]


def press_again(texts: Sentences = _ENGLISH) -> list[tuple[str, str]]:
    """Return what a person hears after pressing another key."""
    return [(_press(texts), texts.language)]


def _press(texts: Sentences) -> str:
    return texts.say(Sentence.PRESS_TO_TAKE, key=KEY)


def _press_seconds(texts: Sentences) -> float:
    return _PRESS_SECONDS if _press(texts) == _press(_ENGLISH) else seconds(_press(texts))


def _sentence(destination: str | None, why: str, left: float, texts: Sentences) -> str:
    """Return who calls and why; drop the name before the reason, and cut the reason to the time left."""
    if destination is not None:
        whole = (
            texts.say(Sentence.WHISPER, destination=destination, reason=why)
            if why
            else texts.say(Sentence.WHISPER_BARE, destination=destination)
        )
        if seconds(whole) <= left:
            return whole
    words = fit(why, left - seconds(texts.say(Sentence.WHISPER_UNNAMED, reason="")))
    return texts.say(Sentence.WHISPER_UNNAMED, reason=words) if words else texts[Sentence.WHISPER_UNKNOWN]
