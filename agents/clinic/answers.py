"""What the tools answer: the sentence to say, the values behind it, and a card for the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from agent_core.days import PARTS_OF_DAY, spoken_choice, spoken_day, spoken_time

from .appointments import Appointment, Appointments, Slot
from .hours import HOURS
from .practice import DAYS_AHEAD, LENGTH, NOTICE, DoctorName, Visit, closed_on, doctors_for, sees_patients, starts

_MOST_OFFERED: Final = 3
"""Appointments in one sentence: callers do not remember more."""
_DAYS_SEARCHED: Final = 14


@dataclass(frozen=True)
class Search:
    """Looks for times at which a visit is possible.

    Args:
        calendar: The calendar.
        visit: What for.
        doctor: The doctor that the patient wants to see; None for any.
        now: The clinic's time.
        ignoring: Reference of the patient's own appointment while it is moved.
    """

    calendar: Appointments
    visit: Visit
    doctor: DoctorName | None
    now: datetime
    ignoring: int = 0

    def offer(self, day: date | None, part: str = "") -> dict[str, Any]:
        """Offer appointments: of one day or of the next days, in one part of the day or in all."""
        found = self._of_day(day, part) if day is not None else self._next(self.now.date(), part)
        if found:
            return self._offered("choose", found, "I can offer ")
        if day is None:
            return self._offered("full", [], f"I am sorry, there is nothing left in the next {_DAYS_SEARCHED} days.")
        others = self._of_day(day, "") or self._next(day + timedelta(days=1), part)
        return self._offered("full", others, f"I am sorry, {self._reason(day, part)}. I can offer ")

    def instead(self, start: datetime) -> dict[str, Any]:
        """Offer the nearest appointments, because the one that the caller wants is not free."""
        same_day = sorted(self._free(start.date(), ""), key=lambda slot: abs(slot.starts - start))
        near = sorted(same_day[:_MOST_OFFERED], key=lambda slot: slot.starts)
        if not near:
            return self.offer(start.date())
        return self._offered("taken", near, f"I am sorry, {when(start, self.now)} is not free. I can offer ")

    def slot(self, start: datetime) -> Slot | None:
        """Return the visit at this time with the first doctor who is free; None if there is none."""
        end = start + LENGTH[self.visit]
        booked = self.calendar.of_day(start.date())
        for doctor in doctors_for(self.visit, self.doctor):
            slot = Slot(self.visit, doctor.name, start, end)
            if sees_patients(doctor, start, end, HOURS) and self._is_free(slot, booked):
                return slot
        return None

    def _of_day(self, day: date, part: str) -> list[Slot]:
        free = [*self._free(day, part)]
        # The first, a middle and the last one, so that an offer covers the day.
        return free if len(free) <= _MOST_OFFERED else [free[0], free[len(free) // 2], free[-1]]

    def _next(self, first: date, part: str) -> list[Slot]:
        """Return the first appointment of each of the next days that have one."""
        days = (first + timedelta(days=ahead) for ahead in range(_DAYS_SEARCHED))
        found = (next(self._free(day, part), None) for day in days if day <= self.now.date() + timedelta(DAYS_AHEAD))
        return [slot for slot in found if slot is not None][:_MOST_OFFERED]

    def _free(self, day: date, part: str) -> Iterator[Slot]:
        """Yield the free times of a day, in order, each with one doctor."""
        booked = self.calendar.of_day(day)
        begin, end = PARTS_OF_DAY.get(part, (time.min, time.max))
        doctors = doctors_for(self.visit, self.doctor)
        times = sorted({at for doctor in doctors for at in starts(doctor, self.visit, day, HOURS)})
        for at in times:
            if at < self.now + NOTICE or not begin <= at.time() < end:
                continue
            slots = (Slot(self.visit, doctor.name, at, at + LENGTH[self.visit]) for doctor in doctors)
            possible = zip(doctors, slots, strict=True)
            free = (s for d, s in possible if sees_patients(d, s.starts, s.ends, HOURS) and self._is_free(s, booked))
            yield from [slot for slot in [next(free, None)] if slot is not None]

    def _is_free(self, slot: Slot, booked: Sequence[Appointment]) -> bool:
        others = (one for one in booked if one.slot.doctor == slot.doctor and one.reference != self.ignoring)
        return not any(slot.overlaps(one.slot) for one in others)

    def _reason(self, day: date, part: str) -> str:
        which = when_day(day, self.now)
        if name := closed_on(day):
            return f"we are closed on {name}"
        if not HOURS[day.weekday()]:
            return f"{which} we are closed"
        if not any(day.weekday() in doctor.days for doctor in doctors_for(self.visit, self.doctor)):
            names = spoken_choice([f"Doctor {one.name}" for one in doctors_for(self.visit, self.doctor)], last="and")
            return f"{names} {'is' if self.doctor or ' and ' not in names else 'are'} not here {which}"
        return f"{which}{f' in the {part}' if part else ''} everything is taken"

    def _offered(self, status: str, found: Sequence[Slot], begin: str) -> dict[str, Any]:
        slots = [
            {"date": f"{slot.starts:%Y-%m-%d}", "time": f"{slot.starts:%H:%M}", "doctor": slot.doctor} for slot in found
        ]
        said = spoken_choice([f"{when(slot.starts, self.now)} with Doctor {slot.doctor}" for slot in found])
        return {
            "status": status,
            "appointments": slots,
            "speak": f"{begin}{said}. Which one suits you?" if found else f"{begin} Shall I connect you to the nurse?",
            "next": "When the caller has chosen, call choose_appointment, or change_appointment for a booked one.",
        }


def confirmed(appointment: Appointment, status: str, said: str, now: datetime) -> dict[str, Any]:
    """Return an appointment as the result of a tool. The date of birth stays out of it."""
    slot = appointment.slot
    return {
        "status": status,
        "visit": slot.visit,
        "doctor": slot.doctor,
        "date": slot.starts.date().isoformat(),
        "time": f"{slot.starts:%H:%M}",
        "patient": appointment.patient.name,
        "speak": f"{said} {when(slot.starts, now)} with Doctor {slot.doctor}.",
        "card": {
            "title": f"Appointment {status}",
            "value": appointment.patient.name,
            "rows": [
                ["Day", f"{slot.starts:%A}, {slot.starts:%B} {slot.starts.day}"],
                ["Time", f"{slot.starts:%H:%M}"],
                ["Visit", slot.visit.capitalize()],
                ["Doctor", slot.doctor],
            ],
        },
    }


def when(start: datetime, now: datetime) -> str:
    """Return a time in a sentence: "on Friday, December fourth at nine in the morning"."""
    return f"{when_day(start.date(), now)} at {spoken_time(start.time())}"


def when_day(day: date, now: datetime) -> str:
    """Return a day in a sentence: "on Friday, December fourth", or "today"."""
    text = spoken_day(day, now.date())
    return text if text.startswith(("today", "tomorrow")) else f"on {text}"
