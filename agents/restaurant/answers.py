"""What the tools answer: the sentence to say, the values behind it, and a card for the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from agent_core.days import PARTS_OF_DAY, date_of, number, spoken_choice, spoken_day, spoken_time

from .bookings import Booking, Bookings
from .hours import HOURS
from .tables import CLOSED, NOTICE, STAY, free_table, is_seating, seatings, spans

_MOST_OFFERED: Final = 3
"""Times in one sentence: callers do not remember more."""
_NEAR: Final = timedelta(hours=3)
_DAYS_SEARCHED: Final = 7


@dataclass(frozen=True)
class Search:
    """Looks for times at which a party can have a table.

    Args:
        book: The book.
        people: In the party.
        now: The restaurant's time.
        ignoring: Reference of the party's own booking while it is changed.
    """

    book: Bookings
    people: int
    now: datetime
    ignoring: int = 0

    def times(self, day: str, part: str) -> dict[str, Any]:
        """Offer the free times of a day or of a part of it; without any, say why and offer something else."""
        wanted = date_of(day, self.now.date())
        first, last = PARTS_OF_DAY.get(part, (time.min, time.max))
        free = self._free_times(wanted)
        fitting = [start for start in free if first <= start.time() <= last]
        if not fitting:
            return self._nothing(wanted, free, f" in the {part}" if part in ("morning", "evening") else "")
        # The first, a middle and the last time, so that an offer covers the evening.
        few = len(fitting) <= _MOST_OFFERED
        said = _spoken_times(fitting if few else [fitting[0], fitting[len(fitting) // 2], fitting[-1]])
        day_said = spoken_day(wanted, self.now.date())
        return {
            "status": "choose_a_time",
            "date": wanted.isoformat(),
            "free_times": _clocks(fitting),
            "speak": f"{_capital(day_said)}, for {party_of(self.people)}, I can offer {said}. What time suits you?",
            "next": "Ask for the time, then call again with it. Any of the free times can be booked.",
        }

    def instead(self, start: datetime) -> dict[str, Any]:
        """Offer the nearest free times, because the one that the caller wants is not free."""
        free = self._free_times(start.date())
        # A caller who wants dinner is not helped by lunch, unless there is nothing else.
        close = [other for other in free if abs(other - start) <= _NEAR] or free
        near = sorted(sorted(close, key=lambda other: abs(other - start))[:_MOST_OFFERED])
        is_open = is_seating(start, HOURS)
        if not near:
            return self._nothing(start.date(), [], "")
        reason = "we are fully booked" if is_open else "we do not seat guests"
        return {
            "status": "full" if is_open else "closed",
            "date": start.date().isoformat(),
            "free_times": _clocks(near),
            "speak": f"I am sorry, {when(start, self.now)} {reason}. I can offer {_spoken_times(near)}."
            " Would one of these suit you?",
            "next": "When the caller chooses a time, call again with it.",
        }

    def free(self, start: datetime) -> bool:
        """Return whether a table is free; without a promise, since another caller may book it."""
        return is_seating(start, HOURS) and self._is_free(start, self.book.of_day(start.date()))

    def _nothing(self, day: date, others: Sequence[datetime], part: str) -> dict[str, Any]:
        """Say why a day or a part of it has no table, and offer its other times or the next days."""
        name = CLOSED.get((day.month, day.day))
        is_closed = next(spans(day, HOURS), None) is None
        no_table = f"we have no table for {party_of(self.people)}{part}"
        reason = f"we are closed on {name}" if name else "we are closed" if is_closed else no_table
        others = others[:_MOST_OFFERED]
        days = [] if others else self._next_days(day)
        said = _spoken_times(others) or spoken_choice([spoken_day(other, self.now.date()) for other in days])
        offer = f"I can offer {said}. Would that suit you?" if said else "Shall we look at another week?"
        # "We are closed on December 25th" names the day already.
        which = "" if name else f"{when_day(day, self.now)} "
        return {
            "status": "closed" if is_closed else "full",
            "date": day.isoformat(),
            "free_times": _clocks(others),
            "free_days": [other.isoformat() for other in days],
            "speak": f"I am sorry, {which}{reason}. {offer}",
            "next": "When the caller chooses, call again with that day or time.",
        }

    def _next_days(self, day: date) -> list[date]:
        later = (day + timedelta(days=ahead) for ahead in range(1, _DAYS_SEARCHED + 1))
        return [other for other in later if self._free_times(other)][:_MOST_OFFERED]

    def _free_times(self, day: date) -> list[datetime]:
        booked = self.book.of_day(day)
        return [at for at in seatings(day, HOURS) if at >= self.now + NOTICE and self._is_free(at, booked)]

    def _is_free(self, start: datetime, booked: Sequence[Booking]) -> bool:
        taken = {
            one.table
            for one in booked
            if one.starts < start + STAY and one.ends > start and one.reference != self.ignoring
        }
        return free_table(self.people, taken) is not None


def confirmed(booking: Booking, status: str, said: str, now: datetime) -> dict[str, Any]:
    """Return a booking as the result of a tool."""
    wish = f" I noted: {booking.wishes}." if booking.wishes else ""
    return {
        "status": status,
        **details(booking, now),
        "speak": f"{said}, {when(booking.starts, now)}, under the name {booking.name}.{wish}",
        "card": {"title": f"Table {status}", "value": booking.name, "rows": rows(booking)},
    }


def details(booking: Booking, now: datetime) -> dict[str, Any]:
    """Return a booking's values for the model."""
    return {
        "people": booking.people,
        "date": booking.starts.date().isoformat(),
        "day": spoken_day(booking.starts.date(), now.date()),
        "time": f"{booking.starts:%H:%M}",
        "name": booking.name,
        "wishes": booking.wishes,
    }


def rows(booking: Booking) -> list[list[str]]:
    """Return a booking's values for the page."""
    shown = [
        ["Day", f"{booking.starts:%A}, {booking.starts:%B} {booking.starts.day}"],
        ["Time", f"{booking.starts:%H:%M}"],
        ["People", str(booking.people)],
    ]
    return [*shown, ["Wishes", booking.wishes]] if booking.wishes else shown


def when(start: datetime, now: datetime) -> str:
    """Return a time in a sentence: "on Friday, December fourth at seven in the evening"."""
    return f"{when_day(start.date(), now)} at {spoken_time(start.time())}"


def when_day(day: date, now: datetime) -> str:
    """Return a day in a sentence: "on Friday, December fourth", or "today"."""
    text = spoken_day(day, now.date())
    return text if text.startswith(("today", "tomorrow")) else f"on {text}"


def party_of(people: int) -> str:
    """Return the number of people in words."""
    return number(people) if people > 1 else "one person"


def _spoken_times(starts: Sequence[datetime]) -> str:
    return spoken_choice([spoken_time(start.time()) for start in starts])


def _clocks(starts: Sequence[datetime]) -> list[str]:
    return [f"{start:%H:%M}" for start in starts]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
