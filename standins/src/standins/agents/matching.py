"""Finds the rehearsed line that is nearest to what a caller said. No I/O."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from standins.agents.language import Language
from standins.agents.rehearsed import RehearsedLine, Sentence
from standins.agents.words import spelled, stem

_STOP_WEIGHT, _SLOT_WEIGHT, _UNKNOWN_WEIGHT = 0.15, 0.4, 0.5
"""Weights beside a content word's, which is 1 for a word of a single line. An unknown word only dilutes."""
_TITLE, _ANSWER = 0.8, 0.4
"""How much a word counts that is only in the rehearsal's title or tool name, or only in its answer."""
_PRECISION = 0.6
"""Share of what the caller said in the score; the rest is how much of the line was said."""
_OUT_OF_TURN = 0.5
"""Factor of a follow-up whose rehearsal has not begun."""
ACCEPTED = 0.38
"""Scores below this are not understood."""
MARGIN = 0.02
"""A smaller lead over a line with another outcome is a guess, and is not understood either."""


@dataclass(frozen=True)
class Match:
    """The nearest line; `score` is 0 to 1, `lead` its distance to the best line with another outcome."""

    line: RehearsedLine
    score: float
    lead: float
    complete: float
    """Share of the line that was said."""

    @property
    def is_understood(self) -> bool:
        """Whether it is near enough, and nearer than any other."""
        return self.score >= ACCEPTED and self.lead >= MARGIN


@dataclass(frozen=True)
class _Words:
    weights: Mapping[str, float]
    """Weight of each of the line's own words."""
    title: frozenset[str]
    answer: frozenset[str]

    def strength(self, token: str) -> float:
        if token in self.weights:
            return 1.0
        return _TITLE if token in self.title else _ANSWER if token in self.answer else 0.0


class Matcher:
    """Compares sentences with the lines of one agent."""

    def __init__(self, lines: Sequence[RehearsedLine], language: Language) -> None:
        self._language = language
        self._stems = {stem(word): group for word, group in language.synonyms.items()}
        self._stop_words = {stem(word) for word in language.stop_words} - {stem(word) for word in language.synonyms}
        counts = Counter(token for line in lines for token in self._literal(line) | self._title(line))
        self._rarity = {token: max(1 / math.sqrt(count), _SLOT_WEIGHT) for token, count in counts.items()}
        self._lines = [(line, self._words(line)) for line in lines]

    def canonical(self, word: str) -> str:
        """Return one form for all forms and synonyms of a word."""
        if word.startswith("<"):
            return word
        group = self._language.synonyms.get(word) or self._stems.get(stem(word))
        return stem(group or word)

    def best(self, sentence: Sentence, follow_ups: Collection[str]) -> Match | None:
        """Return the nearest line.

        Args:
            sentence: What the caller said.
            follow_ups: Rehearsals that have begun, so that their follow-ups are likely.
        """
        # A set: a word said twice means no more than once.
        tokens = {self.canonical(token) for token in sentence.tokens()}
        values = self._values(sentence)
        weights = {token: self._weight(token, values) for token in tokens}
        scored = [(*self._score(weights, line, words, follow_ups), line) for line, words in self._lines]
        if not scored:
            return None
        score, complete, line = max(scored, key=lambda one: one[0])
        others = [other for other, _, rival in scored if _outcome(rival) != _outcome(line)]
        return Match(line, score, score - max(others, default=0.0), complete)

    def has_content(self, sentence: Sentence) -> bool:
        """Return whether a sentence has more than values and stop words."""
        return any(not token.startswith("<") and token not in self._language.stop_words for token in sentence.tokens())

    def _score(
        self, weights: Mapping[str, float], line: RehearsedLine, words: _Words, follow_ups: Collection[str]
    ) -> tuple[float, float]:
        said = sum(weights.values())
        understood = sum(weight * words.strength(token) for token, weight in weights.items())
        whole = sum(words.weights.values())
        complete = sum(weight for token, weight in words.weights.items() if token in weights) / whole if whole else 0.0
        score = _PRECISION * (understood / said if said else 0.0) + (1 - _PRECISION) * complete
        # Unlikely, but not excluded: a renewed session may have lost its beginning.
        out_of_turn = not line.line.opens and line.line.rehearsal not in follow_ups
        return score * (_OUT_OF_TURN if out_of_turn else 1.0), complete

    def _weight(self, token: str, values: Collection[str]) -> float:
        # "oil change" says less about what the caller wants than "book", and an unknown value nothing.
        if token.startswith("<") or token in values:
            return _SLOT_WEIGHT if token.startswith("<") or token in self._rarity else 0.0
        if token in self._stop_words:
            return _STOP_WEIGHT
        return self._rarity.get(token, _UNKNOWN_WEIGHT)

    def _words(self, line: RehearsedLine) -> _Words:
        values = self._values(line.sentence)
        weights = {token: self._weight(token, values) for token in self._literal(line)}
        return _Words(weights, self._title(line), self._content(line.line.answers))

    def _values(self, sentence: Sentence) -> frozenset[str]:
        spans = [sentence.words[slot.start : slot.stop] for slot in sentence.of_kind("text")]
        return frozenset(self.canonical(word) for span in spans for word in span)

    def _literal(self, line: RehearsedLine) -> frozenset[str]:
        return frozenset(map(self.canonical, line.sentence.tokens()))

    def _title(self, line: RehearsedLine) -> frozenset[str]:
        spoken = line.line
        text = f"{spoken.rehearsal} {spoken.tool if spoken.calls_tool else ''}".replace("_", " ")
        return self._content(text) if spoken.opens else frozenset()

    def _content(self, text: str) -> frozenset[str]:
        return frozenset(self.canonical(word) for word in _without(spelled(text), self._language.stop_words))


def _without(words: Iterable[str], stop_words: Collection[str]) -> list[str]:
    return [word for word in words if word not in stop_words]


def _outcome(line: RehearsedLine) -> tuple[str | None, str]:
    """Return what a line leads to; two lines to the same tool are no rivals."""
    own = line.line
    return own.tool, "" if own.calls_tool else own.answers or own.leads_to or own.rehearsal
