"""Finds numbers and listed phrases in words. No I/O."""

from collections.abc import Iterable, Mapping, Sequence

from standins.agents.language import Language

type Words = Sequence[str]


def number_at(words: Words, index: int, language: Language) -> tuple[int | None, int]:
    """Return the number that starts here, and its number of words."""
    if words[index].isdecimal():
        return int(words[index]), 1
    value, length = phrase_at(words, index, language.numbers)
    if value is None:
        return None, 0
    after = index + length
    # "twenty one" is one number.
    if value >= 20 and value % 10 == 0 and after < len(words):  # noqa: PLR2004  the first of the tens
        unit = language.numbers.get((words[after],), 0)
        if 1 <= unit <= 9:  # noqa: PLR2004  digits
            return value + unit, length + 1
    return value, length


def phrase_at[V](words: Words, index: int, table: Mapping[tuple[str, ...], V]) -> tuple[V | None, int]:
    """Return the value of the longest phrase of the table that starts here, and its number of words."""
    for length in range(min(4, len(words) - index), 0, -1):
        value = table.get(tuple(words[index : index + length]))
        if value is not None:
            return value, length
    return None, 0


def starts(words: Words, index: int, phrases: Iterable[tuple[str, ...]]) -> int:
    """Return the length of the phrase that starts here; 0 for none."""
    return max((len(one) for one in phrases if tuple(words[index : index + len(one)]) == one), default=0)
