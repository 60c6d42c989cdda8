"""The clinic's doctors and visits, and when they are possible. Change this file to match your practice."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from agent_core.agents.opening_hours import Spans

Visit = Literal["check-up", "vaccination", "blood test", "skin check", "follow-up"]
DoctorName = Literal["Adler", "Moreau", "Shah"]

LENGTH: Final = {
    "check-up": timedelta(minutes=30),
    "vaccination": timedelta(minutes=10),
    "blood test": timedelta(minutes=10),
    "skin check": timedelta(minutes=20),
    "follow-up": timedelta(minutes=15),
}
"""How long each visit takes; the keys are those of `Visit`, which the model sees."""

NOTICE: Final = timedelta(hours=1)
DAYS_AHEAD: Final = 60
_STEP: Final = timedelta(minutes=15)
"""Between two offered times of a short visit: callers remember a quarter past better than eight ten."""
_FIXED: Final = {(1, 1): "January 1st", (7, 4): "July 4th", (12, 25): "December 25th"}


@dataclass(frozen=True, slots=True)
class Doctor:
    """A doctor, the weekdays on which they work (Monday is 0), and what they do."""

    name: DoctorName
    days: Collection[int]
    visits: Collection[str]


DOCTORS: Final = (
    Doctor("Adler", range(4), ("check-up", "vaccination", "blood test", "follow-up")),
    Doctor("Moreau", (0, 2, 4), ("check-up", "vaccination", "blood test", "follow-up")),
    Doctor("Shah", (1, 3, 4), ("skin check", "blood test", "follow-up")),
)


def doctors_for(visit: Visit, wanted: DoctorName | None) -> list[Doctor]:
    """Return the doctors for a visit: all of them, or the one that the patient wants if they do it."""
    return [one for one in DOCTORS if visit in one.visits and wanted in (None, one.name)]


def closed_on(day: date) -> str:
    """Return the name of a holiday; empty on another day."""
    # Thanksgiving is the fourth Thursday of November: the only Thursday from the 22nd to the 28th.
    if day.month == 11 and 22 <= day.day <= 28 and day.weekday() == 3:  # noqa: PLR2004 - see above
        return "Thanksgiving"
    return _FIXED.get((day.month, day.day), "")


def spans(doctor: Doctor, day: date, hours: Sequence[Spans]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans of a day in which a doctor sees patients."""
    if day.weekday() in doctor.days and not closed_on(day):
        midnight = datetime.combine(day, time())
        for opens, closes in hours[day.weekday()]:
            yield midnight + timedelta(minutes=opens), midnight + timedelta(minutes=closes)


def sees_patients(doctor: Doctor, start: datetime, end: datetime, hours: Sequence[Spans]) -> bool:
    """Return whether a whole visit lies within a doctor's hours."""
    return any(opens <= start and end <= closes for opens, closes in spans(doctor, start.date(), hours))


def starts(doctor: Doctor, visit: Visit, day: date, hours: Sequence[Spans]) -> Iterator[datetime]:
    """Yield the times of a day that are offered for a visit, in order."""
    length = LENGTH[visit]
    for opens, closes in spans(doctor, day, hours):
        at = opens
        # Ends because each step is later, and a span lasts less than a day.
        while at + length <= closes:
            yield at
            at += max(length, _STEP)


def during_the_day(day: date, clock: time, hours: Sequence[Spans]) -> datetime:
    """Return when a visit begins: a caller who says "three" means the afternoon, because the night is closed."""
    start = datetime.combine(day, clock)
    opens = min((first for first, _ in hours[day.weekday()]), default=0)
    is_night = clock < time(12) and clock.hour * 60 + clock.minute < opens
    return start + timedelta(hours=12) if is_night else start
