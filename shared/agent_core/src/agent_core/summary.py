"""What a person is told before they take over: a paragraph out of the words that were said, without asking a model."""

import re
from collections.abc import Sequence

MAX_CHARACTERS = 400
"""About half a minute of speech: whoever answers has a caller waiting."""
MAX_SPOKEN = 48
"""Characters of it that are said aloud: about three seconds of speech, while a caller hears it ring."""
BY_KEY = "The caller pressed 0."
"""The reason where there is no other."""
_PARTS = re.compile(
    r"(?:Reason: (?P<reason>.*?\.))? ?(?:The caller said: (?P<asked>“.*?”))?(?: ?The assistant answered: “.*”)?"
)
_QUOTES = re.compile(r"“(.*?)”")
_MAX_REASON = 120
_MAX_QUOTE = 72
"""With it all parts fit into a summary, so that the reason is never cut off."""
_QUESTIONS = 2
_SPACE = re.compile(r"\s+")


def summarise(said: Sequence[tuple[str, str]], reason: str) -> str:
    """Say why a person is wanted, what the caller last said and what they were last told.

    Args:
        said: ``(speaker, words)`` in order; the speaker is ``USER`` or ``ASSISTANT``.
        reason: Why, in a sentence.
    """
    parts = [f"Reason: {_cut(reason, _MAX_REASON).rstrip('.。')}."] if reason.strip() else []
    asked = [_cut(words, _MAX_QUOTE) for speaker, words in said if speaker == "USER"][-_QUESTIONS:]
    if asked:
        parts.append(f"The caller said: {' And: '.join(map(_quoted, asked))}")
    told = next((_cut(words, _MAX_QUOTE) for speaker, words in reversed(said) if speaker == "ASSISTANT"), "")
    if told:
        parts.append(f"The assistant answered: {_quoted(told)}")
    return _cut(" ".join(parts) or "The caller has not said anything yet.", MAX_CHARACTERS)


def spoken(summary: str) -> str:
    """Return the part of a summary that is said aloud: why a person is wanted, else what the caller said last.

    It can be said of what it has returned too.
    """
    parts = _PARTS.fullmatch(summary)
    if parts is None:
        return _head(summary, MAX_SPOKEN)
    asked = _QUOTES.findall(parts["asked"] or "")
    reason = parts["reason"] or ""
    says_little = not reason or reason == BY_KEY
    return _head(asked[-1] if asked and says_little else reason, MAX_SPOKEN)


def _head(words: str, characters: int) -> str:
    """Keep the first words of a sentence."""
    if len(words) <= characters:
        return words
    cut = words[: characters - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:") + "…"


def _quoted(words: str) -> str:
    return f"“{words}”"


def _cut(words: str, characters: int) -> str:
    """Keep the newest words: what somebody said last is what matters."""
    plain = _SPACE.sub(" ", "".join(one if one.isprintable() else " " for one in words)).strip()
    if len(plain) <= characters:
        return plain
    return "…" + plain[-(characters - 1) :].partition(" ")[2]
