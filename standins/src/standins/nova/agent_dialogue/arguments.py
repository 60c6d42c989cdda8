"""Fits what a caller said to the arguments that a tool declares. No I/O."""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from standins.agents.language import Language
from standins.agents.rehearsals import CAPTURE
from standins.agents.rehearsed import Choices, RehearsedLine, Sentence
from standins.agents.times import Slot
from standins.agents.words import spelled
from standins.nova.agent_dialogue.captures import kind_of

type ArgumentKind = Literal["number", "day", "time", "flag", "text"]

_FOR_ANOTHER_CASE = re.compile(r"\b(earlier|leave it out|otherwise)\b", re.IGNORECASE)
"""Descriptions of optional arguments that a caller's plain value does not belong to."""
_DAY = re.compile(r"(^|_)(day|date)(_|$)", re.IGNORECASE)
_TIME = re.compile(r"(^|_)(time|hour)(_|$)", re.IGNORECASE)
_NAME = re.compile(r"(^|_)name(_|$)", re.IGNORECASE)
_QUESTION = re.compile(r"^(what|which|how)\b", re.IGNORECASE)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEK = 7
_LONGEST_NAME, _LONGEST_EXAMPLE = 3, 3
"""Words."""
_AFTER_A_NAME = frozenset({"born", "and", "with", "please", "thanks", "thank", "from"})


@dataclass(frozen=True)
class Parameter:
    """One argument of a declared tool."""

    name: str
    kind: ArgumentKind
    schema: Mapping[str, Any]
    required: bool

    @property
    def description(self) -> str:
        """What the tool says about it."""
        return str(self.schema.get("description") or "")

    @property
    def choices(self) -> list[Any]:
        """The values that it allows; empty if any."""
        listed = self.schema.get("enum")
        return listed if isinstance(listed, list) else []

    @property
    def captured(self) -> str:
        """The kind of value whose handle it takes; empty for an ordinary argument."""
        return kind_of(self.description)

    @property
    def is_birthday(self) -> bool:
        """Whether it is a day in the past."""
        return self.kind == "day" and "birth" in f"{self.name} {self.description}".lower()

    @property
    def is_name(self) -> bool:
        """Whether it is a person's name."""
        return self.kind == "text" and _NAME.search(self.name) is not None


def parameters(schema: Mapping[str, Any]) -> list[Parameter]:
    """Return the arguments of a tool's schema, the required ones first."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, Mapping):
        return []
    # A prompt may declare anything: what is not a schema has no arguments.
    needed = set(required) if isinstance(required, list) else set()
    found = [
        Parameter(name, _kind(name, plain := _plain(one)), plain, name in needed) for name, one in properties.items()
    ]
    return sorted(found, key=lambda one: not one.required)


def _plain(schema: object) -> Mapping[str, Any]:
    """Return the schema of a value that may also be null."""
    if not isinstance(schema, Mapping):
        return {}
    either = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(either, list):
        real = next((one for one in either if isinstance(one, Mapping) and one.get("type") != "null"), {})
        return {**schema, **real}
    return schema


def _kind(name: str, schema: Mapping[str, Any]) -> ArgumentKind:
    listed = schema.get("type")
    types = listed if isinstance(listed, list) else [listed]
    if "boolean" in types:
        return "flag"
    if "integer" in types or "number" in types:
        return "number"
    if isinstance(schema.get("enum"), list):
        return "day" if "friday" in schema["enum"] else "text"
    about = str(schema.get("description") or "").lower()
    if schema.get("format") == "date" or _DAY.search(name) or about.startswith(("day ", "date ")):
        return "day"
    if schema.get("format") == "time" or _TIME.search(name) or "hh:mm" in about:
        return "time"
    return "text"


def choices_of(tools: Mapping[str, Mapping[str, Any]]) -> Choices:
    """Return the listed text values of all tools' arguments, by their words."""
    return {
        spelled(str(value)): (one.name, str(value))
        for tool, schema in tools.items()
        # Its kinds are words for the model, and no caller's.
        if tool != CAPTURE
        for one in parameters(schema)
        if one.kind == "text"
        for value in one.choices
        if spelled(str(value))
    }


def arguments_from(
    sentence: Sentence,
    wanted: Sequence[Parameter],
    line: RehearsedLine | None,
    language: Language,
    today: Callable[[], dt.date] = dt.date.today,
) -> dict[str, Any]:
    """Return the arguments that a sentence contains: as the rehearsed line binds them, the others by their kind."""
    free, found = list(sentence.slots), {}
    by_name = {one.name: one for one in wanted}
    for name, (kind, at) in line.bindings.items() if line is not None else ():
        same = [slot for slot in sentence.of_kind(kind) if slot.parameter in ("", name)]
        # A rehearsal may name an argument that the tool does not have any more.
        parameter = by_name.get(name)
        if at < len(same) and same[at] in free and parameter is not None:
            found[name] = _fitted(same[at], parameter, today)
            free.remove(same[at])
    for parameter in wanted:
        slot = None if parameter.name in found else _fitting(free, parameter, today)
        if slot is not None:
            found[parameter.name] = _fitted(slot, parameter, today)
            free.remove(slot)
    for parameter in wanted:
        if parameter.kind == "text" and not parameter.choices and parameter.name not in found:
            text = name_in(sentence, language) if parameter.is_name else _listed(sentence, parameter)
            found |= {parameter.name: text} if text and not _is_for_another_case(parameter) else {}
    if line is not None:
        # What no word of the rehearsed line stands for belongs to the wish itself.
        constants = {name: value for name, value in line.constants.items() if name in by_name}
        found = {**constants, **found}
    return {name: value for name, value in found.items() if value is not None}


def _is_for_another_case(parameter: Parameter) -> bool:
    return not parameter.required and _FOR_ANOTHER_CASE.search(parameter.description) is not None


def name_in(sentence: Sentence, language: Language) -> str:
    """Return the name behind words such as "my name is"; empty if there is none."""
    slots = {at for slot in sentence.slots if not slot.parameter for at in range(slot.start, slot.stop)}
    for lead in language.name_leads:
        if len(lead) == 1:  # "for" and "under" lead to names only as an answer to the question for one
            continue
        for start in range(len(lead), len(sentence.words)):
            if sentence.words[start - len(lead) : start] == lead and lead[-1:] != sentence.words[start : start + 1]:
                return _written(_name_at(sentence.words, start, slots, language), sentence.original, name=True)
    return ""


def _name_at(words: Sequence[str], start: int, slots: Collection[int], language: Language) -> list[str]:
    taken: list[str] = []
    for at in range(start, min(start + _LONGEST_NAME, len(words))):
        if at in slots or words[at] in language.stop_words or words[at] in _AFTER_A_NAME:
            break
        taken.append(words[at])
    return taken


def _listed(sentence: Sentence, parameter: Parameter) -> str:
    """Return what a sentence has of the examples in a description, such as "high chair" of "allergies, high chair"."""
    if parameter.required:
        return ""
    examples = [spelled(part) for part in re.split(r"[,;:]", parameter.description)]
    words = sentence.words
    found = [
        " ".join(one)
        for one in examples
        if 0 < len(one) <= _LONGEST_EXAMPLE and any(words[at : at + len(one)] == one for at in range(len(words)))
    ]
    return ", ".join(found)


def _fitting(slots: Iterable[Slot], parameter: Parameter, today: Callable[[], dt.date]) -> Slot | None:
    """Return the first value that an argument can take."""
    if _is_for_another_case(parameter) and not parameter.choices:
        return None
    for slot in slots:
        # A day of birth is in the past, and any other day is not.
        if slot.kind == parameter.kind == "day" and parameter.is_birthday != _is_past(str(slot.value), today()):
            continue
        if slot.parameter and slot.parameter != parameter.name:
            # A value of the same list under another argument's name is the same value.
            if not any(str(choice).casefold() == str(slot.value).casefold() for choice in parameter.choices):
                continue
            return slot
        if slot.kind == parameter.kind or _is_part_of_a_day(slot, parameter):
            return slot
    return None


def _is_past(day: str, today: dt.date) -> bool:
    return day[:4].isdecimal() and day < today.isoformat()


def _is_part_of_a_day(slot: Slot, parameter: Parameter) -> bool:
    return slot.kind == "part" and parameter.kind == "time" and str(slot.value) in parameter.description.lower()


def _fitted(slot: Slot, parameter: Parameter, today: Callable[[], dt.date]) -> object:
    value = slot.value
    for choice in parameter.choices:
        if str(choice).casefold() == str(value).casefold():
            return choice
    if parameter.kind == "day" and parameter.schema.get("format") == "date":
        return _date(str(value), today())
    return str(value) if parameter.kind == "text" else value


def _date(day: str, today: dt.date) -> str:
    """Return the date of a weekday, of today or of tomorrow."""
    ahead = {"today": 0, "tomorrow": 1}.get(day)
    if day in _WEEKDAYS:
        ahead = (_WEEKDAYS.index(day) - today.weekday()) % _WEEK
    return day if ahead is None else (today + dt.timedelta(days=ahead)).isoformat()


def free_text(sentence: Sentence, language: Language, *, name: bool) -> str:
    """Return an answer without its lead: "my name is Anna Miller" is "Anna Miller".

    Args:
        sentence: The answer.
        language: Its language.
        name: Whether it is a name.
    """
    words, start = sentence.words, 0
    for lead in language.name_leads:
        for at in range(len(words) - len(lead)):
            if tuple(words[at : at + len(lead)]) == lead:
                start = max(start, at + len(lead))
    kept = [word for word in words[start:] if word not in ("please", "thanks", "thank", "you")]
    return _written(kept, sentence.original, name=name)


def _written(words: Sequence[str], original: str, *, name: bool) -> str:
    """Return words as the text had them; what was heard is lower case, and a name gets its capitals."""
    by_word = {spelled(word)[0]: word.strip(".,!?;:") for word in original.split() if spelled(word)}
    written = [by_word.get(word, word) for word in words]
    return " ".join(word[:1].upper() + word[1:] if name else word for word in written)


def question(parameter: Parameter, language: Language) -> str:
    """Return the question for a missing argument, from its description."""
    # What the description says about the handle is for the model.
    description = re.split(r"\.? ?The handle that ", parameter.description)[0] or parameter.captured
    say, about = language.sentences, description.split(":")[0].split(",")[0].strip().rstrip(".?")
    # The descriptions of days and times are about their format, which is not for a caller.
    if parameter.kind in ("day", "time"):
        return str(say[f"ask_{parameter.kind}"])
    if parameter.is_name:
        return str(say["ask_name"])
    about = about or parameter.name.replace("_", " ")
    if about.lower().startswith("how many"):
        return str(say["ask_many"]).format(what=about[0].lower() + about[1:])
    if _QUESTION.match(about):
        return f"{about}?"
    return str(say["ask"]).format(what=about[0].lower() + about[1:])
