"""Finds numbers, days, dates and times of the clock in words, in any language that the stand-in has. No I/O."""

import re
from dataclasses import dataclass
from typing import Literal

from standins.agents.dates import Moment, day_at
from standins.agents.language import Language
from standins.agents.number_words import Words, number_at, phrase_at, starts

type Kind = Literal["number", "day", "time", "part", "text"]

_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")
_LAST_HOUR, _NOON, _HOUR = 23, 12, 60
_EARLIEST_MORNING = 7
"""Hours below this are meant as afternoon: no restaurant has tables at three in the morning."""
_DIGITS_OF_A_NUMBER = 3
"""At least so many digits in a row are one number, such as that of an order."""


@dataclass(frozen=True)
class Slot:
    """A value in a sentence: words `start` to `stop` mean `value`."""

    kind: Kind
    value: int | str
    start: int
    stop: int
    parameter: str = ""
    """The argument that the value belongs to, if it is one of its known values."""


def slots_of(words: Words, language: Language, moment: Moment) -> list[Slot]:
    """Return the values in a sentence, from left to right and without overlaps."""
    found: list[Slot] = []
    index = 0
    while index < len(words):
        slot = _slot_at(words, index, language, moment)
        if slot is not None:
            found.append(slot)
        index = slot.stop if slot is not None else index + 1
    return _with_parts(found)


def _slot_at(words: Words, index: int, language: Language, moment: Moment) -> Slot | None:
    clock = _time_at(words, index, language, moment)
    if clock is not None:
        return clock
    day, length = day_at(words, index, language, moment)
    if day is not None:
        return Slot("day", day, index, index + length)
    part, length = phrase_at(words, index, language.parts)
    if part is not None:
        return Slot("part", part, index, index + length)
    return _number_slot(words, index, language)


def _number_slot(words: Words, index: int, language: Language) -> Slot | None:
    digits, at = "", index
    while at < len(words):
        value, length = number_at(words, at, language)
        if value is None or value > 9 or length != 1:  # noqa: PLR2004  a digit
            break
        digits, at = digits + str(value), at + 1
    if len(digits) >= _DIGITS_OF_A_NUMBER:
        return Slot("number", int(digits), index, at)
    value, length = number_at(words, index, language)
    if value is None or (value == 1 and _is_article(words, index, language)):
        return None
    return Slot("number", value, index, index + length)


def _is_article(words: Words, index: int, language: Language) -> bool:
    """Return whether "one" counts nothing: "the one in …", "ein Tisch", "une table"."""
    if language.code == "en":
        return index > 0 and words[index - 1] in ("the", "this", "that", "which")
    return index + 1 < len(words) and not starts(words, index + 1, language.people)


def _time_at(words: Words, index: int, language: Language, moment: Moment) -> Slot | None:
    clock = language.clock
    for name, hour in (("noon", 12), ("midnight", 0)):
        if length := starts(words, index, clock[name]):
            return Slot("time", f"{hour:02}:00", index, index + length)
    for name, minutes in (("half_past", 30), ("quarter_past", 15), ("quarter_to", -15), ("half_before", -30)):
        if length := starts(words, index, clock[name]):
            named, taken = _hour_at(words, index + length, language)
            if named is not None:
                return _clock(named, minutes, words, (index, index + length + taken), moment)
    return _exact(words, index, language, moment)


def _exact(words: Words, index: int, language: Language, moment: Moment) -> Slot | None:
    clock = language.clock
    lead = starts(words, index, clock["at"])
    start = index + lead
    if start < len(words) and (found := _CLOCK.fullmatch(words[start])) and int(found[1]) <= _LAST_HOUR:
        return _written(int(found[1]), int(found[2]), words, (index, start + 1))
    if lead and start < len(words) and (inner := _time_at(words, start, language, moment)):
        return Slot("time", inner.value, index, inner.stop)
    hour, taken = _hour_at(words, start, language)
    if hour is None:
        return None
    at = start + taken
    minutes, more = _minutes_at(words, at, language)
    at += more
    mark = starts(words, at, clock["hour"])
    at += mark
    # In German, "zwei am Freitag" is two on Friday.
    half = at < len(words) and words[at] in ("am", "pm") and language.code == "en"
    # A number alone is no time: it needs "at", "o'clock", "p.m." or minutes that only a clock has.
    if not (mark or half or (lead and not starts(words, at, language.people)) or minutes in (15, 30, 45)):
        return None
    if length := starts(words, at, clock["and_half"]):
        minutes, at = 30, at + length
    return _clock(hour, minutes, words, (index, at), moment)


def _written(hour: int, minutes: int, words: Words, span: tuple[int, int]) -> Slot:
    """Return a time in digits, which is exact unless "a.m." or "p.m." follows."""
    start, stop = span
    half = words[stop] if stop < len(words) else ""
    if half in ("am", "pm"):
        hour, stop = hour % _NOON + _NOON * (half == "pm"), stop + 1
    return Slot("time", f"{hour:02}:{minutes:02}", start, stop)


def _minutes_at(words: Words, at: int, language: Language) -> tuple[int, int]:
    if at < len(words):
        value, length = number_at(words, at, language)
        if value is not None and 10 <= value < _HOUR:  # noqa: PLR2004  "ten five" is not a time
            return value, length
    return 0, 0


def _hour_at(words: Words, index: int, language: Language) -> tuple[int | None, int]:
    if index >= len(words):
        return None, 0
    value, length = number_at(words, index, language)
    return (value, length) if value is not None and value <= _LAST_HOUR else (None, 0)


def _clock(hour: int, minutes: int, words: Words, span: tuple[int, int], moment: Moment) -> Slot:
    start, stop = span
    half = words[stop] if stop < len(words) else ""
    if half in ("am", "pm"):
        hour, stop = hour % _NOON + _NOON * (half == "pm"), stop + 1
    elif 0 < hour < (_NOON if moment.evening else _EARLIEST_MORNING):
        hour += _NOON
    total = (hour * _HOUR + minutes) % (24 * _HOUR)
    return Slot("time", f"{total // _HOUR:02}:{total % _HOUR:02}", start, stop)


def _with_parts(slots: list[Slot]) -> list[Slot]:
    """Let "at nine in the evening" be one time, and keep a part of the day that stands alone."""
    parts = [slot for slot in slots if slot.kind == "part"]
    clocks = [slot for slot in slots if slot.kind == "time"]
    if not parts or not clocks:
        return slots
    return [
        _moved(slot, str(parts[-1].value)) if slot.kind == "time" else slot for slot in slots if slot.kind != "part"
    ]


def _moved(slot: Slot, part: str) -> Slot:
    hour, _, minute = str(slot.value).partition(":")
    late, value = part in ("afternoon", "evening"), int(hour)
    # The morning's nine is not the evening's, whatever the agent is for.
    value = (
        value + _NOON if late and value < _NOON else value - _NOON if part == "morning" and value >= _NOON else value
    )
    return Slot("time", f"{value:02}:{minute}", slot.start, slot.stop)
