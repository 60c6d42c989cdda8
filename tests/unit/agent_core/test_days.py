"""Days and times: from a caller's words to dates, and from dates to words."""

from datetime import date, time

import pytest
from pydantic import TypeAdapter, ValidationError

from agent_core.days import Day, TimeOfDay, date_of, number, ordinal, spoken_choice, spoken_day, spoken_time

_WEDNESDAY = date(2026, 12, 2)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("today", date(2026, 12, 2)),
        ("Tomorrow ", date(2026, 12, 3)),
        ("tonight", date(2026, 12, 2)),
        ("on Friday", date(2026, 12, 4)),
        ("wednesday", date(2026, 12, 2)),
        ("tuesday", date(2026, 12, 8)),
        ("2027-01-09", date(2027, 1, 9)),
    ],
)
def test_a_day_becomes_a_date(said: str, meant: date) -> None:
    """A weekday is its next occurrence, which may be today."""
    assert date_of(TypeAdapter(Day).validate_python(said), _WEDNESDAY) == meant


@pytest.mark.parametrize("said", ["someday", "32", "2026-02-30", "next week", ""])
def test_a_day_that_is_none_is_refused_with_what_is_expected(said: str) -> None:
    """The model reads the reason and corrects its call."""
    with pytest.raises(ValidationError, match="expected today, tomorrow, a weekday"):
        TypeAdapter(Day).validate_python(said)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("19:30", "19:30"),
        ("7:30 pm", "19:30"),
        ("7 p.m.", "19:00"),
        ("12 am", "00:00"),
        ("12 pm", "12:00"),
        ("8 o'clock", "08:00"),
        ("20h15", "20:15"),
        ("19:30:00", "19:30"),
        ("noon", "12:00"),
        ("Evening", "evening"),
        ("dinner", "evening"),
    ],
)
def test_a_time_becomes_a_clock_time_or_a_part_of_the_day(said: str, meant: str) -> None:
    """Models write the same time in many ways."""
    assert TypeAdapter(TimeOfDay).validate_python(said) == meant


@pytest.mark.parametrize("said", ["25:00", "7:75", "soon", ""])
def test_a_time_that_is_none_is_refused_with_what_is_expected(said: str) -> None:
    """The model reads the reason and corrects its call."""
    with pytest.raises(ValidationError, match="expected a time as HH:MM"):
        TypeAdapter(TimeOfDay).validate_python(said)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (time(0), "midnight"),
        (time(9, 5), "nine oh five in the morning"),
        (time(12), "noon"),
        (time(12, 30), "twelve thirty in the afternoon"),
        (time(19, 45), "seven forty-five in the evening"),
    ],
)
def test_a_time_is_spoken_in_words(moment: time, words: str) -> None:
    """A voice reads 19:45 in different ways."""
    assert spoken_time(moment) == words


def test_a_day_is_spoken_in_words() -> None:
    """Near days have their name first."""
    assert spoken_day(_WEDNESDAY, _WEDNESDAY) == "today, Wednesday"
    assert spoken_day(date(2026, 12, 3), _WEDNESDAY) == "tomorrow, Thursday, December third"
    assert spoken_day(date(2026, 12, 22), _WEDNESDAY) == "Tuesday, December twenty-second"


def test_numbers_and_lists_are_spoken_in_words() -> None:
    """For sentences with counts and choices."""
    assert [number(each) for each in (0, 13, 20, 45)] == ["zero", "thirteen", "twenty", "forty-five"]
    assert [ordinal(each) for each in (1, 4, 12, 20, 31)] == ["first", "fourth", "twelfth", "twentieth", "thirty-first"]
    assert [spoken_choice(list(each)) for each in ("", "a", "ab", "abc")] == ["", "a", "a or b", "a, b or c"]
