"""The book of the desk: which tables are taken, and who waits for one."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final

TIMES: Final = ("12:30", "13:30", "18:30", "19:30", "20:30", "21:30")
TABLES: Final = 4
"""At each time, whatever the number of people."""
LARGEST: Final = 8
_MOST: Final = 10_000
"""Entries of a book that is kept in memory."""


class Refused(Exception):
    """The desk cannot do this; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One table, or one place on the waiting list: ``time`` is empty there."""

    number: int
    day: str
    time: str
    people: int
    name: str


@dataclass(slots=True)
class Book:
    """Tables and waiting list. The same idempotency key again returns the entry that it made."""

    entries: dict[int, Entry] = field(default_factory=dict)
    _by_key: dict[str, Entry] = field(default_factory=dict)
    _count: int = 0

    def free(self, day: str, people: int) -> list[str]:
        """Return the times of a day at which a table is free.

        Raises:
            Refused: the day or the number of people is not possible.
        """
        _check(day, people)
        taken = Counter(entry.time for entry in self.entries.values() if entry.day == day)
        return [each for each in TIMES if taken[each] < TABLES]

    def book(self, day: str, at: str, people: int, name: str, key: str) -> Entry:
        """Book a table.

        Raises:
            Refused: there is none.
        """
        # Before the check: the table that the first request took is not free for its repetition.
        if key and key in self._by_key:
            return self._by_key[key]
        if _clock(at) not in self.free(day, people):
            raise Refused(f"no table is free at {at[:20]}")
        return self._add(day, _clock(at), people, name, key)

    def wait(self, day: str, people: int, name: str, key: str) -> tuple[Entry, int]:
        """Add to the waiting list of a day; return the entry and its position from 1.

        Raises:
            Refused: the day or the number of people is not possible.
        """
        _check(day, people)
        entry = self._by_key.get(key) if key else None
        entry = entry or self._add(day, "", people, name, key)
        # Counted each time, because a guest before this one may have cancelled.
        waiting = [one.number for one in self.entries.values() if one.day == day and not one.time]
        return entry, waiting.index(entry.number) + 1

    def cancel(self, number: int) -> Entry:
        """Cancel an entry.

        Raises:
            Refused: there is none of this number.
        """
        if number not in self.entries:
            raise Refused(f"there is no booking {number}")
        return self.entries.pop(number)

    def _add(self, day: str, at: str, people: int, name: str, key: str) -> Entry:
        # A stand-in may run for days under load.
        if len(self.entries) >= _MOST:
            raise Refused("the book is full")
        self._count += 1
        entry = Entry(self._count, day, at, people, name[:60])
        self.entries[entry.number] = entry
        if key:
            self._by_key[key] = entry
        return entry


def _check(day: str, people: int) -> None:
    # Models invent days such as "friday": a real desk refuses them too.
    try:
        date.fromisoformat(day)
    except ValueError:
        raise Refused("day must be a date such as 2026-12-04") from None
    if not 1 <= people <= LARGEST:
        raise Refused(f"the desk books one to {LARGEST} people")


def _clock(text: str) -> str:
    try:
        return time.fromisoformat(text).strftime("%H:%M")
    except ValueError:
        raise Refused("time must be a time such as 19:30") from None
