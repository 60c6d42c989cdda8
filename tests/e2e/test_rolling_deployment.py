"""A deployment, a rollback, a scale-in and a crashed task, with calls and visits behind the load balancer.

ECS's scheduler picks which tasks stop, as it does in the cloud. ``CALLERS`` and ``VISITORS`` set the number of
simultaneous calls and visits; `make drill` uses twenty callers and four visitors.
"""

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.support import ledger
from tests.support.ecs_scheduler import Scheduler, Wanted
from tests.support.edge_setting import PHONE, WEB
from tests.support.fleet import HURRY, Fleet, Task, fleet
from tests.support.score import Score, short_notes
from tests.support.traffic import Traffic, traffic
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

CALLERS = int(os.environ.get("CALLERS", "3"))
VISITORS = int(os.environ.get("VISITORS", "1"))
WEB_TASKS = 2 if VISITORS > 1 else 1
TEN_MINUTES = 600.0
"""Of the load balancer's time, in which a call takes two to five minutes."""


@dataclass
class Drill:
    """The fleet that all tests share, and the scheduler of its tasks."""

    ships: Fleet
    scheduler: Scheduler

    def want(self, *, revision: int | None = None, fewer: int = 0) -> None:
        """Set the desired tasks, as a deployment or a scaling policy does."""
        for wanted in self.scheduler.wanted.values():
            wanted.revision = revision or wanted.revision
            wanted.count = max(1, wanted.count - fewer)

    @property
    def revision(self) -> int:
        """Return the deployed revision."""
        return self.scheduler.wanted[PHONE].revision

    @asynccontextmanager
    async def nobody_notices(self, what: str) -> AsyncIterator[Traffic]:
        """Keep calls and visits active during an event, and check that none is dropped or rejected."""
        events = len(self.ships.edge_events)
        records = {group: len(self.ships.records(group)) for group in (PHONE, WEB)}
        async with traffic(self.ships, callers=CALLERS, visitors=VISITORS) as happened:
            yield happened
        print(f"\n{what}: {happened.summary()}")  # noqa: T201 - the report of a drill
        since = self.ships.edge_events[events:]
        assert happened.problems == {}
        assert all(talk.answered == talk.asked > 0 for talk in [*happened.calls, *happened.visits])
        calls = {talk.name for talk in happened.calls}
        await until(lambda: len(self.ships.records(WEB)) == records[WEB] + len(happened.visits))
        ended = [record for record in self.ships.records(PHONE) if record["call_sid"] in calls]
        ledger.one_end_for_each(ended, list(calls))
        reasons = {record["reason"] for record in [*ended, *self.ships.records(WEB)[records[WEB] :]]}
        assert reasons == {"caller_hung_up"}
        assert [event for event in since if event["event"] == "edge_answered"] == []
        assert [event for event in since if event.get("cut")] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drill(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Drill]:
    """Run tasks of each service and a scheduler; at the end check that everything stopped and was released."""
    score = Score()
    score.plan = short_notes
    groups = (PHONE, PHONE, *[WEB] * WEB_TASKS)
    async with fleet(tmp_path_factory.mktemp("fleet"), score, groups) as ships:
        scheduler = Scheduler(ships, HURRY, {PHONE: Wanted(2), WEB: Wanted(WEB_TASKS)})
        async with scheduler.running():
            yield Drill(ships, scheduler)
        await _books_balance(ships)


async def _books_balance(ships: Fleet) -> None:
    with suppress(TimeoutError):
        await until(lambda: ships.nova.ledger.streams_open == 0, 20)
    ledger.streams_are_closed(ships.nova.ledger)
    codes = await ships.shut_down()
    print(f"\n{len(codes)} tasks ended, exit codes {set(codes.values())}")  # noqa: T201 - the report of a drill
    assert set(codes.values()) == {0}
    ledger.no_protection_is_asked_for(ships.ecs.tasks.values())
    for task in ships.gone:
        counted = sum(line.get("SessionsEnded", 0) for line in task.lines("metrics") if "Reason" not in line)
        assert counted == len([line for line in task.lines("session_ended") if line["reason"] != "never_connected"])


async def test_a_deployment_finishes_while_people_talk(drill: Drill) -> None:
    """Every task is replaced within ten minutes, though each one always has an active call."""
    async with drill.nobody_notices("deployment"):
        drill.want(revision=drill.revision + 1)
        took = await drill.scheduler.wait_until_steady(TEN_MINUTES)
    print(f"every task was replaced in {took:.0f} s")  # noqa: T201 - the report of a drill


async def test_a_rollback_finishes_while_people_talk(drill: Drill) -> None:
    """A rollback removes a new version that has calls within ten minutes, without dropping or rejecting one."""
    good = drill.revision
    async with drill.nobody_notices("rollback"):
        drill.want(revision=good + 1)
        await until(lambda: all(_of_revision(drill, group, good + 1) for group in (PHONE, WEB)), 30)
        drill.want(revision=good)
        took = await drill.scheduler.wait_until_steady(TEN_MINUTES)
    print(f"the old version was alone again after {took:.0f} s")  # noqa: T201 - the report of a drill


def _of_revision(drill: Drill, group: str, revision: int) -> list[str]:
    return [task.name for task in drill.ships.of(group) if task.revision == revision]


async def test_fault_32_a_task_that_dies_loses_no_conversation(drill: Drill) -> None:
    """The callers of a crashed task reach another one within seconds; every other call is undisturbed."""
    ships = drill.ships
    async with traffic(ships, callers=CALLERS, visitors=0) as happened:
        doomed = max(ships.of(PHONE), key=lambda task: len(_calls(task)))
        lost = _calls(doomed)
        ships.kill(doomed)
        await until(
            lambda: lost <= {line["call_sid"] for task in ships.of(PHONE) for line in task.lines("call_lost")}, 60
        )
        before = len(happened.calls)
        await until(lambda: len(happened.calls) >= before + CALLERS, 60)
        await drill.scheduler.wait_until_steady(TEN_MINUTES)
    print(f"\n{len(lost)} calls were taken up by another task; {happened.summary()}")  # noqa: T201 - the report of a drill
    heard_a_sentence = [talk for talk in happened.calls if talk.heard]
    assert happened.problems.keys() <= {"fell_back"}
    assert {talk.name for talk in heard_a_sentence} <= lost
    assert all(talk.answered == talk.asked > 0 for talk in happened.calls)
    calls = [talk.name for talk in happened.calls]
    ledger.one_end_for_each([record for record in ships.records(PHONE) if record["call_sid"] in calls], calls)


def _calls(task: Task) -> set[str]:
    return _sids([task], "session_started") - _sids([task], "session_ended")


def _sids(tasks: Iterable[Task], event: str) -> set[str]:
    return {str(line["call_sid"]) for task in tasks for line in task.lines(event)}


async def test_a_scale_in_finishes_while_people_talk(drill: Drill) -> None:
    """One of the two tasks of each service leaves within ten minutes, and the other takes over."""
    async with drill.nobody_notices("scale-in") as happened:
        drill.want(fewer=1)
        took = await drill.scheduler.wait_until_steady(TEN_MINUTES)
        before = len(happened.calls)
        await until(lambda: len(happened.calls) >= before + CALLERS, 60)
    print(f"one task of each service left in {took:.0f} s")  # noqa: T201 - the report of a drill
