"""Summarize a conversation for the person who takes it over, from the words that were said and without a model."""

import re
from collections.abc import Sequence

MAX_CHARACTERS = 400
"""About half a minute of speech: the person who answers has a caller waiting."""
_NOTHING_SAID = "The caller has not said anything yet."
BY_KEY = "The caller pressed 0."
"""The reason if there is no other."""
_PARTS = re.compile(
    r"(?:Reason: (?P<reason>.*?\.))? ?(?:The caller said: (?P<asked>“.*?”))?(?: ?The assistant answered: “.*”)?"
)
_QUOTES = re.compile(r"“(.*?)”")
_MAX_REASON = 120
_MAX_QUOTE = 72
"""With this limit all parts fit into a summary, so that the reason is never cut off."""
_QUESTIONS = 2
_SPACE = re.compile(r"\s+")
_UNSPEAKABLE = re.compile(r"[^\w\s.,;:!?'\u2019%&+@$€£/-]|_")
"""Characters that speech synthesis reads badly or not at all, such as brackets and quotes."""
_REPEATED = re.compile(r"\b([^\W\d]+(?:\W+[^\W\d]+){0,9})(?:\W+\1\b)+", re.IGNORECASE)
"""Up to ten words repeated in a row, by speech recognition or a hesitating caller. Numbers may repeat digits."""
_SUBJECT = re.compile(
    r"(?:(?:the|this|a) )?(?:caller|user|customer|client|visitor)(?:['\u2019]s)? "
    r"(?:(?:is )?calling (?:about|regarding) )?",
    re.IGNORECASE,
)
_GREETING_WORDS = "hello hi hey um uh er well okay ok yes yeah please"
_WISH_WORDS = (
    "the a an this caller user customer client visitor i i'd they he she me my can could may would like want wants "
    "wanted need needs needed wish wishes ask asks asked asking request requests requested to for with by be get is "
    "talk talking speak speaking chat connect connected put through transfer transferred transferring call now just "
    "only really some real live actual human humans being person people agent representative operator someone "
    "somebody anyone staff member adviser advisor thanks thank you"
)
_GREETINGS = frozenset(_GREETING_WORDS.split())
_WISH = _GREETINGS | frozenset(_WISH_WORDS.split())
"""A request in these words only says that a person is wanted, which the person who answers knows."""


def summarise(said: Sequence[tuple[str, str]], reason: str) -> str:
    """Return why a person is wanted, what the caller said last and what the agent replied last.

    Args:
        said: ``(speaker, words)`` in order; the speaker is ``USER`` or ``ASSISTANT``.
        reason: Why, in a sentence.
    """
    parts = [f"Reason: {_cut(reason, _MAX_REASON).rstrip('.。')}."] if reason.strip() else []
    # Only the newest questions: earlier ones have been answered.
    asked = [_cut(words, _MAX_QUOTE) for speaker, words in said if speaker == "USER"][-_QUESTIONS:]
    if asked:
        parts.append(f"The caller said: {' And: '.join(map(_quoted, asked))}")
    reply = next((_cut(words, _MAX_QUOTE) for speaker, words in reversed(said) if speaker == "ASSISTANT"), "")
    if reply:
        parts.append(f"The assistant answered: {_quoted(reply)}")
    return _cut(" ".join(parts) or _NOTHING_SAID, MAX_CHARACTERS)


def about(summary: str) -> str:
    """Return what the person who answers should hear first: the reason, else the caller's last words; may be empty.

    It contains no greeting, no repeated word, and nothing that only says that a person is wanted. Idempotent, because
    the result replaces the summary on its way.
    """
    parts = _PARTS.fullmatch(summary)
    if summary == _NOTHING_SAID:
        return ""
    if parts is None:
        return _information(summary)
    # `summarise` built the text, so its parts can be recovered from it.
    asked = _QUOTES.findall(parts["asked"] or "")
    reason = parts["reason"] or ""
    known = (_information(one) for one in ("" if reason == BY_KEY else reason, *reversed(asked)))
    return next((one for one in known if one), "")


def _information(words: str) -> str:
    """Reduce a sentence to its information; empty if it has none."""
    plain = _cut_head(_SPACE.sub(" ", _UNSPEAKABLE.sub(" ", words)).strip())
    # One removal may expose the next, such as a greeting before "the caller is calling about".
    while (shorter := _shorten(plain)) != plain:
        plain = shorter
    if plain == BY_KEY.rstrip("."):
        return ""
    return "" if all(word in _WISH for word in re.findall(r"[\w'\u2019]+", plain.lower())) else plain


def _shorten(words: str) -> str:
    words = _REPEATED.sub(r"\1", words)
    words = _SUBJECT.sub("", words, count=1) if _SUBJECT.match(words) else words
    first, _, rest = words.partition(" ")
    if first.lower().strip(".,!?") in _GREETINGS:
        words = rest
    return words.strip(" .,;:!?-/&+'\u2019")


def _cut_head(words: str) -> str:
    """Keep the first words: the start of a sentence says what it is about."""
    if len(words) <= _MAX_REASON:
        return words
    cut = words[:_MAX_REASON]
    return cut.rpartition(" ")[0] or cut


def _quoted(words: str) -> str:
    return f"“{words}”"


def _cut(words: str, characters: int) -> str:
    """Keep the newest words: what was said last matters most."""
    plain = _SPACE.sub(" ", "".join(one if one.isprintable() else " " for one in words)).strip()
    if len(plain) <= characters:
        return plain
    return "…" + plain[-(characters - 1) :].partition(" ")[2]
