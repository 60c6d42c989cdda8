"""The clinic finds, books, moves and cancels appointments, and offers what is free where it cannot."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from agent_core.agents import Call, ToolFailure
from agents.clinic import appointments, practice, tools
from tests.support.agents import tool_call

_WEDNESDAY = datetime.fromisoformat("2026-12-02 07:30")

type Calendar = appointments.Appointments
type CallIn = Callable[..., Call]


@pytest.fixture
def calendar(tmp_path: Path) -> Calendar:
    """Return an empty calendar."""
    return appointments.Appointments(tmp_path / "calendar" / "appointments.sqlite")


@pytest.fixture
def call(calendar: Calendar) -> CallIn:
    """Return a function that makes the call that a tool receives."""

    def make(
        key: str = "1", *, session: str = "s", now: datetime = _WEDNESDAY, name: str = "Anna Berg", **facts: str
    ) -> Call:
        patient = {"patient": name, "date_of_birth": "1980-05-03"} if name else {}
        return tool_call("clinic", calendar, now, key=key, session=session, **patient | facts)

    return make


def _choose(call: Call, **changed: object) -> dict[str, Any]:
    values: dict[str, Any] = {"visit": "check-up", "day": "friday", "time": "09:00", "call": call}
    chosen: dict[str, Any] = tools.choose_appointment(**(values | changed))
    return chosen


def _book(call: Call, **changed: object) -> dict[str, Any]:
    """Choose an appointment and confirm it, as two stages of a conversation do."""
    chosen = _choose(call, **changed)
    if chosen["status"] != "chosen":
        return chosen
    booked: dict[str, Any] = tools.book_appointment(replace(call, facts={**call.facts, **chosen["facts"]}))
    return booked


def test_without_a_day_the_first_appointments_of_the_next_days_are_offered(call: CallIn) -> None:
    """A caller who needs a check-up soon hears when, and with which doctor."""
    result = tools.find_appointment(visit="check-up", call=call())
    assert [one["date"] for one in result["appointments"]] == ["2026-12-02", "2026-12-03", "2026-12-04"]
    # Less than an hour from now is too soon, and Friday is Doctor Moreau's day.
    assert result["appointments"][0] == {"date": "2026-12-02", "time": "08:30", "doctor": "Adler"}
    assert result["appointments"][2] == {"date": "2026-12-04", "time": "08:00", "doctor": "Moreau"}
    assert result["speak"].startswith(
        "I can offer today, Wednesday at eight thirty in the morning with Doctor Adler, tomorrow,"
    )


def test_a_part_of_a_day_is_kept(call: CallIn) -> None:
    """The offer for a Thursday afternoon begins after lunch."""
    result = tools.find_appointment(visit="skin check", day="thursday", time="afternoon", call=call())
    assert [one["time"] for one in result["appointments"]] == ["14:00", "16:00", "17:40"]
    assert {one["doctor"] for one in result["appointments"]} == {"Shah"}


@pytest.mark.parametrize(
    ("visit", "day", "reason"),
    [
        ("check-up", "saturday", "on Saturday, December fifth we are closed"),
        ("check-up", "2026-12-25", "we are closed on December 25th"),
        ("skin check", "monday", "Doctor Shah is not here on Monday, December seventh"),
    ],
)
def test_a_day_without_appointments_is_explained_and_others_are_offered(
    call: CallIn, visit: practice.Visit, day: str, reason: str
) -> None:
    """A caller hears why, and what is possible instead."""
    result = tools.find_appointment(visit=visit, day=day, call=call())
    assert reason in result["speak"]
    assert result["appointments"]


def test_a_doctor_who_does_not_do_a_visit_is_refused_with_those_who_do(call: CallIn) -> None:
    """Doctor Shah does no check-ups."""
    with pytest.raises(ToolFailure) as refused:
        tools.find_appointment(visit="check-up", doctor="Shah", call=call())
    assert "Doctor Adler and Doctor Moreau" in str(refused.value.detail)


def test_a_patient_is_identified_by_both(call: CallIn) -> None:
    """What is missing is asked for; with both the fact is known that leads to the next stage."""
    unknown = call(name="")
    asked = tools.identify_patient(unknown)
    assert asked["speak"] == "May I have the patient's full name and date of birth?"
    assert tools.identify_patient(unknown, name="Anna Berg")["speak"] == "May I have the patient's date of birth?"
    known = tools.identify_patient(unknown, name=" Anna  Berg", date_of_birth="1980-05-03")
    assert known["facts"] == {"patient": "Anna Berg", "date_of_birth": "1980-05-03"}
    assert "facts" not in asked


def test_a_chosen_time_is_not_booked(call: CallIn, calendar: Calendar) -> None:
    """It is said once more, and booked after a yes; nothing is chosen for an unknown patient."""
    chosen = _choose(call())
    said = "A check-up on Friday, December fourth at nine in the morning with Doctor Moreau"
    assert chosen["facts"]["appointment"] == said
    assert calendar.all() == []
    with pytest.raises(ToolFailure, match="which_patient"):
        _choose(call(name=""))


def test_a_time_that_was_taken_meanwhile_is_not_booked(call: CallIn, calendar: Calendar) -> None:
    """Another patient was faster: others are offered, and the model goes back to choose."""
    chosen = _choose(call(), day="2026-12-09", doctor="Adler")
    _book(call("other", session="t", name="Bo Lind"), day="2026-12-09", doctor="Adler")
    late = tools.book_appointment(call(**chosen["facts"]))
    assert late["status"] == "taken"
    assert "go_to_choose" in late["next"]
    assert "facts" not in late
    assert len(calendar.all()) == 1


def test_a_booking_is_confirmed_without_the_date_of_birth(call: CallIn, calendar: Calendar) -> None:
    """The confirmation has the absolute day; the date of birth stays in the calendar."""
    result = _book(call())
    assert result["speak"] == (
        "The check-up is booked on Friday, December fourth at nine in the morning with Doctor Moreau."
    )
    assert result["card"]["rows"][0] == ["Day", "Friday, December 4"]
    assert "1980" not in repr(result)
    assert result["facts"] == {"booked": result["speak"]}
    (stored,) = calendar.all()
    assert stored.patient == appointments.Patient("Anna Berg", date(1980, 5, 3))


def test_a_repeated_request_books_one_appointment(call: CallIn, calendar: Calendar) -> None:
    """The model sometimes sends the same request twice."""
    chosen = call("k", **_choose(call())["facts"])
    assert tools.book_appointment(chosen) == tools.book_appointment(chosen)
    assert len(calendar.all()) == 1


_ELSEWHERE = """
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from agents.clinic.appointments import Appointments, Patient, Slot

start = datetime.fromisoformat("2026-12-04 09:00")
slot = Slot("check-up", "Moreau", start, start + timedelta(minutes=30))
print(Appointments(Path(sys.argv[1])).book("k", "s", Patient("Anna Berg", date(1980, 5, 3)), slot, start).reference)
"""


def test_a_request_repeated_by_another_process_books_one_appointment(tmp_path: Path) -> None:
    """A call that a killed task leaves behind sends its request again from the next task."""
    path = tmp_path / "appointments.sqlite"
    command = [sys.executable, "-c", _ELSEWHERE, str(path)]
    tasks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({task.communicate(timeout=60)[0] for task in tasks}) == 1
    assert len(appointments.Appointments(path).all()) == 1


def test_callers_at_the_same_moment_do_not_share_a_doctor(call: CallIn, calendar: Calendar) -> None:
    """Eight patients want Wednesday at nine: both doctors get one, and the others hear what is near."""
    with ThreadPoolExecutor(8) as pool:
        results = [
            *pool.map(
                lambda n: _book(call(f"k{n}", session=f"s{n}", name=f"Patient Number{n}"), day="2026-12-09"), range(8)
            )
        ]
    booked = [result["doctor"] for result in results if result["status"] == "booked"]
    assert sorted(booked) == ["Adler", "Moreau"]
    assert all(result["appointments"] for result in results if result["status"] != "booked")
    assert len(calendar.all()) == 2


def test_a_correction_does_not_leave_two_appointments_behind(call: CallIn, calendar: Calendar) -> None:
    """The caller's "no, at ten" after the booking leads to a change."""
    _book(call("a"))
    second = _book(call("b"), time="10:00")
    assert second["status"] == "found"
    assert "change_appointment" in second["next"]
    assert len(calendar.all()) == 1
    # Another visit on the same day is something else.
    assert _book(call("c"), visit="blood test", time="10:00")["status"] == "booked"


def test_a_patient_cannot_be_with_two_doctors_at_once(call: CallIn, calendar: Calendar) -> None:
    """A second visit at the same time is refused, although another doctor is free."""
    _book(call("a"))
    assert _book(call("b"), visit="skin check")["status"] == "taken"
    assert len(calendar.all()) == 1


def test_a_change_keeps_what_the_caller_does_not_mention(call: CallIn) -> None:
    """The day and the doctor stay when only the time changes; on a day without this doctor it is the other one."""
    _book(call("a"))
    moved = tools.change_appointment(time="11:00", call=call("b"))
    assert (moved["date"], moved["time"], moved["doctor"]) == ("2026-12-04", "11:00", "Moreau")
    assert moved["speak"].startswith("I moved the check-up: it is on Friday, December fourth at eleven in the morning")
    other = tools.change_appointment(day="thursday", call=call("c"))
    assert (other["date"], other["time"], other["doctor"]) == ("2026-12-03", "11:00", "Adler")


def test_a_change_to_a_taken_time_keeps_the_appointment(call: CallIn, calendar: Calendar) -> None:
    """The caller does not lose the old time for a new one that is not free."""
    _book(call("a", session="other", name="Bo Lind"), time="10:00")
    _book(call("b"))
    result = tools.change_appointment(time="10:00", call=call("c"))
    assert result["status"] == "taken"
    assert result["kept"] == "The appointment on Friday, December fourth at nine in the morning stays."
    assert sorted(f"{one.slot.starts:%H:%M}" for one in calendar.all()) == ["09:00", "10:00"]


def test_an_earlier_appointment_needs_name_and_date_of_birth(call: CallIn) -> None:
    """A wrong date of birth gets the same answer as an unknown name."""
    _book(call("a", session="yesterday", name="Ana Bérg"))
    found = tools.look_up_appointment(call("b", name="anna berg"))
    assert found["speak"].startswith("The check-up is on Friday, December fourth")
    answers = []
    for name, born in (("Anna Berg", "1981-05-03"), ("Carla Voss", "1980-05-03")):
        with pytest.raises(ToolFailure) as refused:
            tools.cancel_appointment(call("c", name=name, date_of_birth=born))
        answers.append((refused.value.code, refused.value.detail))
    assert answers[0] == answers[1]
    for tool in (tools.look_up_appointment, tools.cancel_appointment, tools.change_appointment):
        with pytest.raises(ToolFailure, match="which_patient"):
            tool(call=call("d", name=""))


def test_a_cancelled_appointment_is_free_again(call: CallIn, calendar: Calendar) -> None:
    """Cancelling twice changes nothing, and the same appointment can be booked again."""
    _book(call("a"))
    cancelled = tools.cancel_appointment(call=call("b"))
    assert cancelled["speak"].startswith("I cancelled the check-up on Friday, December fourth at nine in the morning")
    assert tools.cancel_appointment(call=call("b")) == cancelled
    assert calendar.all() == []
    assert _book(call("a"))["status"] == "booked"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"day": "2026-12-01"}, "day_is_past"),
        ({"day": "2027-06-01"}, "too_far_ahead"),
        ({"day": "today", "time": "08:00"}, "time_is_past"),
    ],
)
def test_what_cannot_be_an_appointment_is_refused_with_the_way_on(
    call: CallIn, changed: dict[str, object], code: str
) -> None:
    """Each refusal tells the model what to say."""
    with pytest.raises(ToolFailure) as refused:
        _book(call(), **changed)
    assert refused.value.code == code
    assert refused.value.detail


def test_a_date_of_birth_in_the_future_was_misheard(call: CallIn) -> None:
    """A misheard year would make a patient who cannot be found again."""
    with pytest.raises(ToolFailure, match="date_of_birth_unlikely"):
        tools.identify_patient(call(name=""), name="Anna Berg", date_of_birth="2031-01-01")


def test_the_weekday_of_today_means_the_next_week_when_it_is_too_late(call: CallIn) -> None:
    """A patient who means today says so."""
    assert _book(call(), day="wednesday", time="08:00")["date"] == "2026-12-09"
    assert _book(call("2", session="t", name="Bo Lind"), day="wednesday", time="11:00")["date"] == "2026-12-02"


def test_three_means_the_afternoon(call: CallIn) -> None:
    """The clinic is closed at three in the morning."""
    assert _book(call(), day="thursday", time="03:00")["time"] == "15:00"


def test_names_of_patients_are_forgotten_a_month_after_the_visit(call: CallIn, calendar: Calendar) -> None:
    """A booking deletes the names of visits that are long over."""
    _book(call("a"))
    _book(call("b", session="t", now=datetime.fromisoformat("2027-01-11 07:00"), name="Bo Lind"))
    assert [one.patient.name for one in calendar.all()] == ["Bo Lind"]


def test_thanksgiving_is_a_holiday() -> None:
    """The fourth Thursday of November, in any year."""
    assert practice.closed_on(date(2026, 11, 26)) == practice.closed_on(date(2027, 11, 25)) == "Thanksgiving"
    assert practice.closed_on(date(2026, 11, 19)) == ""


def test_tasks_that_start_together_share_the_file(tmp_path: Path) -> None:
    """Eight tasks that open a new file at the same moment wait for each other."""
    for number in range(20):
        path, together = tmp_path / f"{number}.sqlite", Barrier(8)

        def start(path: Path = path, together: Barrier = together) -> int:
            together.wait(30)
            return len(appointments.Appointments(path).all())

        with ThreadPoolExecutor(8) as tasks:
            assert [task.result() for task in [tasks.submit(start) for _ in range(8)]] == [0] * 8


def test_the_number_for_the_confirmation_is_kept_with_the_appointment(call: CallIn, calendar: Calendar) -> None:
    """The practice reads it there; the result, which the model and the page see, has none. A correction replaces it."""
    _book(call())
    result = tools.send_confirmation("+12025550124", call("2"))
    tools.send_confirmation("+12025550123", call("3"))
    (made,) = calendar.all()
    assert calendar.confirmations() == {made.reference: "+12025550123"}
    assert "555" not in str(result)
    assert result["speak"].startswith("You get a text message about the check-up on Friday, December fourth at nine")


def test_nothing_is_confirmed_without_an_appointment(call: CallIn, calendar: Calendar) -> None:
    """Of a patient who has none, or who has cancelled it."""
    with pytest.raises(ToolFailure, match="no_such_appointment"):
        tools.send_confirmation("+12025550123", call())
    _book(call())
    tools.send_confirmation("+12025550123", call("2"))
    tools.cancel_appointment(call("3"))
    assert calendar.confirmations() == {}


def test_a_number_goes_with_its_appointment(call: CallIn, calendar: Calendar) -> None:
    """Thirty days after the visit; the next patient, whose appointment has the same reference, has no number."""
    _book(call())
    tools.send_confirmation("+12025550123", call("2"))
    (old,) = calendar.all()
    later = datetime.fromisoformat("2027-01-11 07:30")
    _book(call("4", session="t", now=later, name="Bo Lind"))
    (new,) = calendar.all()
    assert (new.reference, calendar.confirmations()) == (old.reference, {})
