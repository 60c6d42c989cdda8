"""Convert words of any script for phones that show ASCII and voices that read one language each."""

import unicodedata
from typing import Final

from anyascii import anyascii

from agent_core.cutting import last

_MAX_HEADER: Final = 240
"""Most characters of the summary on the SIP leg: encoded they may triple, and Twilio accepts 1023."""
_LANGUAGES: Final = {
    "CYRILLIC": "ru-RU",
    "HIRAGANA": "ja-JP",
    "KATAKANA": "ja-JP",
    "HANGUL": "ko-KR",
    "CJK": "zh-CN",
    "DEVANAGARI": "hi-IN",
}
"""Languages that Twilio has voices for (`phone_agent.twiml.VOICES` where its default voice does not speak them). Twilio
skips a sentence in a language without a voice, so texts in other scripts are transliterated.
"""
_NO_LETTERS: Final = "The summary cannot be shown here."


def language_of(text: str, latin: str = "en-US") -> str | None:
    """Return the language of a text by its script; None if there is no voice.

    Args:
        text: What is to be read.
        latin: The language of Latin letters, which no script tells: that of the conversation.
    """
    scripts = [unicodedata.name(one, "").partition(" ")[0] for one in text if one.isalpha()]
    # Names and numbers in Latin letters are common in any language, so only a majority decides.
    if not scripts or scripts.count("LATIN") * 2 > len(scripts):
        return latin
    found = [_LANGUAGES[script] for script in scripts if script in _LANGUAGES]
    if "ja-JP" in found:  # Japanese uses Chinese characters too
        return "ja-JP"
    # Sorted, so that each task chooses the same of two that are equally frequent.
    return max(sorted(set(found)), key=found.count) if found else None


def speakable(text: str) -> str:
    """Transliterate a text into Latin letters."""
    return " ".join(anyascii(text).split())


def in_ascii(text: str) -> str:
    """Transliterate a text for any phone's display: its last ``_MAX_HEADER`` characters, in Latin letters."""
    plain = "".join(one if one.isprintable() else " " for one in anyascii(text))
    short = last(" ".join(plain.split()), _MAX_HEADER).strip()
    return short or (_NO_LETTERS if text.strip() else "")
