"""A deployment, a scale-in and a task that dies, while people talk behind the load balancer.

``CALLERS`` and ``VISITORS`` say how many talk at a time; `make drill` does it with twenty.
"""

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import ledger
from tests.support.edge_setting import PHONE, WEB
from tests.support.fleet import Fleet, fleet
from tests.support.score import Score, short_notes
from tests.support.traffic import Traffic, traffic
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]

CALLERS = int(os.environ.get("CALLERS", "4"))
VISITORS = int(os.environ.get("VISITORS", "1"))


@pytest_asyncio.fixture(loop_scope="module")
async def running(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Run two tasks of each service."""
    score = Score()
    score.plan = short_notes
    async with fleet(tmp_path, score) as ships:
        yield ships


async def _balance(ships: Fleet, happened: Traffic) -> None:
    """Check the books of everything that was stopped or runs, when the last person has hung up."""
    with suppress(TimeoutError):
        await until(lambda: ships.nova.ledger.streams_open == 0, 20)
    ledger.streams_are_closed(ships.nova.ledger)
    codes = await ships.shut_down()
    print(f"\n{happened.summary()}; exit codes {sorted(codes.values())}")  # noqa: T201 - the report of a drill
    assert set(codes.values()) == {0}
    for task in [*ships.gone, *ships.tasks]:
        asked = ships.ecs.task(task.name)
        ledger.protection_is_released([wish.enabled for wish in asked.asked])
        assert (asked.switched_on, asked.protected) == (asked.switched_off, False)
        told = sum(line.get("SessionsEnded", 0) for line in task.lines("metrics") if "Reason" not in line)
        assert told == len([line for line in task.lines("session_ended") if line["reason"] != "never_connected"])


def _nobody_noticed(ships: Fleet, happened: Traffic) -> None:
    assert happened.problems == {}
    assert all(talk.answered == talk.asked > 0 for talk in [*happened.calls, *happened.visits])
    ledger.one_end_for_each(ships.records(PHONE), [talk.name for talk in happened.calls])
    assert len(ships.records(WEB)) == len(happened.visits)
    assert {record["reason"] for record in [*ships.records(PHONE), *ships.records(WEB)]} == {"caller_left"}
    assert [event for event in ships.edge_events if event["event"] == "edge_answered"] == []
    assert [event for event in ships.edge_events if event.get("cut")] == []


async def test_a_deployment_drops_and_refuses_nobody(running: Fleet) -> None:
    """Every task is replaced, one after the other, while calls go on and new ones keep coming."""
    async with traffic(running, callers=CALLERS, visitors=VISITORS) as happened:
        for old in list(running.tasks):
            await running.replace(old)
    await _balance(running, happened)
    _nobody_noticed(running, happened)
    assert len(running.gone) == 8


async def test_a_scale_in_drops_and_refuses_nobody(running: Fleet) -> None:
    """One task of each service leaves, and the other takes over."""
    async with traffic(running, callers=CALLERS, visitors=VISITORS) as happened:
        running.stop(running.of(PHONE)[0])
        running.stop(running.of(WEB)[0])
        assert set((await running.exit_codes()).values()) == {0}
        before = len(happened.calls)
        await until(lambda: len(happened.calls) >= before + CALLERS, 60)
    await _balance(running, happened)
    _nobody_noticed(running, happened)


async def test_fault_32_a_task_that_dies_loses_no_conversation(running: Fleet) -> None:
    """Its callers are with another task within seconds and talk on; nobody else notices, and nothing hangs."""
    async with traffic(running, callers=CALLERS, visitors=VISITORS) as happened:
        doomed, other = running.of(PHONE)
        lost = {line["call_sid"] for line in doomed.lines("session_started")}
        lost -= {line["call_sid"] for line in doomed.lines("session_ended")}
        running.kill(doomed)
        await until(lambda: lost <= {line["call_sid"] for line in other.lines("call_lost")}, 60)
        before = len(happened.calls)
        await until(lambda: len(happened.calls) >= before + CALLERS, 60)
    await _balance(running, happened)
    print(f"{len(lost)} calls were taken up by another task")  # noqa: T201 - the report of a drill
    heard_a_sentence = [talk for talk in happened.calls if talk.heard]
    assert happened.problems.keys() <= {"fell_back"}
    assert {talk.name for talk in heard_a_sentence} <= lost
    assert all(talk.answered == talk.asked > 0 for talk in happened.calls)
    ledger.one_end_for_each(running.records(PHONE), [talk.name for talk in happened.calls])
    assert other.service.process.returncode == 0
