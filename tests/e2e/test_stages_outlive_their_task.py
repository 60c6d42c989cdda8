"""A person speaks with the clinic, whose conversation has stages; the task is killed in one of them.

The other task continues in the same stage: its model has that stage's instructions and tools, and knows the facts.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agents.clinic.appointments import Appointments
from standins.nova.session_records import SessionRecord
from standins.twilio import mulaw
from standins.twilio.handset import CallRecording
from tests.support.open_agents import open_clinic
from tests.support.phone_process import PhoneProcess
from tests.support.speaking_person import SpeakingPerson
from tests.support.spoken_fleet import SpokenFleet, spoken_fleet

NUMBER = "+15550100003"
CALENDAR = "appointments.sqlite"
LINES = (
    ("identify", "I need an appointment for a check-up", ""),
    ("choose", "my name is Anna Baker born on 1980-05-03", "identify_patient"),
    ("confirm", "on Thursday at nine o'clock please", "choose_appointment"),
    ("choose", "yes book it please", "book_appointment"),
)
"""The stage after each line, and the tool that it leads to."""


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SpokenFleet]:
    """Start two tasks with one calendar."""
    variables = {"APPOINTMENTS_FILE": str(tmp_path / CALENDAR)}
    async with spoken_fleet(tmp_path, open_clinic(tmp_path), variables) as world:
        yield world


def _sessions(world: SpokenFleet, task: PhoneProcess, sid: str) -> list[SessionRecord]:
    return [world.nova.ledger.sessions[session] for session in task.model_sessions(sid)]


@pytest.mark.parametrize("before", [1, 2, 3], ids=[LINES[0][0], LINES[1][0], LINES[2][0]])
async def test_the_caller_continues_in_the_stage(world: SpokenFleet, tmp_path: Path, before: int) -> None:
    """The next line leads to the tool of that stage, and the appointment is booked in the end."""
    fleet, recording = world.fleet, CallRecording()
    call = world.exchange.place_call(f"{fleet.url}/incoming-call", callee=NUMBER, hear=recording.keep)
    person, timeline = SpeakingPerson(call, recording), call.timeline
    await person.hears_out(0.0)
    answering = fleet.holder(call.sid)
    sessions: list[SessionRecord] = []
    for place, (stage, line, tool) in enumerate(LINES):
        if place == before:
            killed, answering = answering, fleet.other(answering)
            killed.process.kill()
            again = await timeline.until("stream_started", 20, count=2)
            await person.hears_out(again.at)
            resumed = _sessions(world, answering, call.sid)[-1]
            assert f"\n## Now: {LINES[place - 1][0]}\n" in resumed.system
            assert ('"patient": "Anna Baker"' in resumed.system) is (place > 1)
        said = timeline.now()
        await person.say(mulaw.encode(await world.speak(line, mulaw.RATE)))
        await person.hears_out(said)
        sessions = _sessions(world, answering, call.sid)
        assert f"\n## Now: {stage}\n" in sessions[-1].system
        assert not tool or tool in [use.name for session in sessions for use in session.tools]
    (booked,) = Appointments(tmp_path / CALENDAR).all()
    assert (booked.patient.name, booked.slot.visit, booked.slot.starts.hour) == ("Anna Baker", "check-up", 9)
    call.hang_up()
    await timeline.until("ended", 10)
