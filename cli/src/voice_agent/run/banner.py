"""Output for people: which part is real and which is a stand-in, what to try next, and short log lines."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from voice_agent.run.listed_agents import ListedAgent
from voice_agent.run.parts import Part
from voice_agent.run.plan import Plan

_LONGEST = 60
"""Most characters of one value in a log line."""

_LONGEST_CAUSE = 110
_LONGEST_LINE = 220

_TRACES = frozenset({"exception", "stack"})
_TRACE_HEADS = ("Traceback (most recent call last):", "During handling of the above", "The above exception was")
_PLACE = re.compile(r'File "(?:[^"]*/)?([^"/]+/[^"/]+)", line (\d+)')
"""Matches folder, file and line of each frame of a traceback."""

_QUIET_FIELDS = frozenset(
    {"event", "timestamp", "time", "at", "level", "logger", "service", "standin", "environment", "request_id"}
)
"""Fields that add nothing on a terminal. The log files have them all."""

_IDENTIFIER = re.compile(r"(?:[A-Z]{2})?[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}")
_FIRST_OF_UNIX_TIME = 1e9
"""A smaller number is seconds since the start of a call, not since 1970."""


_SEVERAL = 2

NO_PAGE = "Ready, but the page is not built: `make page` builds it, or says why it cannot. Telephone calls work."


def banner(plan: Plan, *, page: bool = True) -> str:
    """Return what runs and how to use it; without a page, what works nevertheless."""
    rows = [("", "what answers", "where"), *((part.name, part.what, part.url) for part in plan.parts)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"  {name:<{widths[0]}}  {what:<{widths[1]}}  {url}".rstrip() for name, what, url in rows]
    tries = [line for line in _next(plan.parts, plan.speakers) if page or not line.endswith("and talk")]
    ready = "Ready." if page else NO_PAGE
    speakers = _speakers(plan)
    return "\n".join(["", ready, "", *table, "", *speakers, *tries, "", "Ctrl-C stops everything.", ""])


def _speakers(plan: Plan) -> list[str]:
    """Return which number and page reach which agent, and an empty line; nothing for a single one."""
    if len(plan.speakers) < _SEVERAL:
        return []
    page = next(part.url for part in plan.parts if part.name == "page").rstrip("/")
    rows = [("agent", "number", "page")]
    for agent in plan.speakers:
        # The default agent is first, and answers what no agent lists.
        others = [] if agent.path != "/" else ["any other"]
        rows.append((agent.name, ", ".join([*agent.numbers, *others]) or "none of its own", f"{page}{agent.path}"))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [*(f"  {name:<{widths[0]}}  {number:<{widths[1]}}  {url}" for name, number, url in rows), ""]


def _next(parts: Sequence[Part], speakers: Sequence[ListedAgent]) -> list[str]:
    by_name = {part.name: part for part in parts}
    talk = ["Try next:", f"  open {by_name['page'].url} and talk"]
    if by_name["telephone"].real:
        return [*talk, "  set your number's webhook at Twilio, then call it:", f"    {by_name['calls'].url}"]
    return [
        *talk,
        "  or call, from another terminal:",
        '    make call SAY="what is the weather in Stockholm"',
        '    make call SAY="will it rain in London tomorrow" SAVE=answer.wav',
        '    make call SAY="I want to talk to a human"',
        *(f'    make call TO={one.numbers[0]} SAY="{one.question}"' for one in speakers[1:] if _is_callable(one)),
    ]


def _is_callable(agent: ListedAgent) -> bool:
    # A sentence with a quote would end the one in the shell.
    return bool(agent.numbers) and bool(agent.question) and '"' not in agent.question


def is_for_people(line: str) -> bool:
    """Return whether to show a log line to a person.

    Metrics appear twice a minute and are for machines. Only the last line of a traceback says what happened; the log
    file has the rest.
    """
    return '"_aws"' not in line and not line.startswith((" ", "\t", *_TRACE_HEADS))


def short(name: str, line: str) -> str:
    """Return a child's log line in short form; a line that is not a JSON object is returned unchanged."""
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return f"{'':8} {name:<11} {line}"
    level = str(fields.get("level", "info")).lower()
    mark = f"{level.upper()} " if level not in ("info", "debug") else ""
    if "why" in fields and "remedy" in fields:
        # An error with a cause and a remedy is meant for a person, so it is not shortened.
        head = f"{_clock(fields)} {name:<11} {mark}{fields.get('event', '')}"
        return f"{head}: {_sentence(fields['why'])} {_sentence(fields['remedy'])}"
    words = [
        f"{key}={_value(key, value)}" for key, value in fields.items() if key not in _QUIET_FIELDS and _tells(value)
    ]
    text = f"{_clock(fields)} {name:<11} {mark}{fields.get('event', '')} {' '.join(words)}".rstrip()
    return _cut(text, _LONGEST_LINE)


def _sentence(clause: object) -> str:
    """Return a clause as a sentence."""
    text = str(clause)
    return f"{text[:1].upper()}{text[1:]}."


def _clock(fields: Mapping[str, object]) -> str:
    for key in ("timestamp", "time", "at"):
        stamp = fields.get(key)
        if isinstance(stamp, str) and len(stamp) >= len("2026-11-23T14:15:16"):
            try:
                return f"{datetime.fromisoformat(stamp).astimezone():%H:%M:%S}"
            except ValueError:
                continue
        if isinstance(stamp, int | float) and stamp > _FIRST_OF_UNIX_TIME:
            return f"{datetime.fromtimestamp(stamp).astimezone():%H:%M:%S}"
    return f"{datetime.now().astimezone():%H:%M:%S}"


def _tells(value: object) -> bool:
    """Return whether a value says something: False does, but zero, None and empty values do not."""
    return value is False or bool(value)


def _value(key: str, value: object) -> str:
    if key.endswith("_at") and isinstance(value, int | float) and value > _FIRST_OF_UNIX_TIME:
        return datetime.fromtimestamp(value).astimezone().isoformat(timespec="seconds")
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value)
    if key in _TRACES:
        return _cut(_cause(text), _LONGEST_CAUSE)
    # Eight characters are enough to find the identifier in the log file.
    if _IDENTIFIER.fullmatch(text):
        return f"{text[:8]}…"
    return _cut(text, _LONGEST)


def _cause(trace: str) -> str:
    """Return a traceback's exception and where it was raised; the log file has the rest."""
    lines = [line for line in trace.splitlines() if line.strip()]
    places = _PLACE.findall(trace)
    where = f"{places[-1][0]}:{places[-1][1]}" if places else ""
    if not lines or lines[-1].startswith((" ", "\t")):  # a stack without an exception
        return where
    return f"{lines[-1].strip()} ({where})" if where else lines[-1].strip()


def _cut(text: str, length: int) -> str:
    """Shorten a text that is too long, after a whole word if possible."""
    if len(text) <= length:
        return text
    kept, space, _ = text[: length - 1].rpartition(" ")
    return f"{kept if space and len(kept) > length // 2 else text[: length - 1]}…"


def last_words(name: str, lines: Sequence[str]) -> str:
    """Return the log line that best explains why its program ended; empty if none does.

    An error, a warning or the end of a traceback is preferred to a line about the last step.
    """
    readable = [line for line in lines if line.strip() and is_for_people(line)]
    telling = [line for line in readable if _is_trouble(line)]
    line = (telling or readable or [""])[-1]
    return short(name, line) if line else ""


def _is_trouble(line: str) -> bool:
    try:
        fields = json.loads(line)
    except ValueError:
        return not line.startswith((" ", "\t"))  # plain text on standard error; a traceback ends with its error
    return isinstance(fields, dict) and str(fields.get("level", "info")).lower() in {"warning", "error", "critical"}
