"""Read a day that was said or typed, relative to a given day. No I/O, no clock."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from agent_core.capture.errors import NotUnderstood
from agent_core.capture.transcript import phrases
from agent_core.capture.vocabulary import Vocabulary, longest, starts

_ISO: Final = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_NUMERIC: Final = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./]?(\d{4}|\d{2})?\b")
_DIGITS: Final = re.compile(r"(\d{1,4})(?:st|nd|rd|th|er|\.)?")
_LAST_DAY: Final = 31
_MONTHS: Final = 12
_CENTURY: Final = 100
_YEARS: Final = range(1900, 2200)


@dataclass(frozen=True, slots=True)
class _Said:
    """The parts of a day that were said; None for what was not."""

    day: int | None = None
    month: int | None = None
    year: int | None = None


def read_date(text: str, words: Vocabulary, today: date, before: str = "") -> str:
    """Return a day as ``YYYY-MM-DD``. Without a year it is the next one, without a month of this month or the next.

    Args:
        text: What was heard.
        words: Of the agent's language.
        today: At the place of the agent.
        before: The day that a correction changes: "no, the fourth" keeps month and year.

    Raises:
        NotUnderstood: the words contain no day that exists.
    """
    if found := _ISO.search(text):
        return _existing(*map(int, found.groups())).isoformat()
    # The United States write the month first; everyone else who is served here writes the day first.
    if found := _NUMERIC.search(text):
        first, second, year = int(found[1]), int(found[2]), found[3]
        day, month = (second, first) if words.language.endswith("-US") and "." not in found[0] else (first, second)
        return _next(_Said(day, month, _full_year(int(year), today) if year else None), today, before).isoformat()
    said = phrases(text)
    relative = _relative(said, words, today)
    if relative is not None and not any(longest(words.months, said, at)[0] for at in range(len(said))):
        return relative.isoformat()
    parts = _parts(said, words, corrects=bool(before))
    if parts.day is None and parts.year is None:
        raise NotUnderstood("no_day")
    return _next(parts, today, before).isoformat()


def typed_date(keys: str, words: Vocabulary, today: date) -> str:
    """Return a day from the digits of a keypad: year, month and day, or day and month in the country's order.

    Raises:
        NotUnderstood: no such day exists.
    """
    for year, month, day in _typed(keys, words.language):
        try:
            return _next(_Said(day, month, year), today, "").isoformat()
        except NotUnderstood:
            continue
    raise NotUnderstood("no_day")


def _typed(keys: str, language: str) -> list[tuple[int | None, int, int]]:
    month_first = language.endswith("-US")
    if not keys.isdecimal() or len(keys) not in (4, 8):
        return []
    a, b = int(keys[:2]), int(keys[2:4])
    month, day = (a, b) if month_first else (b, a)
    if len(keys) == 4:  # noqa: PLR2004 - day and month
        return [(None, month, day)]
    asked = (int(keys[:4]), int(keys[4:6]), int(keys[6:]))
    return [*([asked] if asked[0] in _YEARS else []), (int(keys[4:]), month, day)]


def _relative(said: Sequence[str], words: Vocabulary, today: date) -> date | None:
    # "day after tomorrow" contains "tomorrow", and the longest phrase at the earliest word is the right one.
    for at in range(len(said)):
        days, _ = longest(words.relative_days, said, at)
        if days is not None:
            # "a week from today" is another day than today.
            if any(starts(words.weeks, said, other) for other in range(len(said))):
                raise NotUnderstood("no_day")
            return today + timedelta(days=days)
    for at in range(len(said)):
        weekday, length = longest(words.weekdays, said, at)
        if weekday is None:
            continue
        ahead = (weekday - today.weekday()) % 7
        follows = at > 0 and (said[at - 1],) in words.next_words
        week = any(starts(words.week_later, said, other) for other in (at + length, *range(at)))
        if follows or week:
            # Of the week that begins on the next Monday; the sentence that reads it back names the date.
            return today + timedelta(days=7 - today.weekday() + weekday)
        if not _parts(said[at + length :], words).day:
            return today + timedelta(days=ahead)
    return None


def _parts(said: Sequence[str], words: Vocabulary, *, corrects: bool = False) -> _Said:
    day = month = year = None
    at = 0
    while at < len(said):
        named, length = longest(words.months, said, at)
        # "may" is also a verb, but hardly one in the answer to the question for a day.
        if named is not None and month is None:
            month, at = named, at + length
            continue
        found, length = _year(said, words, at, has_day=corrects or day is not None or month is not None)
        if found is not None and year is None:
            year, at = found, at + length
            continue
        number, length = _ordinal(said, words, at)
        if number is not None and day is None:
            day, at = number, at + length
        elif number is not None and month is None and number <= _MONTHS:
            month, at = number, at + length
        else:
            at += max(length, 1)
    return _Said(day, month, year)


def _ordinal(said: Sequence[str], words: Vocabulary, at: int) -> tuple[int | None, int]:
    listed, length = longest(words.ordinals, said, at)
    if listed is None:
        listed, length = longest(words.numbers, said, at)
    if listed is None and (found := _DIGITS.fullmatch(said[at])):
        listed, length = int(found[1]), 1
    return (listed, length) if listed is not None and 1 <= listed <= _LAST_DAY else (None, 0)


def _year(said: Sequence[str], words: Vocabulary, at: int, *, has_day: bool) -> tuple[int | None, int]:
    """Return a year that starts here: 1980, nineteen eighty, two thousand (and) one."""
    if said[at].isdecimal() and int(said[at]) in _YEARS:
        return int(said[at]), 1
    if (whole := _written_year(said[at], words)) is not None:
        return whole, 1
    first, length = longest(words.numbers, said, at)
    if first is None:
        # "mille neuf cent" begins without a number.
        first, length = (1, 0) if starts(words.thousand, said, at) else (0, 0)
    for scale, listed in ((1000, words.thousand), (100, words.hundred)):
        if first and (scaled := starts(listed, said, at + length)):
            return _with_rest(first * scale, said, words, at, length + scaled)
    rest, more = longest(words.numbers, said, at + length)
    # Not before the day: "twenty twenty" of "twenty twenty seven" and the day "twenty" sound alike.
    if has_day and first in (19, 20, 21) and rest is not None and rest > 9:  # noqa: PLR2004 - two digits
        return first * _CENTURY + rest, length + more
    return None, 0


def _with_rest(base: int, said: Sequence[str], words: Vocabulary, at: int, length: int) -> tuple[int | None, int]:
    # "mille neuf cent quatre-vingts", "mil novecientos sesenta": the hundreds of a year after the thousand.
    count, taken = longest(words.numbers, said, at + length)
    if hundreds := starts(words.hundred, said, at + length + taken):
        base, length = base + (count or 0) * _CENTURY, length + taken + hundreds
    elif count is not None and count >= _CENTURY:
        base, length = base + count, length + taken
    joined = starts(words.joiner, said, at + length)
    rest, more = longest(words.numbers, said, at + length + joined)
    year = base + (rest or 0)
    return (year, length + (joined + more if rest is not None else 0)) if year in _YEARS else (None, 0)


def _written_year(word: str, words: Vocabulary) -> int | None:
    """Return a year in one word: neunzehnhundertachtzig, zweitausendeins, duemilauno."""
    for scale, listed in ((100, words.hundred), (1000, words.thousand)):
        for (name,) in (one for one in listed if len(one) == 1):
            head, found, tail = word.partition(name)
            first, last = words.numbers.get((head,)), 0 if not tail else words.numbers.get((tail.removeprefix("und"),))
            if found and first is not None and last is not None and first * scale + last in _YEARS:
                return first * scale + last
    return None


def _next(said: _Said, today: date, before: str) -> date:
    if before and (said.month is None or said.year is None or said.day is None):
        # A correction names only what was wrong.
        old = date.fromisoformat(before)
        year = said.year if said.year is not None else (old.year if said.month is None else None)
        said = _Said(said.day or old.day, said.month or old.month, year)
    if said.day is None:
        raise NotUnderstood("no_day")
    if said.year is not None and said.month is not None:
        return _existing(said.year, said.month, said.day)
    # At most eight years, because the 29th of February may be that far.
    for ahead in range(_MONTHS * 8 + 1):
        year, month = divmod(today.year * _MONTHS + today.month - 1 + ahead, _MONTHS)
        if said.month in (None, month + 1) and said.year in (None, year):
            try:
                found = date(year, month + 1, said.day)
            except ValueError:
                continue
            if found >= today:
                return found
    raise NotUnderstood("no_day")


def _existing(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise NotUnderstood("no_such_day") from None


def _full_year(year: int, today: date) -> int:
    if year >= _CENTURY:
        return year
    # Two digits mean a year that is at most ten years ahead.
    century = today.year - today.year % _CENTURY
    return century + year - (_CENTURY if century + year > today.year + 10 else 0)
