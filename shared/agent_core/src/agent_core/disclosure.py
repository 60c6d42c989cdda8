"""Recognize the disclosure: the sentence that says that an AI speaks, and on whose behalf. No I/O."""

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Self

from agent_core.ai_words import names_an_ai
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences

_SIMILAR: Final = 0.7
"""How similar a word must be to one of the name: the model's own transcript spells names as it hears them."""
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Wording:
    """What the caller must have heard.

    Attributes:
        sentence: The sentence that the model is asked to say.
        name: On whose behalf it speaks.
        language: BCP 47 tag.
    """

    sentence: str
    name: str
    language: str

    @classmethod
    def of(cls, sentences: Sentences, name: str) -> Self:
        """Return what must be heard in a language, on behalf of someone."""
        return cls(sentences.say(Sentence.DISCLOSURE, name=name), name, sentences.language)

    def is_in(self, text: str) -> bool:
        """Return whether a text says it, in any wording: that it is an AI, and the name."""
        return names_an_ai(text, self.language) and self._has_name(text)

    def _has_name(self, text: str) -> bool:
        said, name = _words(text), _words(self.name)
        # A transcript in Hindi writes a foreign name in its own letters, which cannot be compared.
        if not any(word.isascii() for word in said) and any(word.isascii() for word in name):
            return True
        return all(any(SequenceMatcher(None, part, word).ratio() >= _SIMILAR for word in said) for part in name)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(one for one in plain if not unicodedata.combining(one)))
