"""A person books a table, the task is killed when the table is in the book and before the caller hears it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from agent_core.lost_records import SWEEP_SECONDS
from agent_core.open_conversations import SILENT_SECONDS
from standins.twilio import mulaw
from standins.twilio.handset import CallRecording
from tests.support.hurried import HASTE
from tests.support.open_agents import open_restaurant
from tests.support.rows import booked_tables
from tests.support.speaking_person import SpeakingPerson
from tests.support.spoken_fleet import SpokenFleet, spoken_fleet
from tests.support.waiting import until

NUMBER = "+15550100002"
BOOK = "bookings.sqlite"
SAID = "please book a table for four on Thursday at seven thirty under the name Baker"
# The booking is written, and the model learns of it later: in between the task is killed.
_LATE = """
def _late(book, *wanted, _book=Bookings.book):
    import time

    made = _book(book, *wanted)
    time.sleep(2)
    return made


Bookings.book = _late
"""


def late_restaurant(folder: Path) -> Path:
    """Return a folder of agents in which the restaurant's book answers late."""
    agents = open_restaurant(folder)
    bookings = agents / "restaurant/bookings.py"
    main = '\nif __name__ == "__main__":'
    bookings.write_text(bookings.read_text().replace(main, f"{_LATE}\n{main}"))
    return agents


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SpokenFleet]:
    """Start two tasks with one book of tables."""
    variables = {"BOOKINGS_FILE": str(tmp_path / BOOK)}
    program = ("tests.support.hurried", "phone_agent")
    async with spoken_fleet(tmp_path, late_restaurant(tmp_path), variables, program) as world:
        yield world


async def test_a_table_is_booked_once_although_its_task_is_killed(world: SpokenFleet, tmp_path: Path) -> None:
    """The other task answers as the same agent, repeats the request and finds the table; each part has one record."""
    fleet, recording, book = world.fleet, CallRecording(), tmp_path / BOOK
    words = mulaw.encode(await world.speak(SAID, mulaw.RATE))
    call = world.exchange.place_call(f"{fleet.url}/incoming-call", callee=NUMBER, hear=recording.keep)
    person, timeline = SpeakingPerson(call, recording), call.timeline
    await person.hears_out(0.0)
    await person.say(words)
    await until(lambda: len(booked_tables(book)) == 1, 20)
    killed = fleet.holder(call.sid)
    survivor = fleet.other(killed)
    killed.process.kill()
    again = await timeline.until("stream_started", 20, count=2)
    await person.hears_out(again.at)
    repeated = world.nova.ledger.sessions[survivor.model_sessions(call.sid)[-1]]
    assert [use.name for use in repeated.tools] == ["book_table"]
    assert [(use.result or {}).get("status") for use in repeated.tools] == ["booked"]
    ((_, people, name),) = booked_tables(book)
    assert (people, name) == (4, "Baker")
    call.hang_up()
    await timeline.until("ended", 10)

    def records() -> list[dict[str, object]]:
        lines = [line for task in fleet.tasks for line in task.lines("session_ended", call_sid=call.sid)]
        return [line for line in lines if line["reason"] != "never_connected"]

    await until(lambda: len(records()) >= 2, (SILENT_SECONDS + 3 * SWEEP_SECONDS) / HASTE)
    # Long enough for a second record, which must not come.
    await asyncio.sleep(2 * SWEEP_SECONDS / HASTE)
    assert sorted(str(record["reason"]) for record in records()) == ["caller_hung_up", "task_lost"]
    assert {record["agent"] for record in records()} == {"restaurant"}
    assert len({record["agent_version"] for record in records()}) == 1
