"""Turns a tool's result into sentences, as a model that follows its instructions would. No I/O."""

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from standins.agents.language import Language

_NOT_SAID = frozenset({"speak", "next", "card", "status", "error", "detail", "id", "reference"})
_MOST_VALUES = 4
_BREATH = 240
"""Maximum number of characters of a tool's own text."""
_SAY_THAT = re.compile(r"^(?:say|tell the caller) that (?P<what>.+?)(?:, and (?P<then>.+))?$", re.IGNORECASE)
_ASK_FOR = re.compile(r"\bask (?:the caller )?for (?P<what>[^.;]+?)(?:, then\b.*| and call\b.*)?$", re.IGNORECASE)


def reply(result: object, rehearsed: str, language: Language) -> str:
    """Return what to say about a result: its sentence, the rehearsed one, or its values.

    Args:
        result: The tool's result, already without a client's wrappings.
        rehearsed: The rehearsal's `answers`. After an error it counts only if the tool says what to do next: then
            the error is what the rehearsal is about, such as a day that is fully booked.
        language: The agent's.
    """
    say = language.sentences
    if isinstance(result, str) and result.strip():
        return textwrap.shorten(result, _BREATH, placeholder=" …")
    if not isinstance(result, Mapping):
        return str(say["unreadable"])
    speak = result.get("speak")
    if isinstance(speak, str) and speak.strip():
        return speak.strip()
    if "error" in result:
        # The registry's own advice is about arguments, which mean nothing to a caller.
        next_words = instructed(result.get("next"), language) if result["error"] != "invalid_arguments" else ""
        return (rehearsed or next_words) if next_words else str(say["failed"])
    return rehearsed or instructed(result.get("next"), language) or _values(result) or str(say["done"])


def instructed(text: object, language: Language) -> str:
    """Return what a result's `next` asks to say; empty if it asks for something else."""
    # Only the first sentence: later ones are about tools, which a caller does not need to hear.
    first = str(text or "").split(". ")[0].strip().rstrip(".")
    if found := _SAY_THAT.match(first):
        more = _ASK_FOR.search(found["then"] or "")
        return f"{_capital(found['what'])}." + (f" {_asked(more['what'], language)}" if more else "")
    found = _ASK_FOR.search(first)
    return _asked(found["what"], language) if found else ""


def _asked(what: str, language: Language) -> str:
    return str(language.sentences["ask"]).format(what=what)


def _values(result: Mapping[str, Any]) -> str:
    # Flags and nested values are for programs, and would be read out letter by letter.
    said = [
        f"{_capital(name.replace('_', ' '))}: {value}."
        for name, value in result.items()
        if name not in _NOT_SAID
        and isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and value != ""
    ]
    return " ".join(said[:_MOST_VALUES])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
