"""Book, look up, change and cancel a table.

The name and the time are optional arguments: a model invents a required argument that the caller has not said. The tool
answers with what is missing instead, and offers only times at which a table is free.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from agent_core.agents import Call, ToolFailure, tool
from agent_core.days import PARTS_OF_DAY, WEEKDAYS, Day, TimeOfDay, date_of, number

from .answers import Search, confirmed, details, party_of, rows, when
from .bookings import Booking, Bookings, NoTableFree, Wanted
from .hours import HOURS
from .tables import DAYS_AHEAD, LARGEST_PARTY, NOTICE, STAY, free_table, is_seating, seating_of

People = Annotated[int, Field(ge=1, le=60, description="How many people, children included")]
Name = Annotated[str, Field(min_length=1, max_length=60, description="Name for the booking, as the caller said it")]
Wishes = Annotated[
    str, Field(max_length=200, description="Allergies, high chair, birthday, terrace; empty if the caller has none")
]
BookedName = Annotated[
    str, Field(max_length=60, description="Name of a table from an earlier call; leave it out for this call's table")
]
BookedDay = Annotated[Day | None, Field(description="Day of a table booked in an earlier call; otherwise leave it out")]

_FAILED: Final = "booking_failed"


@asynccontextmanager
async def resources(settings: Mapping[str, str]) -> AsyncIterator[Bookings]:
    """Open the book of tables."""
    yield Bookings(Path(settings["BOOKINGS_FILE"]), free_table)


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def book_table(
    people: People,
    day: Day,
    call: Call,
    time: TimeOfDay | None = None,
    name: Name | None = None,
    wishes: Wishes = "",
    another: Annotated[bool, Field(description="True if the caller wants a second table besides the first")] = False,
) -> dict[str, Any]:
    """Book a table, or find out which times are free. Time and name may be missing: the result says what to ask."""
    book: Bookings = call.resources
    now = _now(call)
    repeated = book.of_request(call.key)
    if repeated is not None:
        return _booked_now(repeated, now)
    made = book.of_conversation(call.session_id)
    # A correction such as "no, at nine" must not leave two tables behind.
    if made is not None and not made.cancelled and not another:
        return {
            "status": "has_table",
            "booked": details(made, now),
            "next": "To change this table, call change_booking. For a second, call book_table with another as true.",
        }
    search = Search(book, people, now)
    start = _start(people, day, time, now)
    if start is None:
        return search.times(day, time or "")
    # Only now is everything known that a booking needs.
    if name is not None:
        return _book(call, Wanted(name, people, start, start + STAY, wishes), now)
    if not search.free(start):
        return search.instead(start)
    return {
        "status": "free",
        "speak": f"A table for {party_of(people)} is free {when(start, now)}. What name shall I book it under?",
        "next": "Ask for the name, then call book_table again with it.",
    }


@tool(shown=True, filler=True, failure=_FAILED)
def find_booking(call: Call, booked_name: BookedName = "", booked_day: BookedDay = None) -> dict[str, Any]:
    """Look up a booked table: its day, time, number of people and wishes."""
    now = _now(call)
    booking = _booked(call, booked_name, booked_day)
    return confirmed(booking, "found", f"There is a table for {party_of(booking.people)}", now)


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def change_booking(
    call: Call,
    people: People | None = None,
    day: Day | None = None,
    time: TimeOfDay | None = None,
    name: Name | None = None,
    wishes: Wishes = "",
    booked_name: BookedName = "",
    booked_day: BookedDay = None,
) -> dict[str, Any]:
    """Change a booked table. Pass what is different: the number of people, day, time, name or wishes."""
    book: Bookings = call.resources
    now = _now(call)
    booking = _booked(call, booked_name, booked_day)
    party = people or booking.people
    search = Search(book, party, now, booking.reference)
    start = booking.starts
    if day is not None or time is not None:
        # What the caller does not mention stays.
        date_or_day, clock = day or start.date().isoformat(), time or f"{start:%H:%M}"
        moved = _start(party, date_or_day, clock, now)
        if moved is None:
            return search.times(date_or_day, clock)
        start = moved
    _check_party(party)
    wanted = Wanted(name or booking.name, party, start, start + STAY, wishes or booking.wishes)
    try:
        if not is_seating(start, HOURS):
            return search.instead(start) | {"kept": details(booking, now)}
        changed = book.change(booking.reference, wanted)
    except NoTableFree:
        return search.instead(start) | {"kept": details(booking, now)}
    return confirmed(changed, "changed", f"I changed it: your table is for {party_of(changed.people)}", now)


@tool(acts=True, shown=True, timeout=5.0, filler=True, failure=_FAILED)
def cancel_booking(call: Call, booked_name: BookedName = "", booked_day: BookedDay = None) -> dict[str, Any]:
    """Cancel a booked table."""
    now = _now(call)
    booking = _booked(call, booked_name, booked_day, also_cancelled=True)
    book: Bookings = call.resources
    book.cancel(booking.reference)
    said = f"Your table for {party_of(booking.people)} {when(booking.starts, now)} is cancelled."
    return {
        "status": "cancelled",
        **details(booking, now),
        "speak": said,
        "card": {"title": "Table cancelled", "value": booking.name, "rows": rows(booking)},
    }


def _book(call: Call, wanted: Wanted, now: datetime) -> dict[str, Any]:
    book: Bookings = call.resources
    if is_seating(wanted.starts, HOURS):
        try:
            return _booked_now(book.book(call.key, call.session_id, wanted, now), now)
        except NoTableFree:
            pass
    return Search(book, wanted.people, now).instead(wanted.starts)


def _booked_now(booking: Booking, now: datetime) -> dict[str, Any]:
    return confirmed(booking, "booked", f"Your table for {party_of(booking.people)} is booked", now)


def _now(call: Call) -> datetime:
    # The book has the restaurant's own time, which is what a guest reads on the door.
    return call.now.replace(tzinfo=None)


def _check_party(people: int) -> None:
    if people > LARGEST_PARTY:
        raise ToolFailure(
            "group_too_large",
            f"Say that the host arranges groups of more than {number(LARGEST_PARTY)}, and offer to connect the caller.",
        )


def _start(people: int, day: str, clock: str | None, now: datetime) -> datetime | None:
    """Return when a party sits down; None if the caller has named no time of the clock yet.

    Raises:
        ToolFailure: There is no such table, or it is in the past; the detail says how to continue.
    """
    _check_party(people)
    wanted = date_of(day, now.date())
    if wanted < now.date():
        raise ToolFailure("day_is_past", "Say that this day is over, and ask for another one.")
    if wanted > now.date() + timedelta(days=DAYS_AHEAD):
        raise ToolFailure("too_far_ahead", "Say that tables can be booked three months ahead, and ask for another day.")
    # "In the evening" leads to an offer of times.
    if clock is None or clock in PARTS_OF_DAY:
        return None
    start = seating_of(wanted, clock_time.fromisoformat(clock), HOURS)
    # "Friday at seven", said on a Friday when it is too late for that, means the next one: otherwise it is "today".
    start += timedelta(days=7 if day in WEEKDAYS and start < now + NOTICE else 0)
    if start < now + NOTICE:
        raise ToolFailure("time_is_past", "Say that this is too soon, and ask for a later time.")
    return start


def _booked(call: Call, name: str, day: str | None, *, also_cancelled: bool = False) -> Booking:
    """Return the table that the caller means: of this conversation, or under a name on a day.

    Raises:
        ToolFailure: There is none, or there are several.
    """
    book: Bookings = call.resources
    if not name and day is None:
        made = book.of_conversation(call.session_id)
        if made is not None and (also_cancelled or not made.cancelled):
            return made
    if not name or day is None:
        raise ToolFailure("which_booking", "Ask for the name of the booking and its day, then call again with both.")
    today = _now(call).date()
    found = book.find(name, date_of(day, today))
    # Two guests of one name on one day: only a person can tell them apart.
    if len(found) == 1:
        return found[0]
    if found:
        raise ToolFailure("several_bookings", "Say that there are several tables under this name, and offer the host.")
    raise ToolFailure(
        "no_such_booking", "Say that no table is booked under this name on that day, and ask to check name and day."
    )
