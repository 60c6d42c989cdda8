"""The restaurant books, changes and cancels tables, and offers what is free where it cannot."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from agent_core.agents import Call, ToolFailure
from agents.restaurant import bookings, hours, tables, tools
from tests.support.agents import tool_call

_WEDNESDAY = datetime.fromisoformat("2026-12-02 11:00")

type Book = bookings.Bookings
type CallIn = Callable[..., Call]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Return an empty book."""
    return bookings.Bookings(tmp_path / "book" / "bookings.sqlite", tables.free_table)


@pytest.fixture
def call(book: Book) -> CallIn:
    """Return a function that makes the call that a tool receives."""

    def make(key: str = "1", *, session: str = "s", now: datetime = _WEDNESDAY) -> Call:
        return tool_call("restaurant", book, now, key=key, session=session)

    return make


def _rossi(call: Call, **changed: object) -> dict[str, Any]:
    values: dict[str, Any] = {"people": 2, "day": "friday", "time": "20:00", "name": "Rossi", "call": call}
    booked: dict[str, Any] = tools.book_table(**(values | changed))
    return booked


def test_a_question_for_a_table_is_answered_with_free_times(call: CallIn, book: Book) -> None:
    """The caller who names no time hears times that exist, and nothing is booked."""
    result = tools.book_table(people=2, day="friday", time="evening", call=call())
    assert result["status"] == "choose_a_time"
    assert result["date"] == "2026-12-04"
    assert result["free_times"][0] == "18:00"
    assert result["free_times"][-1] == "21:30", "the last tables are an hour before closing"
    assert result["speak"].startswith("Friday, December fourth, for two, I can offer six in the evening,")
    assert book.all() == []


def test_a_free_time_without_a_name_asks_for_the_name(call: CallIn, book: Book) -> None:
    """Nothing is booked before the caller has said a name."""
    result = tools.book_table(people=2, day="friday", time="20:00", call=call())
    assert result["status"] == "free"
    assert result["speak"].endswith("What name shall I book it under?")
    assert book.all() == []


def test_a_booking_is_confirmed_with_its_absolute_day(call: CallIn, book: Book) -> None:
    """The confirmation names the day of the month, and the page shows the booking."""
    result = _rossi(call(), wishes="high chair")
    assert result["status"] == "booked"
    assert result["date"] == "2026-12-04"
    assert result["speak"] == (
        "Your table for two is booked, on Friday, December fourth at eight in the evening, under the name Rossi. "
        "I noted: high chair."
    )
    assert result["card"] == {
        "title": "Table booked",
        "value": "Rossi",
        "rows": [["Day", "Friday, December 4"], ["Time", "20:00"], ["People", "2"], ["Wishes", "high chair"]],
    }
    (stored,) = book.all()
    assert (stored.name, stored.people, stored.starts) == ("Rossi", 2, datetime.fromisoformat("2026-12-04 20:00"))


def test_a_repeated_request_books_once(call: CallIn, book: Book) -> None:
    """The model sometimes sends the same request twice."""
    first, second = _rossi(call("k")), _rossi(call("k"))
    assert first == second
    assert len(book.all()) == 1


_ELSEWHERE = """
import sys
from datetime import datetime
from pathlib import Path
from agents.restaurant import bookings, tables

book = bookings.Bookings(Path(sys.argv[1]), tables.free_table)
start = datetime.fromisoformat("2026-12-04 20:00")
print(book.book("k", "s", bookings.Wanted("Rossi", 2, start, start + tables.STAY), start).reference)
"""


def test_a_request_repeated_by_another_process_books_once(tmp_path: Path) -> None:
    """A call that a killed task leaves behind sends its request again from the next task."""
    path = tmp_path / "bookings.sqlite"
    command = [sys.executable, "-c", _ELSEWHERE, str(path)]
    tasks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    references = {task.communicate(timeout=60)[0] for task in tasks}
    assert len(references) == 1
    assert len(bookings.Bookings(path, tables.free_table).all()) == 1


def test_callers_at_the_same_moment_share_out_the_tables(call: CallIn, book: Book) -> None:
    """Twenty callers want one of twelve tables: each table is given once, and the others hear alternatives."""
    with ThreadPoolExecutor(8) as pool:
        results = [*pool.map(lambda caller: _rossi(call(f"k{caller}", session=f"s{caller}")), range(20))]
    statuses = [result["status"] for result in results]
    assert statuses.count("booked") == len(tables.TABLES)
    assert statuses.count("full") == 20 - len(tables.TABLES)
    assert len({one.table for one in book.all()}) == len(tables.TABLES)


def _fill(call: CallIn, day: str = "friday", clock: str = "20:00") -> None:
    for number in range(len(tables.TABLES)):
        _rossi(call(f"fill {day} {clock} {number}", session=f"fill {day} {clock} {number}"), day=day, time=clock)


def test_a_full_time_offers_the_nearest_free_ones(call: CallIn) -> None:
    """Each party keeps its table for two hours, and 22:00 is after the last tables."""
    _fill(call)
    result = _rossi(call("late", session="late"))
    assert result["status"] == "full"
    assert result["free_times"] == ["18:00"]
    assert "we are fully booked. I can offer six in the evening." in result["speak"]


def test_a_full_evening_offers_lunch_and_a_full_day_offers_the_next_days(call: CallIn) -> None:
    """An offer is always something that can be booked."""
    for clock in ("18:00", "20:00"):
        _fill(call, clock=clock)
    evening = tools.book_table(people=2, day="friday", time="evening", call=call("a", session="a"))
    assert evening["status"] == "full"
    assert evening["free_times"] == ["12:00", "12:30", "13:00"]
    _fill(call, clock="12:30")
    day = tools.book_table(people=2, day="friday", call=call("b", session="b"))
    assert day["free_days"] == ["2026-12-05", "2026-12-07", "2026-12-08"]
    assert "I can offer Saturday, December fifth, Monday, December seventh or Tuesday, December eighth" in day["speak"]


@pytest.mark.parametrize(
    ("day", "reason"),
    [("sunday", "on Sunday, December sixth we are closed."), ("2026-12-25", "we are closed on December 25th.")],
)
def test_a_closed_day_offers_the_next_open_ones(call: CallIn, day: str, reason: str) -> None:
    """A caller hears why, and which days are open."""
    result = _rossi(call(), day=day)
    assert result["status"] == "closed"
    assert reason in result["speak"]
    assert result["free_days"]


def test_a_time_outside_the_hours_offers_the_nearest(call: CallIn, book: Book) -> None:
    """A table at four is refused, with the nearest times."""
    result = _rossi(call(), time="16:00")
    assert result["status"] == "closed"
    assert result["free_times"] == ["13:30", "18:00", "18:30"]
    assert book.all() == []


def test_seven_means_the_evening(call: CallIn) -> None:
    """The restaurant is closed at seven in the morning."""
    assert _rossi(call(), time="07:00")["time"] == "19:00"


@pytest.mark.parametrize(
    ("now", "date"),
    [("2026-12-04 12:00", "2026-12-04"), ("2026-12-04 19:50", "2026-12-11"), ("2026-12-04 20:30", "2026-12-11")],
)
def test_friday_said_on_a_friday_is_today_until_the_time_has_passed(call: CallIn, now: str, date: str) -> None:
    """After that it is the next Friday."""
    assert _rossi(call(now=datetime.fromisoformat(now)))["date"] == date


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"day": "today", "time": "12:00", "now": datetime.fromisoformat("2026-12-02 12:30")}, "time_is_past"),
        ({"day": "2026-12-01"}, "day_is_past"),
        ({"day": "2027-06-01"}, "too_far_ahead"),
        ({"people": 9}, "group_too_large"),
    ],
)
def test_what_cannot_be_booked_is_refused_with_the_way_on(call: CallIn, changed: dict[str, Any], code: str) -> None:
    """Each refusal tells the model what to say."""
    now = changed.pop("now", _WEDNESDAY)
    with pytest.raises(ToolFailure) as refused:
        _rossi(call(now=now), **changed)
    assert refused.value.code == code
    assert refused.value.detail


def test_make_it_three_changes_the_table_of_this_conversation(call: CallIn, book: Book) -> None:
    """The party moves to a table that is large enough."""
    _rossi(call("a"))
    result = tools.change_booking(people=3, call=call("b"))
    assert result["status"] == "changed"
    assert result["speak"].startswith("I changed it: your table is for three, on Friday, December fourth at eight")
    (stored,) = book.all()
    assert tables.TABLES[stored.table] >= 3


def test_a_change_of_the_time_keeps_the_day(call: CallIn, book: Book) -> None:
    """What the caller does not mention stays."""
    _rossi(call("a"))
    assert tools.change_booking(time="21:00", call=call("b"))["date"] == "2026-12-04"
    assert [one.starts for one in book.all()] == [datetime.fromisoformat("2026-12-04 21:00")]


def test_a_change_that_finds_no_table_keeps_the_booking(call: CallIn, book: Book) -> None:
    """The caller does not lose the old table for a new one that is not free."""
    _rossi(call("a"), time="18:00")
    _fill(call)
    result = tools.change_booking(time="20:00", call=call("b"))
    assert result["status"] == "full"
    assert result["kept"]["time"] == "18:00"
    assert datetime.fromisoformat("2026-12-04 18:00") in [one.starts for one in book.all()]


def test_a_second_request_in_one_conversation_leads_to_a_change(call: CallIn, book: Book) -> None:
    """The caller's "no, at nine" after the booking must not leave two tables behind."""
    _rossi(call("a"))
    assert _rossi(call("b"), time="21:00")["status"] == "has_table"
    assert len(book.all()) == 1
    assert _rossi(call("c"), time="21:00", another=True)["status"] == "booked"
    assert len(book.all()) == 2


def test_a_table_of_an_earlier_call_is_found_by_name_and_day(call: CallIn) -> None:
    """The last name is enough; another name or day finds nothing."""
    _rossi(call("a", session="yesterday"), name="Marco Rossi")
    found = tools.find_booking(booked_name="rossì", booked_day="friday", call=call("b"))
    assert found["speak"].startswith("There is a table for two, on Friday, December fourth at eight in the evening")
    assert tools.change_booking(people=4, booked_name="Rossi", booked_day="friday", call=call("c"))["people"] == 4
    for name, day in (("Bianchi", "friday"), ("Rossi", "saturday")):
        with pytest.raises(ToolFailure, match="no_such_booking"):
            tools.find_booking(booked_name=name, booked_day=day, call=call("d"))


def test_without_a_booking_the_tool_asks_for_name_and_day(call: CallIn) -> None:
    """A change needs to know which table."""
    for changed in (tools.change_booking, tools.cancel_booking):
        with pytest.raises(ToolFailure, match="which_booking"):
            changed(call=call())


def test_a_cancelled_table_is_free_again_and_can_be_booked_again(call: CallIn, book: Book) -> None:
    """Cancelling twice changes nothing."""
    _rossi(call("a"))
    cancelled = tools.cancel_booking(call=call("b"))
    assert cancelled["speak"] == "Your table for two on Friday, December fourth at eight in the evening is cancelled."
    assert book.all() == []
    assert tools.cancel_booking(call=call("b")) == cancelled, "a repeated request changes nothing"
    # The same words make the same key: this is a new wish, and not the old request again.
    assert _rossi(call("a"))["status"] == "booked"
    assert len(book.all()) == 1


def test_names_are_forgotten_a_month_after_the_visit(call: CallIn, book: Book) -> None:
    """A booking deletes the names of visits that are long over."""
    _rossi(call("a"))
    _rossi(call("b", session="t", now=datetime.fromisoformat("2027-01-11 11:00")), name="Bianchi")
    assert [one.name for one in book.all()] == ["Bianchi"]


def test_the_hours_of_the_tools_are_those_of_the_agent() -> None:
    """The file agent.yaml is the only place for them."""
    assert hours.HOURS[0] == ((12 * 60, 14 * 60 + 30), (18 * 60, 22 * 60 + 30))
    assert hours.HOURS[6] == ()


def test_the_instructions_and_the_knowledge_name_every_closed_day() -> None:
    """What the agent says agrees with what can be booked."""
    folder = Path(tools.__file__).parent
    for page in ("instructions.md", "knowledge/house.md"):
        text = (folder / page).read_text(encoding="utf-8")
        assert all(name in text for name in tables.CLOSED.values())


def test_tasks_that_start_together_share_the_file(tmp_path: Path) -> None:
    """Eight tasks that open a new file at the same moment wait for each other."""
    for number in range(20):
        path, together = tmp_path / f"{number}.sqlite", Barrier(8)

        def start(path: Path = path, together: Barrier = together) -> int:
            together.wait(30)
            return len(bookings.Bookings(path, tables.free_table).all())

        with ThreadPoolExecutor(8) as tasks:
            assert [task.result() for task in [tasks.submit(start) for _ in range(8)]] == [0] * 8
