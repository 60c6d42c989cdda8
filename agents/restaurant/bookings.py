"""The restaurant's book of tables, in one SQLite file that several processes may use.

Replace this class to use a reservation system. Its methods are all that the tools need, and each is one transaction:
two callers who want the last table at the same moment do not both get it.

    python agents/restaurant/bookings.py .run/restaurant/bookings.sqlite    # print the bookings
"""

import sqlite3
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

_WAIT_SECONDS: Final = 2.0
"""How long a transaction waits for those of other processes: less than a tool's deadline."""
_KEPT: Final = timedelta(days=30)
"""How long a name is kept after the visit."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS bookings (
    reference INTEGER PRIMARY KEY,
    request TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    name TEXT NOT NULL,
    people INTEGER NOT NULL,
    starts TEXT NOT NULL,
    ends TEXT NOT NULL,
    table_number INTEGER NOT NULL,
    wishes TEXT NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS by_time ON bookings (starts);
"""
type FreeTable = Callable[[int, Collection[int]], int | None]
_COLUMNS: Final = "reference, name, people, starts, ends, table_number, wishes, cancelled"


@dataclass(frozen=True, slots=True)
class Booking:
    """One booked table; times are the restaurant's own."""

    reference: int
    name: str
    people: int
    starts: datetime
    ends: datetime
    table: int
    wishes: str
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller wants to book."""

    name: str
    people: int
    starts: datetime
    ends: datetime
    wishes: str = ""


class NoTableFree(Exception):
    """No table is free for this party at this time."""


class Bookings:
    """The book. Opens the file for each transaction, so that it works from every thread.

    Args:
        path: The file; its folder is created.
        free_table: Returns the table for a party, given the numbers of those that are taken.

    Raises:
        OSError, sqlite3.Error: The file cannot be created; the message names it.
    """

    def __init__(self, path: Path, free_table: FreeTable) -> None:
        self._path = path
        self._free_table = free_table
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            # Locked from the first statement on: tasks that start together wait for each other.
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def book(self, request: str, session: str, wanted: Wanted, now: datetime) -> Booking:
        """Book a table; the same request again returns the booking that it made.

        Args:
            request: Idempotency key of the request.
            session: The conversation, see `of_conversation`.
            wanted: The table.
            now: The restaurant's time.

        Raises:
            NoTableFree: Nothing was booked.
        """
        with self._transaction() as book:
            made = _one(book, "request = ?", request)
            if made is not None and not made.cancelled:
                return made
            # A caller who cancels a table and then books the same one again wants it.
            book.execute("DELETE FROM bookings WHERE request = ? OR starts < ?", (request, _text(now - _KEPT)))
            table = self._table(book, wanted)
            cursor = book.execute(
                "INSERT INTO bookings (request, session, name, people, starts, ends, table_number, wishes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (request, session, *_values(wanted, table)),
            )
            return _found(book, cursor.lastrowid or 0)

    def change(self, reference: int, wanted: Wanted) -> Booking:
        """Replace a booking's values.

        Raises:
            NoTableFree: The booking is unchanged.
        """
        with self._transaction() as book:
            table = self._table(book, wanted, ignoring=reference)
            book.execute(
                "UPDATE bookings SET name = ?, people = ?, starts = ?, ends = ?, table_number = ?, wishes = ?"
                " WHERE reference = ?",
                (*_values(wanted, table), reference),
            )
            return _found(book, reference)

    def cancel(self, reference: int) -> None:
        """Cancel a booking; cancelling it again changes nothing."""
        with self._transaction() as book:
            book.execute("UPDATE bookings SET cancelled = 1 WHERE reference = ?", (reference,))

    def of_request(self, request: str) -> Booking | None:
        """Return the booking that a request made, unless it was cancelled."""
        with closing(self._connect()) as book:
            return _one(book, "NOT cancelled AND request = ?", request)

    def of_conversation(self, session: str) -> Booking | None:
        """Return the last booking that a conversation made, also a cancelled one."""
        with closing(self._connect()) as book:
            return _one(book, "session = ? ORDER BY reference DESC", session)

    def find(self, name: str, day: date) -> list[Booking]:
        """Return a day's bookings under a name; the last name is enough."""
        return [booking for booking in self.of_day(day) if is_same_name(booking.name, name)]

    def of_day(self, day: date) -> list[Booking]:
        """Return a day's bookings, by time."""
        with closing(self._connect()) as book:
            rows = book.execute(
                f"SELECT {_COLUMNS} FROM bookings WHERE NOT cancelled AND date(starts) = ? ORDER BY starts",  # noqa: S608 - constants
                (day.isoformat(),),
            ).fetchall()
        return [_booking(row) for row in rows]

    def all(self) -> list[Booking]:
        """Return every booking that is not cancelled, by time."""
        with closing(self._connect()) as book:
            rows = book.execute(f"SELECT {_COLUMNS} FROM bookings WHERE NOT cancelled ORDER BY starts").fetchall()  # noqa: S608 - constants
        return [_booking(row) for row in rows]

    def _table(self, book: sqlite3.Connection, wanted: Wanted, *, ignoring: int = 0) -> int:
        taken = book.execute(
            "SELECT table_number FROM bookings WHERE NOT cancelled AND starts < ? AND ends > ? AND reference != ?",
            (_text(wanted.ends), _text(wanted.starts), ignoring),
        ).fetchall()
        table = self._free_table(wanted.people, {number for (number,) in taken})
        if table is None:
            raise NoTableFree
        return table

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            # The write lock from the start: a check and the insert after it must see the same tables.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)


def is_same_name(booked: str, said: str) -> bool:
    """Return whether a caller means the name of a booking: in any case, with or without accents and first name."""
    one, other = _plain(booked), _plain(said)
    return bool(one and other) and (one == other or (one[-1] == other[-1] and 1 in (len(one), len(other))))


def _plain(name: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(each for each in letters if each.isalnum() or each.isspace()).split()


def _text(moment: datetime) -> str:
    # One fixed format, because SQLite compares texts.
    return f"{moment:%Y-%m-%dT%H:%M}"


def _values(wanted: Wanted, table: int) -> tuple[str | int, ...]:
    return wanted.name, wanted.people, _text(wanted.starts), _text(wanted.ends), table, wanted.wishes


def _one(book: sqlite3.Connection, condition: str, value: str | int) -> Booking | None:
    row = book.execute(f"SELECT {_COLUMNS} FROM bookings WHERE {condition} LIMIT 1", (value,)).fetchone()  # noqa: S608 - constants
    return None if row is None else _booking(row)


def _found(book: sqlite3.Connection, reference: int) -> Booking:
    row = book.execute(f"SELECT {_COLUMNS} FROM bookings WHERE reference = ?", (reference,)).fetchone()  # noqa: S608 - constants
    return _booking(row)


def _booking(row: tuple[int, str, int, str, str, int, str, int]) -> Booking:
    reference, name, people, starts, ends, table, wishes, cancelled = row
    times = datetime.fromisoformat(starts), datetime.fromisoformat(ends)
    return Booking(reference, name, people, *times, table, wishes, bool(cancelled))


if __name__ == "__main__":
    for one in Bookings(Path(sys.argv[1]), lambda _people, _taken: None).all():
        line = f"{one.starts:%a %d %b %H:%M}  {one.people:2}  {one.name:24} table {one.table + 1:2}  {one.wishes}"
        sys.stdout.write(f"{line.rstrip()}\n")
