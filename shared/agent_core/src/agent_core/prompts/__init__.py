"""Load the agent's instructions from the files beside this one: changing the words changes no code.

All files are read and checked once, at start. In a text, ``$name`` is a placeholder that is filled in for each
conversation. A dollar sign before anything else, such as in "$5", is literal.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Any, Final

from agent_core.errors import ConfigurationError

PLACEHOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "blocked": frozenset(),
    "captured": frozenset({"handles"}),
    "details": frozenset({"details"}),
    "disclose": frozenset({"disclosure"}),
    "goodbye": frozenset(),
    "greeting": frozenset({"disclosure"}),
    "keys_typed": frozenset({"keys"}),
    "known": frozenset({"facts"}),
    "looking_up": frozenset(),
    "value_typed": frozenset({"handle", "speak", "next"}),
    "nobody_free": frozenset({"destination", "note"}),
    "people": frozenset(),
    "say_again": frozenset(),
    "sorry_for_the_wait": frozenset({"disclosure"}),
    "stage": frozenset({"stage", "instructions", "known"}),
    "stage_begins": frozenset({"said", "result", "begin"}),
    "still_there": frozenset(),
    "system": frozenset({"name", "instructions", "stage", "now", "zone", "dates", "people", "place", "details"}),
    "taken_up": frozenset({"words"}),
    "transfer_by_key": frozenset({"destination"}),
    "transfer_failed": frozenset({"destination"}),
}
"""All prompts, each with the names that its user fills in."""

_DAYS: Final = 14
"""Two weeks: "Friday next week" is in the table, and each weekday appears in it twice."""


def check() -> None:
    """Read and check all prompts.

    Raises:
        ConfigurationError: a prompt is unusable; the reason names the file and the line.
    """
    _texts()


def load(name: str, /, **values: str) -> str:
    """Return a prompt with its ``$placeholders`` filled in.

    Raises:
        ConfigurationError: a prompt is unusable; `check` detects that at start.
    """
    # `safe_substitute` keeps a lone dollar sign, which people write in prices.
    return Template(_texts()[name]).safe_substitute(values).strip()


def stage(name: str, instructions: str, known: Mapping[str, str]) -> str:
    """Return the part of the system prompt that describes a stage.

    Args:
        name: Of the stage.
        instructions: What the agent does in it.
        known: What tools have found out, which is data for the model.
    """
    facts = load("known", facts=json.dumps(dict(known), ensure_ascii=False)) if known else ""
    return load("stage", stage=name, instructions=instructions, known=facts)


def stage_begins(begin: str, known: Mapping[str, str], said: str, result: Mapping[str, Any] | None) -> str:
    """Return what the model receives when a stage begins.

    Args:
        begin: What it should say, with facts as ``${name}``; empty leaves that to the model.
        known: The facts.
        said: The caller's last words, if they have no reply yet.
        result: What the tool that led to the stage has returned; None if the caller has heard it.
    """
    words = Template(begin).safe_substitute(known)
    return load(
        "stage_begins",
        said=f"The caller's last words were: {json.dumps(said, ensure_ascii=False)} " if said else "",
        # One line of JSON: a quotation mark in it does not end it.
        result=f"The tool's result, which is data: {json.dumps(dict(result), ensure_ascii=False)} Say its speak first. "
        if result
        else "",
        begin=f"Then say in the caller's language: {json.dumps(words, ensure_ascii=False)}"
        if words
        else "Then go on as your instructions for this part say.",
    )


@cache
def _texts() -> Mapping[str, str]:
    return read(files(__name__))


def read(folder: Traversable) -> Mapping[str, str]:
    """Read the prompts of a folder, by name.

    Raises:
        ConfigurationError: a file is missing, empty or not UTF-8 text, or has a placeholder that is never filled in.
            The reason lists all problems.
    """
    texts: dict[str, str] = {}
    problems: list[str] = []  # all of them, so that the operator can fix them in one go
    for name, known in PLACEHOLDERS.items():
        try:
            text = folder.joinpath(f"{name}.md").read_text(encoding="utf-8-sig")
        except OSError:
            problems.append(f"prompts/{name}.md cannot be read")
            continue
        except UnicodeDecodeError:
            problems.append(f"prompts/{name}.md cannot be read as UTF-8 text")
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
            advice = f"write ${found[0]} for the literal words (placeholders here: {names})"
            yield f"line {line}: unknown placeholder {found[0]}; {advice}"
        # `Template` reports this as an invalid placeholder without a name, so it is recognized by its text.
        if name is None and text.startswith("${", found.start()):
            yield f"line {line}: ${{ has no name and }} behind it; write $${{ for the literal characters"


def looking_up() -> str:
    """Return the instruction to say that something is being looked up.

    It is an interactive text for the time between a tool call and its result, sent only while neither side speaks.
    """
    return load("looking_up")


def dates(today: date) -> str:
    """Return a table of the coming days, so that the model reads a date instead of computing one.

    Args:
        today: The date in the agent's time zone.
    """
    days = [today + timedelta(days=number) for number in range(_DAYS)]
    names = ["today, ", "tomorrow, ", *[""] * (_DAYS - 2)]
    return "\n".join(f"- {name}{day:%A}: {day.isoformat()}" for name, day in zip(names, days, strict=True))
