"""Words of any script, for telephones that show ASCII and voices that read one language each."""

import unicodedata
from typing import Final

from anyascii import anyascii

_MAX_HEADER: Final = 240
"""Characters of the summary on the SIP leg: encoded they may be three times as many, and Twilio takes 1023."""
_LANGUAGES: Final = {
    "CYRILLIC": "ru-RU",
    "HIRAGANA": "ja-JP",
    "KATAKANA": "ja-JP",
    "HANGUL": "ko-KR",
    "CJK": "zh-CN",
}
"""What Twilio's own voices read without any ``voice`` attribute. Asked for a language that it has no voice for, Twilio
skips the sentence; so texts in other scripts are spelt in Latin letters."""
_NO_LETTERS: Final = "The summary cannot be shown here."


def language_of(text: str) -> str | None:
    """Name the language in which a text is read, by its script: English for Latin letters; None for no voice."""
    scripts = [unicodedata.name(one, "").partition(" ")[0] for one in text if one.isalpha()]
    if not scripts or scripts.count("LATIN") * 2 > len(scripts):
        return "en-US"
    found = [_LANGUAGES[script] for script in scripts if script in _LANGUAGES]
    if "ja-JP" in found:  # Japanese has Chinese characters too
        return "ja-JP"
    return max(set(found), key=found.count) if found else None


def speakable(text: str) -> str:
    """Spell a text in Latin letters."""
    return " ".join(anyascii(text).split())


def in_ascii(text: str) -> str:
    """Spell a text so that any telephone can show it: its last ``_MAX_HEADER`` characters, in Latin letters."""
    plain = "".join(one if one.isprintable() else " " for one in anyascii(text))
    short = " ".join(plain.split())[-_MAX_HEADER:].strip()
    return short or (_NO_LETTERS if text.strip() else "")
