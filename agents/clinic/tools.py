"""Identify a patient; find, choose, book, look up, change, cancel and confirm an appointment.

The stages in ``agent.yaml`` decide which of these tools can be called. What one stage finds out is a fact for the next:
the patient, then the chosen appointment. Arguments that a caller may not have said yet are optional, because a model
invents a required one; the tool answers with what is missing instead.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Annotated, Any, Final, cast

from pydantic import BeforeValidator, Field

from agent_core.agents import Call, Phone, ToolFailure, tool
from agent_core.days import PARTS_OF_DAY, WEEKDAYS, Day, TimeOfDay, date_of

from .answers import Search, confirmed, when
from .appointments import Appointment, Appointments, Patient, Taken
from .hours import HOURS
from .practice import DAYS_AHEAD, DOCTORS, NOTICE, DoctorName, Visit, doctors_for, during_the_day


def _born(value: object) -> object:
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError:
        raise ValueError("expected the date of birth as YYYY-MM-DD") from None


For = Annotated[Visit, Field(description="What the visit is for; follow-up for one that continues an earlier visit")]
With = Annotated[DoctorName | None, Field(description="Doctor, if the caller wants a certain one")]
PatientName = Annotated[
    str | None, Field(max_length=80, description="The patient's full name, once the caller has said it")
]
Born = Annotated[
    str | None,
    BeforeValidator(lambda value: value if value is None else _born(value)),
    Field(description="The patient's date of birth as YYYY-MM-DD, once the caller has said it"),
]

MobilePhone = Annotated[Phone, Field(description="Mobile number for the confirmation")]

_ANY: Final = "any"
"""The caller wants no certain doctor."""
_FAILED: Final = "appointment_failed"
_ASK_PATIENT: Final = "Ask for the patient's full name and date of birth, then call again with both."


@asynccontextmanager
async def resources(settings: Mapping[str, str]) -> AsyncIterator[Appointments]:
    """Open the calendar."""
    yield Appointments(Path(settings["APPOINTMENTS_FILE"]))


@tool(filler=True, failure=_FAILED)
def identify_patient(call: Call, name: PatientName = None, date_of_birth: Born = None) -> dict[str, Any]:
    """Record who the appointment is for, as soon as the caller has said full name and date of birth."""
    if not name or not date_of_birth:
        return {"status": "patient_missing", "next": _ASK_PATIENT, "speak": _question(name, date_of_birth)}
    patient = _patient(name, date_of_birth, _now(call))
    return {"status": "identified", "facts": {"patient": patient.name, "date_of_birth": patient.born.isoformat()}}


@tool(shown=True, filler=True, failure=_FAILED)
def find_appointment(
    visit: For, call: Call, day: Day | None = None, time: TimeOfDay | None = None, doctor: With = None
) -> dict[str, Any]:
    """Find free appointments for a visit: on one day or the next possible ones."""
    search = _search(call, visit, doctor)
    # Without a day the caller wants the next possible appointment.
    if day is None:
        return search.offer(None, time if time in PARTS_OF_DAY else "")
    if time is None or time in PARTS_OF_DAY:
        return search.offer(_day(day, _now(call)), time or "")
    start = _start(day, time, _now(call))
    slot = search.slot(start)
    if slot is None:
        return search.instead(start)
    return {
        "status": "free",
        "doctor": slot.doctor,
        "speak": f"{when(start, _now(call)).capitalize()} Doctor {slot.doctor} is free. Does that suit you?",
        "next": "After a yes, call choose_appointment with the same values.",
    }


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def choose_appointment(visit: For, day: Day, time: TimeOfDay, call: Call, doctor: With = None) -> dict[str, Any]:
    """Take the appointment that the caller has chosen; it is booked when the caller has confirmed it."""
    now, search = _now(call), _search(call, visit, doctor)
    if time in PARTS_OF_DAY:
        return search.offer(_day(day, now), time)
    start = _start(day, time, now)
    slot = search.slot(start)
    if slot is None:
        return search.instead(start)
    # A correction such as "no, at ten" must not leave two appointments behind.
    for other in call.resources.of_patient(_patient_of(call), now):
        if other.slot.visit == visit:
            return confirmed(other, "found", f"There is already an appointment for a {visit}", now) | {
                "next": "Ask whether to move it. If so, call change_appointment."
            }
    said = f"{_a(visit)} {when(start, now)} with Doctor {slot.doctor}"
    facts = {"appointment": said, "visit": visit, "starts": start.isoformat(), "doctor": doctor or _ANY}
    return {"status": "chosen", "facts": facts}


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def book_appointment(call: Call) -> dict[str, Any]:
    """Book the chosen appointment, after the caller has said yes to it."""
    calendar: Appointments = call.resources
    now = _now(call)
    repeated = calendar.of_request(call.key)
    if repeated is not None:
        return _booked(repeated, now)
    visit, doctor = cast("Visit", call.facts["visit"]), call.facts["doctor"]
    start = datetime.fromisoformat(call.facts["starts"])
    search = _search(call, visit, None if doctor == _ANY else cast("DoctorName", doctor))
    # Another caller may have got this doctor a moment ago, while a second one is still free.
    for _ in DOCTORS:
        slot = search.slot(start)
        if slot is None:
            break
        try:
            return _booked(calendar.book(call.key, call.session_id, _patient_of(call), slot, now), now)
        except Taken:
            continue
    return search.instead(start) | {"next": "When the caller has chosen another one, call go_to_choose."}


@tool(shown=True, filler=True, failure=_FAILED)
def look_up_appointment(call: Call) -> dict[str, Any]:
    """Look up the patient's coming appointment."""
    appointment = _appointment(call)
    return confirmed(appointment, "found", f"The {appointment.slot.visit} is", _now(call))


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def change_appointment(
    call: Call, day: Day | None = None, time: TimeOfDay | None = None, doctor: With = None
) -> dict[str, Any]:
    """Move the patient's booked appointment to another day, time or doctor. Pass what is different."""
    calendar: Appointments = call.resources
    now = _now(call)
    appointment = _appointment(call)
    old = appointment.slot
    # What the caller does not mention stays, also the doctor if they are there at the new time.
    search = _search(call, cast("Visit", old.visit), doctor, appointment.reference)
    if day is None and time is None and doctor is None:
        return confirmed(appointment, "found", f"The {old.visit} is", now) | {"next": "Ask when it should be instead."}
    clock, wanted = time or f"{old.starts:%H:%M}", day or old.starts.date().isoformat()
    if clock in PARTS_OF_DAY:
        return search.offer(_day(wanted, now), clock)
    start = _start(wanted, clock, now)
    same = _search(call, cast("Visit", old.visit), cast("DoctorName", old.doctor), appointment.reference).slot(start)
    slot = search.slot(start) if doctor else same or search.slot(start)
    kept = {"kept": f"The appointment {when(old.starts, now)} stays."}
    if slot is None:
        return search.instead(start) | kept
    try:
        return confirmed(calendar.move(appointment, slot), "changed", f"I moved the {slot.visit}: it is", now)
    except Taken:
        return search.instead(start) | kept


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def cancel_appointment(call: Call) -> dict[str, Any]:
    """Cancel the patient's booked appointment."""
    calendar: Appointments = call.resources
    appointment = _appointment(call, also_cancelled=True)
    calendar.cancel(appointment.reference)
    said = f"I cancelled the {appointment.slot.visit}"
    return confirmed(appointment, "cancelled", said, _now(call))


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def send_confirmation(phone: MobilePhone, call: Call) -> dict[str, Any]:
    """Have the practice confirm the patient's booked appointment by a text message."""
    calendar: Appointments = call.resources
    appointment = _appointment(call)
    calendar.confirm(appointment.reference, phone)
    # The number stays out of the result: the caller has just heard it, and the page shows what is here.
    return confirmed(appointment, "confirmed", f"You get a text message about the {appointment.slot.visit}", _now(call))


def _now(call: Call) -> datetime:
    # The calendar has the clinic's own time, which is what a patient reads on the door.
    return call.now.replace(tzinfo=None)


def _search(call: Call, visit: Visit, doctor: DoctorName | None, ignoring: int = 0) -> Search:
    if not doctors_for(visit, doctor):
        names = " and ".join(f"Doctor {one.name}" for one in doctors_for(visit, None))
        raise ToolFailure("other_doctor", f"Say that {names} can do this visit, and ask which one suits the caller.")
    return Search(call.resources, visit, doctor, _now(call), ignoring)


def _day(day: str, now: datetime) -> date:
    """Return the day that a caller wants.

    Raises:
        ToolFailure: It is in the past or too far ahead.
    """
    wanted = date_of(day, now.date())
    if wanted < now.date():
        raise ToolFailure("day_is_past", "Say that this day is over, and ask for another one.")
    if wanted > now.date() + timedelta(days=DAYS_AHEAD):
        raise ToolFailure("too_far_ahead", "Say that the calendar is open for two months, and ask for another day.")
    return wanted


def _start(day: str, clock: str, now: datetime) -> datetime:
    start = during_the_day(_day(day, now), clock_time.fromisoformat(clock), HOURS)
    # "Friday at nine", said on a Friday at half past eight or at noon, means the next one: otherwise it is "today".
    start += timedelta(days=7 if day in WEEKDAYS and start < now + NOTICE else 0)
    if start < now + NOTICE:
        raise ToolFailure("time_is_past", "Say that this is too soon, and ask for a later time.")
    return start


def _patient(name: str, born: str, now: datetime) -> Patient:
    # A misheard year would make a patient who cannot be found again.
    if not "1900-01-01" <= born <= now.date().isoformat():
        raise ToolFailure("date_of_birth_unlikely", "Say that you misheard, and ask for the date of birth again.")
    return Patient(" ".join(name.split()), date.fromisoformat(born))


def _question(name: str | None, born: str | None) -> str:
    missing = [text for text, value in (("full name", name), ("date of birth", born)) if not value]
    return f"May I have the patient's {' and '.join(missing)}?"


def _a(visit: Visit) -> str:
    return f"An {visit}" if visit[0] in "aeiou" else f"A {visit}"


def _patient_of(call: Call) -> Patient:
    """Return the patient that the first stage has identified.

    Raises:
        ToolFailure: There is none.
    """
    name, born = call.facts.get("patient"), call.facts.get("date_of_birth")
    if not name or not born:
        raise ToolFailure("which_patient", _ASK_PATIENT)
    return _patient(name, born, _now(call))


def _appointment(call: Call, *, also_cancelled: bool = False) -> Appointment:
    """Return the appointment that the caller means: of this conversation, or the next one of the patient.

    Raises:
        ToolFailure: There is none. A wrong date of birth and an unknown name get the same answer, so that nobody can
            find out who is a patient.
    """
    calendar: Appointments = call.resources
    patient = _patient_of(call)
    made = calendar.of_conversation(call.session_id)
    # A parent may call about two children: the appointment of the other one is not meant.
    if made is not None and made.patient == patient and (also_cancelled or not made.cancelled):
        return made
    found = calendar.of_patient(patient, _now(call))
    if not found:
        raise ToolFailure(
            "no_such_appointment", "Say that there is no coming appointment under this name and date of birth."
        )
    return found[0]


def _booked(appointment: Appointment, now: datetime) -> dict[str, Any]:
    booked = confirmed(appointment, "booked", f"The {appointment.slot.visit} is booked", now)
    return booked | {"facts": {"booked": booked["speak"]}}
