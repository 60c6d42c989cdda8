"""Finds days and dates in words. No I/O."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from standins.agents.language import Language
from standins.agents.number_words import Words, number_at, phrase_at

_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"),
    "twentieth",
)


@dataclass(frozen=True)
class Moment:
    """What decides what a time means."""

    today: Callable[[], dt.date] = dt.date.today
    evening: bool = False
    """Whether "at eight" means the evening, as in a restaurant."""


def day_at(words: Words, index: int, language: Language, moment: Moment) -> tuple[str | None, int]:
    """Return the day that starts here, and its number of words: a weekday, "today", "tomorrow" or an ISO date."""
    if tuple(words[index : index + 3]) == ("day", "after", "tomorrow"):
        return (moment.today() + dt.timedelta(days=2)).isoformat(), 3
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", words[index]):
        return words[index], 1
    date, length = _date_at(words, index, language, moment)
    if date is None:
        return phrase_at(words, index, language.days)
    year, more = _year_at(words, index + length, language)
    # "the third of May nineteen eighty" is a date of birth, not the next third of May.
    return (f"{year}{date[4:]}" if year else date), length + more


def _year_at(words: Words, index: int, language: Language) -> tuple[int, int]:
    """Return a year of this century or the last one: "nineteen eighty", "two thousand ten", "1980"."""
    if index < len(words) and re.fullmatch(r"(?:19|20)\d{2}", words[index]):
        return int(words[index]), 1
    if tuple(words[index : index + 2]) == ("two", "thousand"):
        after = index + 2 + (tuple(words[index + 2 : index + 3]) == ("and",))
        more, length = number_at(words, after, language) if after < len(words) else (None, 0)
        return (2000, 2) if more is None or more > 99 else (2000 + more, after + length - index)  # noqa: PLR2004  a century
    century, length = number_at(words, index, language) if index < len(words) else (None, 0)
    if length != 1 or century not in (19, 20) or index + 1 >= len(words):
        return 0, 0
    rest, more_words = number_at(words, index + 1, language)
    return (century * 100 + rest, 1 + more_words) if rest is not None and 10 <= rest <= 99 else (0, 0)  # noqa: PLR2004


def _date_at(words: Words, index: int, language: Language, moment: Moment) -> tuple[str | None, int]:
    first = _month_at(words, index, language)
    if first:
        day, length = _ordinal_at(words, index + 1, language)
        return (_next_date(first, day, moment), 1 + length) if day else (None, 0)
    day, length = _ordinal_at(words, index, language)
    if not day:
        return None, 0
    at = index + length
    at += at < len(words) and words[at] in ("of", "de")
    month = _month_at(words, at, language)
    if month:
        return _next_date(month, day, moment), at + 1 - index
    # "on the twelfth" is a day of this month or of the next one; a bare number is none.
    named = words[index] in _ORDINALS or words[index].endswith(("th", "nd", "rd"))
    return (_next_date(0, day, moment), length) if named and index and words[index - 1] == "the" else (None, 0)


def _month_at(words: Words, index: int, language: Language) -> int:
    return language.months.index(words[index]) + 1 if index < len(words) and words[index] in language.months else 0


def _ordinal_at(words: Words, index: int, language: Language) -> tuple[int, int]:
    if index >= len(words):
        return 0, 0
    word = words[index]
    if word in _ORDINALS:
        return _ORDINALS.index(word) + 1, 1
    if word in ("twenty", "thirty") and index + 1 < len(words) and words[index + 1] in _ORDINALS[:9]:
        return (20 if word == "twenty" else 30) + _ORDINALS.index(words[index + 1]) + 1, 2
    if word == "thirtieth":
        return 30, 1
    if found := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)", word):
        return int(found[1]), 1
    value, length = number_at(words, index, language)
    return (value, length) if value is not None and 1 <= value <= 31 else (0, 0)  # noqa: PLR2004  days of a month


def _next_date(month: int, day: int, moment: Moment) -> str | None:
    today = moment.today()
    # At most fourteen months ahead, because the 29th of February may need more than one try.
    for ahead in range(14):
        number = (today.month - 1 + ahead) % 12 + 1
        if month in (0, number):
            try:
                found = dt.date(today.year + (today.month - 1 + ahead) // 12, number, day)
            except ValueError:
                continue
            if found >= today:
                return found.isoformat()
    return None
