"""The clinic's calendar, in one SQLite file that several processes may use.

Replace this class to use a practice system. Its methods are all that the tools need, and each is one transaction: two
callers who want the same time with the same doctor do not both get it.

    python agents/clinic/appointments.py .run/clinic/appointments.sqlite    # print the appointments
"""

import sqlite3
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

_WAIT_SECONDS: Final = 2.0
"""How long a transaction waits for those of other processes: less than a tool's deadline."""
_KEPT: Final = timedelta(days=30)
"""How long a patient's name is kept here after the visit."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS appointments (
    reference INTEGER PRIMARY KEY,
    request TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    patient TEXT NOT NULL,
    born TEXT NOT NULL,
    visit TEXT NOT NULL,
    doctor TEXT NOT NULL,
    starts TEXT NOT NULL,
    ends TEXT NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS by_time ON appointments (starts);
CREATE TABLE IF NOT EXISTS confirmations (reference INTEGER PRIMARY KEY, phone TEXT NOT NULL);
"""
_COLUMNS: Final = "reference, patient, born, visit, doctor, starts, ends, cancelled"


@dataclass(frozen=True, slots=True)
class Patient:
    """Who comes. The date of birth tells patients with the same name apart, and proves who is calling."""

    name: str
    born: date


@dataclass(frozen=True, slots=True)
class Slot:
    """What is booked; times are the clinic's own."""

    visit: str
    doctor: str
    starts: datetime
    ends: datetime

    def overlaps(self, other: "Slot") -> bool:
        """Return whether two visits share a moment."""
        # One may begin at the moment when the other ends.
        return self.starts < other.ends and self.ends > other.starts


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment."""

    reference: int
    patient: Patient
    slot: Slot
    cancelled: bool


class Taken(Exception):
    """The doctor, or the patient, has another appointment at this time."""


class Appointments:
    """The calendar. Opens the file for each transaction, so that it works from every thread.

    Args:
        path: The file; its folder is created.

    Raises:
        OSError, sqlite3.Error: The file cannot be created; the message names it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            # Locked from the first statement on: tasks that start together wait for each other.
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def book(self, request: str, session: str, patient: Patient, slot: Slot, now: datetime) -> Appointment:
        """Book an appointment; the same request again returns the appointment that it made.

        Args:
            request: Idempotency key of the request.
            session: The conversation, see `of_conversation`.
            patient: Who comes.
            slot: The visit, the doctor and the time.
            now: The clinic's time.

        Raises:
            Taken: Nothing was booked.
        """
        with self._transaction() as calendar:
            made = _one(calendar, "request = ?", request)
            if made is not None and not made.cancelled:
                return made
            # A caller who cancels an appointment and then books the same one again wants it.
            calendar.execute("DELETE FROM appointments WHERE request = ? OR starts < ?", (request, _text(now - _KEPT)))
            # A reference of a deleted appointment is used again, and its number belongs to another patient.
            calendar.execute("DELETE FROM confirmations WHERE reference NOT IN (SELECT reference FROM appointments)")
            _check(calendar, patient, slot)
            cursor = calendar.execute(
                "INSERT INTO appointments (request, session, patient, born, visit, doctor, starts, ends)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (request, session, patient.name, patient.born.isoformat(), *_values(slot)),
            )
            return _found(calendar, cursor.lastrowid or 0)

    def move(self, appointment: Appointment, slot: Slot) -> Appointment:
        """Move an appointment.

        Raises:
            Taken: The appointment is unchanged.
        """
        with self._transaction() as calendar:
            _check(calendar, appointment.patient, slot, ignoring=appointment.reference)
            calendar.execute(
                "UPDATE appointments SET visit = ?, doctor = ?, starts = ?, ends = ? WHERE reference = ?",
                (*_values(slot), appointment.reference),
            )
            return _found(calendar, appointment.reference)

    def cancel(self, reference: int) -> None:
        """Cancel an appointment; cancelling it again changes nothing."""
        with self._transaction() as calendar:
            calendar.execute("UPDATE appointments SET cancelled = 1 WHERE reference = ?", (reference,))

    def confirm(self, reference: int, phone: str) -> None:
        """Keep the number to which the practice sends the confirmation of an appointment; the last one counts.

        Args:
            reference: Of the appointment.
            phone: E.164.
        """
        with self._transaction() as calendar:
            calendar.execute(
                "INSERT OR REPLACE INTO confirmations (reference, phone) VALUES (?, ?)", (reference, phone)
            )

    def confirmations(self) -> dict[int, str]:
        """Return the numbers by reference of the appointment, for what sends the messages; cancelled ones left out."""
        query = "SELECT reference, phone FROM confirmations JOIN appointments USING (reference) WHERE NOT cancelled"
        with closing(self._connect()) as calendar:
            return dict(calendar.execute(query).fetchall())

    def of_request(self, request: str) -> Appointment | None:
        """Return the appointment that a request made, unless it was cancelled."""
        with closing(self._connect()) as calendar:
            return _one(calendar, "NOT cancelled AND request = ?", request)

    def of_conversation(self, session: str) -> Appointment | None:
        """Return the last appointment that a conversation made, also a cancelled one."""
        with closing(self._connect()) as calendar:
            return _one(calendar, "session = ? ORDER BY reference DESC", session)

    def of_patient(self, patient: Patient, since: datetime) -> list[Appointment]:
        """Return a patient's coming appointments, by time."""
        with closing(self._connect()) as calendar:
            return _of_patient(calendar, patient, since)

    def of_day(self, day: date) -> list[Appointment]:
        """Return a day's appointments, by time."""
        with closing(self._connect()) as calendar:
            return _all(calendar, "date(starts) = ?", day.isoformat())

    def all(self) -> list[Appointment]:
        """Return every appointment that is not cancelled, by time."""
        with closing(self._connect()) as calendar:
            return _all(calendar, "starts > ?", "")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            # The write lock from the start: a check and the insert after it must see the same calendar.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)


def _check(calendar: sqlite3.Connection, patient: Patient, slot: Slot, *, ignoring: int = 0) -> None:
    # A doctor and a patient can each be in one place.
    same_day = _all(calendar, "date(starts) = ?", slot.starts.date().isoformat())
    for other in same_day:
        concerned = other.slot.doctor == slot.doctor or _is_same(other.patient, patient)
        if concerned and other.slot.overlaps(slot) and other.reference != ignoring:
            raise Taken


def _of_patient(calendar: sqlite3.Connection, patient: Patient, since: datetime) -> list[Appointment]:
    # The names are compared here: SQLite knows neither accents nor upper case beyond ASCII.
    coming = _all(calendar, "starts >= ?", _text(since))
    return [appointment for appointment in coming if _is_same(appointment.patient, patient)]


def _is_same(one: Patient, other: Patient) -> bool:
    """Return whether date of birth and last name agree, in any case and with or without accents."""
    return one.born == other.born and _plain(one.name)[-1:] == _plain(other.name)[-1:]


def _plain(name: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(each for each in letters if each.isalnum() or each.isspace()).split()


def _text(moment: datetime) -> str:
    # One fixed format, because SQLite compares texts.
    return f"{moment:%Y-%m-%dT%H:%M}"


def _values(slot: Slot) -> tuple[str, ...]:
    return slot.visit, slot.doctor, _text(slot.starts), _text(slot.ends)


def _all(calendar: sqlite3.Connection, condition: str, value: str) -> list[Appointment]:
    query = f"SELECT {_COLUMNS} FROM appointments WHERE NOT cancelled AND {condition} ORDER BY starts"  # noqa: S608 - constants
    return [_appointment(row) for row in calendar.execute(query, (value,))]


def _one(calendar: sqlite3.Connection, condition: str, value: str | int) -> Appointment | None:
    query = f"SELECT {_COLUMNS} FROM appointments WHERE {condition} LIMIT 1"  # noqa: S608 - constants
    row = calendar.execute(query, (value,)).fetchone()
    return None if row is None else _appointment(row)


def _found(calendar: sqlite3.Connection, reference: int) -> Appointment:
    query = f"SELECT {_COLUMNS} FROM appointments WHERE reference = ?"  # noqa: S608 - constants
    return _appointment(calendar.execute(query, (reference,)).fetchone())


def _appointment(row: tuple[int, str, str, str, str, str, str, int]) -> Appointment:
    reference, patient, born, visit, doctor, starts, ends, cancelled = row
    slot = Slot(visit, doctor, datetime.fromisoformat(starts), datetime.fromisoformat(ends))
    return Appointment(reference, Patient(patient, date.fromisoformat(born)), slot, bool(cancelled))


if __name__ == "__main__":
    book = Appointments(Path(sys.argv[1]))
    numbers = book.confirmations()
    for one in book.all():
        slot, number = one.slot, numbers.get(one.reference, "")
        line = f"{slot.starts:%a %d %b %H:%M}  {slot.doctor:8} {slot.visit:12} {one.patient.name} {number}"
        sys.stdout.write(f"{line.rstrip()}\n")
