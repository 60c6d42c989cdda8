"""Numbers, days and times in what callers say."""

import datetime as dt

import pytest

from standins.agents.dates import Moment
from standins.agents.language import language
from standins.agents.times import slots_of
from standins.agents.words import spelled

MONDAY = dt.date(2026, 11, 30)


def _found(text: str, tag: str = "en", *, evening: bool = False) -> list[tuple[str, int | str]]:
    moment = Moment(lambda: MONDAY, evening=evening)
    return [(slot.kind, slot.value) for slot in slots_of(spelled(text), language(tag), moment)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a table for two on Friday evening", [("number", 2), ("day", "friday"), ("part", "evening")]),
        ("at eight", [("time", "08:00")]),
        ("at four", [("time", "16:00")]),
        ("at eight in the evening", [("time", "20:00")]),
        ("tomorrow morning at nine", [("day", "tomorrow"), ("time", "09:00")]),
        ("half past seven", [("time", "07:30")]),
        ("quarter to nine", [("time", "08:45")]),
        ("ten thirty", [("time", "10:30")]),
        ("at 7.30 p.m.", [("time", "19:30")]),
        ("8 pm", [("time", "20:00")]),
        ("twelve a.m.", [("time", "00:00")]),
        ("at noon", [("time", "12:00")]),
        ("19:45", [("time", "19:45")]),
        ("eight people", [("number", 8)]),
        ("twenty one", [("number", 21)]),
        ("four seven one", [("number", 471)]),
        ("the one in Paris", []),
        ("the day after tomorrow", [("day", "2026-12-02")]),
        ("on the twelfth", [("day", "2026-12-12")]),
        ("December fourth", [("day", "2026-12-04")]),
        ("the third of January", [("day", "2027-01-03")]),
        ("the twenty second of May", [("day", "2027-05-22")]),
        ("born on the third of May nineteen eighty", [("day", "1980-05-03")]),
        ("May 3rd 2001", [("day", "2001-05-03")]),
        ("June first two thousand and ten", [("day", "2010-06-01")]),
        ("1980-05-03", [("day", "1980-05-03")]),
    ],
)
def test_values_are_found(text: str, found: list[tuple[str, int | str]]) -> None:
    """Each value is found once, with what surrounds it deciding what it is."""
    assert _found(text) == found


def test_an_hour_depends_on_what_the_agent_is_for() -> None:
    """A restaurant's eight is in the evening, unless the caller says morning."""
    assert _found("at eight", evening=True) == [("time", "20:00")]
    assert _found("at eight in the morning", evening=True) == [("time", "08:00")]


@pytest.mark.parametrize(
    ("tag", "text", "found"),
    [
        ("de-DE", "eine Person", [1]),
        ("fr-FR", "une table pour quatre samedi à huit heures et demie", [4, "saturday", "08:30"]),
        ("de-DE", "ein Tisch für zwei am Freitag um halb acht", [2, "friday", "19:30"]),
        ("es-US", "una mesa para tres el sábado a las nueve", [3, "saturday", "21:00"]),
        ("it-IT", "due persone domenica alle otto e mezza", [2, "sunday", "20:30"]),
        ("pt-BR", "cinco pessoas na sexta-feira às oito", [5, "friday", "20:00"]),
        ("hi-IN", "शुक्रवार को दो लोगों के लिए", ["friday", 2]),
    ],
)
def test_other_languages_have_values_too(tag: str, text: str, found: list[int | str]) -> None:
    """Numbers, weekdays and times are found in each language of Nova Sonic."""
    assert [value for _, value in _found(text, tag, evening=tag != "fr-FR")] == found
