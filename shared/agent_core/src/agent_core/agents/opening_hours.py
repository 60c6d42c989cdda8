"""Say when an agent's business is open."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Final

import yaml

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPAN: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_WHOLE_DAY: Final = 24 * 60

type Spans = tuple[tuple[int, int], ...]
"""Opening and closing in minutes after midnight, in order."""


def parse(stated: Mapping[str, str | Sequence[str]]) -> tuple[Spans, ...]:
    """Parse opening hours; return the spans of each weekday from Monday.

    Args:
        stated: ``{"mon-fri": ["12:00-14:30", "18:00-22:30"], "sun": "closed"}``; days that are not named are closed.

    Raises:
        ValueError: a day or a time is not written like this, or a day is named twice.
    """
    week: dict[str, Spans] = {}
    for days, spans in stated.items():
        opened = () if spans == "closed" else _spans([spans] if isinstance(spans, str) else spans)
        for day in _days(days):
            # The later line would silently win.
            if day in week:
                raise ValueError(f"{day} is named twice")
            week[day] = opened
    return tuple(week.get(day, ()) for day in DAYS)


def read(folder: Path) -> tuple[Spans, ...]:
    """Return the opening hours in a folder's ``agent.yaml``, for tools that need them.

    Args:
        folder: The agent's folder: ``Path(__file__).parent`` in one of its files.

    Raises:
        KeyError: the file has no opening hours.
        ValueError: see `parse`.
    """
    return parse(yaml.safe_load((folder / "agent.yaml").read_text(encoding="utf-8"))["opening_hours"])


def is_open(week: Sequence[Spans], now: datetime) -> bool:
    """Return whether it is open at a local time."""
    minute = now.hour * 60 + now.minute
    return any(opens <= minute < closes for opens, closes in week[now.weekday()])


def words(week: Sequence[Spans]) -> str:
    """Return the hours as a table for the prompt: ``- Monday to Friday: 12:00 to 14:30, 18:00 to 22:30``."""
    lines: list[tuple[int, int, str]] = []
    for number, spans in enumerate(week):
        text = ", ".join(f"{_clock(opens)} to {_clock(closes)}" for opens, closes in spans) or "closed"
        # Equal days are named together: every turn of the conversation pays for the prompt's length.
        if lines and lines[-1][2] == text:
            lines[-1] = (lines[-1][0], number, text)
        else:
            lines.append((number, number, text))
    return "\n".join(f"- {_NAMES[a]}{f' to {_NAMES[b]}' if b > a else ''}: {text}" for a, b, text in lines)


def _clock(minutes: int) -> str:
    return "midnight" if minutes == _WHOLE_DAY else time(minutes // 60, minutes % 60).strftime("%H:%M")


def _days(text: str) -> list[str]:
    first, dash, last = text.strip().lower().partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise ValueError(f"{text!r} is no day: write mon, tue, wed, thu, fri, sat, sun, or mon-fri")
    start, end = DAYS.index(first), DAYS.index(last or first)
    # A range may pass the end of the week, such as sat-mon.
    return [DAYS[(start + step) % len(DAYS)] for step in range((end - start) % len(DAYS) + 1)]


def _spans(texts: Sequence[str]) -> Spans:
    spans: list[tuple[int, int]] = []
    for text in texts:
        found = _SPAN.fullmatch(text.strip())
        if not found:
            raise ValueError(f"{text!r} is no time: write 12:00-14:30, or closed")
        hours = [int(part) for part in found.groups()]
        opens, closes = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if closes <= opens or closes > _WHOLE_DAY or (spans and opens < spans[-1][1]):
            raise ValueError(f"{text!r}: it must end after it begins, by 24:00, and follow the one before")
        spans.append((opens, closes))
    return tuple(spans)
