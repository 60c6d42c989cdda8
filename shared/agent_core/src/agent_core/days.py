"""Days and times as people say them: from words to dates, and from dates to English words.

For the tools of an agent. A model sends what the caller said, such as ``friday``; whatever a tool keeps or repeats is
absolute, because "tomorrow" is wrong a day later.
"""

import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS_OF_DAY: Final = {
    "morning": (time(0), time(12)),
    "lunch": (time(12), time(15)),
    "afternoon": (time(12), time(18)),
    "evening": (time(17), time(23, 59)),
}
"""The words that a caller uses in place of a time of the clock, and the first and last moment that each means."""

_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(?::\d{2})?\s*(?:o'?clock)?\s*([ap])?\.?(?:m\.?)?")
_SAME: Final = {"tonight": "today", "noon": "12:00", "midday": "12:00", "dinner": "evening", "lunchtime": "lunch"}
_NOON: Final = 12
_UNTIL: Final = {"morning": _NOON, "afternoon": 18, "evening": 24}
"""Hour at which each part of the day ends in a sentence. A caller's "evening" may begin an hour earlier."""
_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
    "twenty": "twentieth",
    "thirty": "thirtieth",
}


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    word = value.strip().lower().removeprefix("on ").removeprefix("this ")
    word = _SAME.get(word, word)
    if word in ("today", "tomorrow", *WEEKDAYS):
        return word
    try:
        return date.fromisoformat(word).isoformat()
    except ValueError:
        # The model reads this text and corrects its call.
        raise ValueError("expected today, tomorrow, a weekday such as friday, or a date as YYYY-MM-DD") from None


def _time(value: object) -> object:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    word = _SAME.get(word, word)
    if word in PARTS_OF_DAY:
        return word
    found = _CLOCK.fullmatch(word)
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    if found and found[3]:
        # Twelve is the first hour of its half of the day.
        hour = hour % _NOON + (_NOON if found[3] == "p" else 0)
    try:
        return f"{time(hour, minute):%H:%M}"
    except ValueError:
        raise ValueError(f"expected a time as HH:MM, or one of {', '.join(PARTS_OF_DAY)}") from None


Day = Annotated[
    str,
    BeforeValidator(_day),
    Field(description="Day as the caller said it: today, tomorrow, a weekday such as friday, or a date as YYYY-MM-DD"),
]
"""A day of a tool's arguments; `date_of` makes it absolute."""

TimeOfDay = Annotated[
    str,
    BeforeValidator(_time),
    Field(description="Time as HH:MM on the 24-hour clock, or the part of the day: morning, lunch, afternoon, evening"),
]
"""A time of a tool's arguments: ``HH:MM``, or a word of `PARTS_OF_DAY`."""


def date_of(day: str, today: date) -> date:
    """Return the date that a `Day` means; a weekday is its next occurrence, which may be today."""
    if day in WEEKDAYS:
        return today + timedelta(days=(WEEKDAYS.index(day) - today.weekday()) % 7)
    if day in ("today", "tomorrow"):
        return today + timedelta(days=int(day == "tomorrow"))
    return date.fromisoformat(day)


def spoken_day(day: date, today: date) -> str:
    """Return a day for a sentence: "today, Wednesday", or "Friday, December fourth"."""
    if day == today:
        return f"today, {day:%A}"
    text = f"{day:%A}, {day:%B} {ordinal(day.day)}"
    return f"tomorrow, {text}" if day == today + timedelta(days=1) else text


def spoken_time(moment: time) -> str:
    """Return a time for a sentence: "noon", or "seven thirty in the evening"."""
    if moment.minute == 0 and moment.hour in (0, _NOON):
        return "noon" if moment.hour else "midnight"
    hour = number(moment.hour % _NOON or _NOON)
    minute = "" if not moment.minute else f" {'oh ' if moment.minute < 10 else ''}{number(moment.minute)}"  # noqa: PLR2004 - two digits
    part = next(part for part in ("morning", "afternoon", "evening") if moment.hour < _UNTIL[part])
    return f"{hour}{minute} in the {part}"


def spoken_choice(choices: Sequence[str], *, last: str = "or") -> str:
    """Return "a, b or c"."""
    return f" {last} ".join(filter(None, (", ".join(choices[:-1]), *choices[-1:])))


def number(value: int) -> str:
    """Return a number from 0 to 99 in words."""
    if value < len(_ONES):
        return _ONES[value]
    tens, ones = divmod(value, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def ordinal(value: int) -> str:
    """Return an ordinal number from 1 to 99 in words."""
    head, dash, last = number(value).rpartition("-")
    return f"{head}{dash}{_ORDINALS.get(last) or f'{last}th'}"
