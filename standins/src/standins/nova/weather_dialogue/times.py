# ruff: noqa: SIM905  a list of words reads best as words
"""Parses days and hours in what a caller said: "tomorrow evening", "on friday at three p.m.", "15:30"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from standins.speech.sentences import HOURS, WEEKDAYS

WEEKEND = "weekend"
NEXT_WEEK = "next week"
DAY_AFTER_TOMORROW = "day after tomorrow"

# Hour for a part of the day, if the caller names no exact time.
_PARTS = {
    "morning": 9,
    "noon": 12,
    "midday": 12,
    "lunchtime": 12,
    "afternoon": 15,
    "evening": 19,
    "tonight": 21,
    "night": 22,
    "midnight": 0,
}
_NOW = ("now", "currently", "moment")
_CLOCK = re.compile(r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?P<half>am|pm|a\.m\.|p\.m\.)?$")
_NUMBERS = {word: number for number, word in enumerate(HOURS, start=1)}
TIME_WORDS = frozenset(
    {*_PARTS, *_NOW, *WEEKDAYS, *_NUMBERS, *(
        "today tomorrow day after later this next week weekend on at o'clock am pm a.m. p.m. a p m oclock right the of"
    ).split()}
)  # fmt: skip


@dataclass(frozen=True)
class When:
    """The time of a question. `When()` if none was named; the present is `When(now=True)`."""

    day: str | None = None
    """"today", "tomorrow", a weekday, or one of the constants above."""
    hour: int | None = None
    """0 to 23."""
    now: bool = False

    def __bool__(self) -> bool:
        return self.day is not None or self.hour is not None or self.now


def when(words: Sequence[str]) -> When:
    """Find the time in a sentence of lower-case words."""
    day, hour = _day(words), _hour(words)
    # "now" only if nothing else is said: "now for tomorrow" is about tomorrow.
    if hour is None and day is None and any(word in _NOW for word in words):
        return When(now=True)
    # An hour without a day is today's.
    if hour is not None and day is None:
        day = "today"
    return When(day=day, hour=hour)


def _day(words: Sequence[str]) -> str | None:  # noqa: PLR0911  a return a case
    sentence = " ".join(words)
    # "Monday's weather" is about Monday.
    named = [word.removesuffix("'s") for word in words if word.removesuffix("'s") in WEEKDAYS]
    # Before "tomorrow", which it contains.
    if DAY_AFTER_TOMORROW in sentence:
        return DAY_AFTER_TOMORROW
    if "tomorrow" in sentence:
        return "tomorrow"
    if named:
        # The last one wins, as in "Monday, no, Tuesday".
        return named[-1]
    if WEEKEND in sentence:
        return WEEKEND
    if NEXT_WEEK in sentence:
        return NEXT_WEEK
    if any(word in ("today", "today's", "tonight", "later") for word in words) or re.search(
        r"\bthis (morning|afternoon|evening)", sentence
    ):
        return "today"
    return None


def _hour(words: Sequence[str]) -> int | None:
    for index, word in enumerate(words):
        exact = _clock_hour(word, words[index - 1] if index else "", words[index + 1 : index + 3])
        if exact is not None:
            return exact
    return next((_PARTS[word] for word in words if word in _PARTS), None)


def _clock_hour(word: str, before: str, after: Sequence[str]) -> int | None:
    """Parse one word as a time of day; a bare number counts only after "at" or before "o'clock", "a.m.", "p.m."."""
    found = _CLOCK.match(word)
    number = _NUMBERS.get(word) if found is None else int(found["hour"])
    if number is None or number > 23:  # noqa: PLR2004  the last hour of a day
        return None
    half = ((found["half"] if found else None) or "".join(after)).replace(".", "")
    minute = found is not None and found["minute"] is not None
    if half.startswith("pm"):
        return number % 12 + 12
    if half.startswith("am"):
        return number % 12
    if not (minute or before == "at" or half.startswith(("o'clock", "oclock"))):
        return None
    # In a question about the weather, "at three" means the afternoon, and "at nine" the morning.
    return number + 12 if not minute and 1 <= number <= 6 and (found is None or not word.startswith("0")) else number  # noqa: PLR2004
