"""The restaurant's tables, and when a party may sit down. Change this file to match your restaurant."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from agent_core.agents.opening_hours import Spans

TABLES: Final = (2, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 8)
"""Seats of each table, smallest first: a party gets the first free table that is large enough."""

LARGEST_PARTY: Final = max(TABLES)
STAY: Final = timedelta(hours=2)
"""How long a party keeps its table."""
LAST_SEATING: Final = timedelta(hours=1)
"""Before closing, because the kitchen closes then."""
NOTICE: Final = timedelta(minutes=15)
DAYS_AHEAD: Final = 90
CLOSED: Final = {(12, 25): "December 25th", (1, 1): "January 1st", (8, 15): "August 15th"}
"""Month and day of each holiday, and its name in a sentence."""

_STEP: Final = timedelta(minutes=30)
"""Between two times that are offered. A caller may ask for any other."""


def spans(day: date, hours: Sequence[Spans]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the first and the last moment at which a party may sit down, for each service of a day."""
    if (day.month, day.day) in CLOSED:
        return
    midnight = datetime.combine(day, time())
    for opens, closes in hours[day.weekday()]:
        yield midnight + timedelta(minutes=opens), midnight + timedelta(minutes=closes) - LAST_SEATING


def is_seating(start: datetime, hours: Sequence[Spans]) -> bool:
    """Return whether a party may sit down at this time."""
    return any(first <= start <= last for first, last in spans(start.date(), hours))


def seating_of(day: date, clock: time, hours: Sequence[Spans]) -> datetime:
    """Return when a party sits down that asks for this time: a caller who says "seven" means the evening."""
    start = datetime.combine(day, clock)
    later = start + timedelta(hours=12)
    is_morning = clock < time(12)
    return later if is_morning and not is_seating(start, hours) and is_seating(later, hours) else start


def seatings(day: date, hours: Sequence[Spans]) -> Iterator[datetime]:
    """Yield the times of a day that are offered, in order."""
    for first, last in spans(day, hours):
        at = first
        # Ends because each step is later, and a service lasts less than a day.
        while at <= last:
            yield at
            at += _STEP


def free_table(people: int, taken: Collection[int]) -> int | None:
    """Return the number of the smallest free table for a party; None if there is none."""
    return next((number for number, seats in enumerate(TABLES) if seats >= people and number not in taken), None)
