"""The agent's instructions, in files beside this one: a change of words is no change of code.

All files are read and checked once, at start. In a text ``$name`` stands for a value that is filled in for each
conversation. A dollar sign before anything else, such as in "$5", stands for itself.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Final

from agent_core.errors import ConfigurationError

PLACEHOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "blocked": frozenset(),
    "details": frozenset({"details"}),
    "goodbye": frozenset(),
    "greeting": frozenset(),
    "keys_typed": frozenset({"keys"}),
    "looking_up": frozenset(),
    "nobody_free": frozenset({"destination", "note"}),
    "people": frozenset(),
    "say_again": frozenset(),
    "sorry_for_the_wait": frozenset(),
    "still_there": frozenset(),
    "system": frozenset({"now", "zone", "dates", "people", "place", "details"}),
    "taken_up": frozenset({"words"}),
    "transfer_by_key": frozenset({"destination"}),
    "transfer_failed": frozenset({"destination"}),
}
"""All prompts, each with the names that its caller fills in."""

_DAYS: Final = 14
"""Two weeks: "Friday next week" is in the table, and each weekday stands in it twice."""


def check() -> None:
    """Read all prompts.

    Raises:
        ConfigurationError: one of them cannot be used; the reason names the file and the line.
    """
    _texts()


def load(name: str, **values: str) -> str:
    """Return a prompt with its ``$placeholders`` filled in.

    Raises:
        ConfigurationError: a prompt cannot be used; `check` finds that out at start.
    """
    return Template(_texts()[name]).safe_substitute(values).strip()


@cache
def _texts() -> Mapping[str, str]:
    return read(files(__name__))


def read(folder: Traversable) -> Mapping[str, str]:
    """Read the prompts of a folder, by name.

    Raises:
        ConfigurationError: a file is missing, empty or no text in UTF-8, or has a placeholder that nothing fills in.
            The reason has all that is wrong.
    """
    texts: dict[str, str] = {}
    problems: list[str] = []
    for name, known in PLACEHOLDERS.items():
        try:
            text = folder.joinpath(f"{name}.md").read_text(encoding="utf-8-sig")
        except OSError:
            problems.append(f"prompts/{name}.md cannot be read")
            continue
        except UnicodeDecodeError:
            problems.append(f"prompts/{name}.md is not text in UTF-8")
            continue
        problems += [f"prompts/{name}.md, {problem}" for problem in _problems(text, known)]
        texts[name] = text
    if problems:
        raise ConfigurationError("; ".join(problems))
    return texts


def _problems(text: str, known: frozenset[str]) -> Iterator[str]:
    if not text.strip():
        yield "line 1: the file is empty"
    for found in Template.pattern.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        name = found["named"] or found["braced"]
        if name is not None and name not in known:
            names = ", ".join(f"${each}" for each in sorted(known)) or "none"
            advice = f"write ${found[0]} for the words themselves (placeholders here: {names})"
            yield f"line {line}: nothing fills in {found[0]}; {advice}"
        if name is None and text.startswith("${", found.start()):
            yield f"line {line}: ${{ has no name and }} behind it; write $${{ for the characters themselves"


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
