"""What the stand-in knows of a language: number words, days, small talk, and its own sentences."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from standins.agents.words import spelled
from standins.agents.yaml_file import PlainLoader

LANGUAGES = ("en", "de", "es", "fr", "hi", "it", "pt")


@dataclass(frozen=True)
class Language:
    """One language; words are lower case and without accents, as `tokens` returns them."""

    code: str
    numbers: Mapping[tuple[str, ...], int]
    days: Mapping[tuple[str, ...], str]
    months: tuple[str, ...]
    parts: Mapping[tuple[str, ...], str]
    """Parts of the day: morning, lunch, afternoon, evening."""
    clock: Mapping[str, tuple[tuple[str, ...], ...]]
    people: tuple[tuple[str, ...], ...]
    stop_words: frozenset[str]
    synonyms: Mapping[str, str]
    """The first word of each group, by each of its words."""
    name_leads: tuple[tuple[str, ...], ...]
    small_talk: Mapping[str, re.Pattern[str]]
    """Empty for English, which has rules of its own."""
    sentences: Mapping[str, str]


@cache
def language(tag: str) -> Language:
    """Return the language of a tag such as "fr-FR"; English for one that the stand-in does not have."""
    code = tag.partition("-")[0].lower()
    code = code if code in LANGUAGES else "en"
    text = files("standins.agents").joinpath("languages", f"{code}.yaml").read_text(encoding="utf-8")
    return _language(code, yaml.load(text, PlainLoader))  # noqa: S506  a subclass of SafeLoader


def _language(code: str, read: Mapping[str, Any]) -> Language:
    def phrases(listed: list[Any]) -> tuple[tuple[str, ...], ...]:
        return tuple(spelled(str(one)) for one in listed)

    def by_phrase(groups: Mapping[str, list[Any]]) -> dict[tuple[str, ...], str]:
        return {phrase: name for name, listed in groups.items() for phrase in phrases(listed)}

    numbers = {spelled(word): value for value, word in enumerate(read["numbers"])}
    numbers |= {spelled(word): value for value, word in read["tens"].items()}
    numbers |= dict.fromkeys(phrases(read.get("ones", [])), 1)
    # Synonyms are single words: a phrase in a group stands for each of its words.
    groups = [[word for phrase in phrases(group) for word in phrase] for group in read["synonyms"]]
    return Language(
        code=code,
        numbers=numbers,
        days=by_phrase(read["days"]),
        months=tuple(" ".join(phrase) for phrase in phrases(read["months"])),
        parts=by_phrase(read["parts"]),
        clock={name: phrases(listed) for name, listed in read["clock"].items()},
        people=phrases(read["people"]),
        stop_words=frozenset(word for phrase in phrases(read["stop_words"]) for word in phrase),
        synonyms={word: group[0] for group in groups for word in group},
        name_leads=phrases(read["name_leads"]),
        small_talk={name: re.compile(pattern) for name, pattern in read.get("small_talk", {}).items()},
        sentences=read["say"],
    )
