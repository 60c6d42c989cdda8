"""What the agent is told, in files beside this one, so that a change of words is not a change of code."""

from datetime import date, timedelta
from importlib.resources import files
from string import Template
from typing import Final

_DAYS: Final = 14
"""Two weeks: "Friday next week" is in the table, and each weekday stands in it twice."""


def load(name: str, **values: str) -> str:
    """Read ``name.md`` and fill in its ``$placeholders``.

    Raises:
        FileNotFoundError: there is no such prompt.
        KeyError: a placeholder has no value.
    """
    text = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Template(text).substitute(values).strip()


def looking_up() -> str:
    """Return the order to say that something is looked up.

    It is an interactive text for the wait between a tool's use and its result, sent only while neither side speaks.
    """
    return load("looking_up")


def dates(today: date) -> str:
    """Return a table of the coming days, so that a model reads a date and computes none.

    Args:
        today: The date in the agent's time zone.
    """
    days = [today + timedelta(days=number) for number in range(_DAYS)]
    names = ["today, ", "tomorrow, ", *[""] * (_DAYS - 2)]
    return "\n".join(f"- {name}{day:%A}: {day.isoformat()}" for name, day in zip(names, days, strict=True))
