"""What a person reads: which part is real and which pretends, what to try next, and log lines made short."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from voice_agent.run.parts import Part
from voice_agent.run.plan import Plan

_LONGEST = 60
"""Characters of one value in a log line."""

_LONGEST_CAUSE = 110
_LONGEST_LINE = 220

_TRACES = frozenset({"exception", "stack"})
_TRACE_HEADS = ("Traceback (most recent call last):", "During handling of the above", "The above exception was")
_PLACE = re.compile(r'File "(?:[^"]*/)?([^"/]+/[^"/]+)", line (\d+)')
"""Folder and file, and the line, of each frame of a trace."""

_QUIET_FIELDS = frozenset(
    {"event", "timestamp", "time", "at", "level", "logger", "service", "standin", "environment", "request_id"}
)
"""Fields that say nothing, or say it a second time, on a terminal. The log files have them all."""

_IDENTIFIER = re.compile(r"(?:[A-Z]{2})?[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}")
_FIRST_OF_UNIX_TIME = 1e9
"""A number below this one counts from the start of a call, not from 1970."""


NO_PAGE = "Ready, but the page is not built: `make page` builds it, or says why it cannot. Telephone calls work."


def banner(plan: Plan, *, page: bool = True) -> str:
    """Say what runs and what to do with it; without a page, what works all the same."""
    rows = [("", "what answers", "where"), *((part.name, part.what, part.url) for part in plan.parts)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"  {name:<{widths[0]}}  {what:<{widths[1]}}  {url}".rstrip() for name, what, url in rows]
    tries = [line for line in _next(plan.parts) if page or not line.endswith("and talk")]
    ready = "Ready." if page else NO_PAGE
    return "\n".join(["", ready, "", *table, "", *tries, "", "Ctrl-C stops everything.", ""])


def _next(parts: Sequence[Part]) -> list[str]:
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
    ]


def is_for_people(line: str) -> bool:
    """Tell whether a log line is worth a person's while.

    Metrics come twice a minute and are for machines. Of a bare trace only its last line says what happened; the log
    file has the rest.
    """
    return '"_aws"' not in line and not line.startswith((" ", "\t", *_TRACE_HEADS))


def short(name: str, line: str) -> str:
    """Turn a log line of a child into one for a person; what is no JSON object passes as it is."""
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return f"{'':8} {name:<11} {line}"
    level = str(fields.get("level", "info")).lower()
    mark = f"{level.upper()} " if level not in ("info", "debug") else ""
    if "why" in fields and "remedy" in fields:
        # What a person should read is whole: the cause, and what to do about it.
        head = f"{_clock(fields)} {name:<11} {mark}{fields.get('event', '')}"
        return f"{head}: {_sentence(fields['why'])} {_sentence(fields['remedy'])}"
    words = [
        f"{key}={_value(key, value)}" for key, value in fields.items() if key not in _QUIET_FIELDS and _tells(value)
    ]
    text = f"{_clock(fields)} {name:<11} {mark}{fields.get('event', '')} {' '.join(words)}".rstrip()
    return _cut(text, _LONGEST_LINE)


def _sentence(clause: object) -> str:
    """Make a sentence of a clause."""
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
    """Leave out zero, nothing and empty; but False tells something."""
    return value is False or bool(value)


def _value(key: str, value: object) -> str:
    if key.endswith("_at") and isinstance(value, int | float) and value > _FIRST_OF_UNIX_TIME:
        return datetime.fromtimestamp(value).astimezone().isoformat(timespec="seconds")
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value)
    if key in _TRACES:
        return _cut(_cause(text), _LONGEST_CAUSE)
    if _IDENTIFIER.fullmatch(text):
        return f"{text[:8]}…"
    return _cut(text, _LONGEST)


def _cause(trace: str) -> str:
    """Return what a trace ends with, and where that was raised: the rest is in the log file."""
    lines = [line for line in trace.splitlines() if line.strip()]
    places = _PLACE.findall(trace)
    where = f"{places[-1][0]}:{places[-1][1]}" if places else ""
    if not lines or lines[-1].startswith((" ", "\t")):  # the stack alone, without what was raised
        return where
    return f"{lines[-1].strip()} ({where})" if where else lines[-1].strip()


def _cut(text: str, length: int) -> str:
    """Cut a text that is too long behind a word."""
    if len(text) <= length:
        return text
    kept, space, _ = text[: length - 1].rpartition(" ")
    return f"{kept if space and len(kept) > length // 2 else text[: length - 1]}…"


def last_words(name: str, lines: Sequence[str]) -> str:
    """Return the one line of a log that tells most about the death of the program that wrote it; empty if none does.

    An error or a warning, or the end of a trace, goes before a line that only says what was done last.
    """
    told = [line for line in lines if line.strip() and is_for_people(line)]
    telling = [line for line in told if _is_trouble(line)]
    line = (telling or told or [""])[-1]
    return short(name, line) if line else ""


def _is_trouble(line: str) -> bool:
    try:
        fields = json.loads(line)
    except ValueError:
        return not line.startswith((" ", "\t"))  # what a program cries out with; a trace ends with its error
    return isinstance(fields, dict) and str(fields.get("level", "info")).lower() in {"warning", "error", "critical"}
