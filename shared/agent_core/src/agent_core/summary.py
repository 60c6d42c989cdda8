"""Summarize a conversation for the person who takes it over, from the words that were said and without a model."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from agent_core.cutting import first, is_mark, last
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences

MAX_CHARACTERS = 400
"""About half a minute of speech: the person who answers has a caller waiting."""
_ENGLISH: Final = Sentences.of()
BY_KEY: Final = _ENGLISH[Sentence.SUMMARY_KEY]
"""The reason if there is no other, in any language: `summarise` translates it."""
_QUOTES = re.compile(r"“(.*?)”")
_MAX_REASON = 120
_MAX_QUOTE = 72
"""With this limit all parts fit into a summary, so that the reason is never cut off."""
_QUESTIONS = 2
_FULL_STOPS: Final = ".\u3002\u0964"
"""Of Latin scripts, of Chinese and Japanese, and of Hindi."""
_SPACE = re.compile(r"\s+")
_SPEAKABLE: Final = frozenset(".,;:!?'\u2019%&+@$€£/-\u0964")
"""Characters that speech synthesis reads well, besides letters and digits; brackets and quotes are none of them."""
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


def summarise(said: Sequence[tuple[str, str]], reason: str, sentences: Sentences = _ENGLISH) -> str:
    """Return why a person is wanted, what the caller said last and what the agent replied last.

    Args:
        said: ``(speaker, words)`` in order; the speaker is ``USER`` or ``ASSISTANT``.
        reason: Why, in a sentence.
        sentences: Of the person's language. What was said stays in its own.
    """
    if reason == BY_KEY:
        reason = sentences[Sentence.SUMMARY_KEY]
    parts = []
    if reason.strip():
        why = _cut(reason, _MAX_REASON).rstrip(_FULL_STOPS)
        parts.append(sentences.say(Sentence.SUMMARY_REASON, reason=why))
    # Only the newest questions: earlier ones have been answered.
    asked = [_cut(words, _MAX_QUOTE) for speaker, words in said if speaker == "USER"][-_QUESTIONS:]
    if asked:
        words = f" {sentences[Sentence.SUMMARY_AND]} ".join(map(_quoted, asked))
        parts.append(sentences.say(Sentence.SUMMARY_SAID, words=words))
    reply = next((_cut(words, _MAX_QUOTE) for speaker, words in reversed(said) if speaker == "ASSISTANT"), "")
    if reply:
        parts.append(sentences.say(Sentence.SUMMARY_ANSWERED, words=_quoted(reply)))
    return _cut(" ".join(parts) or sentences[Sentence.SUMMARY_NOTHING], MAX_CHARACTERS)


def about(summary: str, sentences: Sentences = _ENGLISH) -> str:
    """Return what the person who answers should hear first: the reason, else the caller's last words; may be empty.

    It contains no greeting, no repeated word, and nothing that only says that a person is wanted. Idempotent, because
    the result replaces the summary on its way.

    Args:
        summary: From `summarise`, or from this function.
        sentences: With which `summarise` wrote it.
    """
    if summary == sentences[Sentence.SUMMARY_NOTHING]:
        return ""
    parts = _parts(
        sentences.texts[Sentence.SUMMARY_REASON],
        sentences.texts[Sentence.SUMMARY_SAID],
        sentences.texts[Sentence.SUMMARY_ANSWERED],
    ).fullmatch(summary)
    by_key = sentences[Sentence.SUMMARY_KEY]
    if parts is None:
        return _information(summary, by_key)
    # `summarise` built the text, so its parts can be recovered from it.
    asked = _QUOTES.findall(parts["asked"] or "")
    reason = parts["reason"] or ""
    known = (_information(one, by_key) for one in (reason, *reversed(asked)))
    return next((one for one in known if one), "")


@cache
def _parts(reason: str, said: str, answered: str) -> re.Pattern[str]:
    """Return the pattern of a summary, from its three sentences."""
    why = re.escape(reason).replace(re.escape("$reason"), "(?P<reason>.*?)")
    asked = re.escape(said).replace(re.escape("$words"), "(?P<asked>“.*?”)")
    reply = re.escape(answered).replace(re.escape("$words"), "“.*”")
    return re.compile(f"(?:{why})? ?(?:{asked})?(?: ?{reply})?")


def _information(words: str, by_key: str) -> str:
    """Reduce a sentence to its information; empty if it has none."""
    # A vowel sign is neither letter nor digit, but no word of Hindi can be read without it.
    spoken = "".join(one if one.isalnum() or is_mark(one) or one in _SPEAKABLE else " " for one in words)
    plain = first(_SPACE.sub(" ", spoken).strip(), _MAX_REASON)
    if plain.rstrip(_FULL_STOPS) == by_key.rstrip(_FULL_STOPS):
        return ""
    # One removal may expose the next, such as a greeting before "the caller is calling about".
    while (shorter := _shorten(plain)) != plain:
        plain = shorter
    return "" if all(word in _WISH for word in re.findall(r"[\w'\u2019]+", plain.lower())) else plain


def _shorten(words: str) -> str:
    # In a script with vowel signs the pattern would find the same consonant twice, and delete half of a word.
    if not any(map(is_mark, words)):
        words = _REPEATED.sub(r"\1", words)
    words = _SUBJECT.sub("", words, count=1) if _SUBJECT.match(words) else words
    first, _, rest = words.partition(" ")
    if first.lower().strip(".,!?") in _GREETINGS:
        words = rest
    return words.strip(f" {_FULL_STOPS},;:!?-/&+'\u2019")


def _quoted(words: str) -> str:
    return f"“{words}”"


def _cut(words: str, characters: int) -> str:
    """Keep the newest words: what was said last matters most."""
    # A joiner only changes how its neighbours look, and is not printable: a space would divide a word.
    joined = words.replace("\u200d", "").replace("\u200c", "")
    plain = _SPACE.sub(" ", "".join(one if one.isprintable() else " " for one in joined)).strip()
    if len(plain) <= characters:
        return plain
    return "…" + last(plain, characters - 1)
