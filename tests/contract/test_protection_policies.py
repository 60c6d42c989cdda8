"""The drill's scheduler exposes the design before decision 12: a service that protects its busy tasks is not replaced.

Tasks are counters here instead of processes, so that both designs meet the same scheduler, the same agent and the same
callers. The drill itself, with real processes, is `tests/e2e/test_rolling_deployment.py`.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import pytest

from standins.ecs.server import EcsStandin
from tests.support.ecs_scheduler import LOOK_SECONDS, Scheduler, Wanted
from tests.support.edge_setting import PHONE
from tests.support.fleet import Fleet, Task
from tests.support.waiting import until

HURRY = 100.0
"""How many times faster the load balancer's time runs."""
TEN_MINUTES = 600.0
CALLERS = 20
CALL_SECONDS = (120.0, 300.0)
"""As in the drill: a call takes two to five minutes."""
START_SECONDS = 75.0
POLL_SECONDS = 5.0
RETRY_SECONDS = 60.0


class _Program:
    """A task's program: its active calls, and those that its end cut off."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.calls = 0
        self.dropped = 0

    def send_signal(self, _number: int) -> None:
        """End at once."""
        self.returncode, self.dropped = 0, self.calls

    async def wait(self) -> int:
        """Return the exit code, as it has ended."""
        return 0


@dataclass
class _Service:
    process: _Program = field(default_factory=_Program)


type Policy = Callable[["_Ships", Task], Coroutine[Any, Any, None]]
"""What a task sends to ECS about its calls, from its start to its end."""


async def drained(_ships: "_Ships", _task: Task) -> None:
    """Send nothing, as the product does: the load balancer drains."""


async def protected(ships: "_Ships", task: Task) -> None:
    """Protect a task while it has a call, as the product did: for half an hour, longer than each test here."""
    on = False
    while _program(task).returncode is None:
        await asyncio.sleep(POLL_SECONDS / HURRY)
        if on is not bool(_program(task).calls):
            changed = await ships.protect(task, on=not on)
            on = not on if changed else on
            # ECS protects no more tasks than are desired; the product then asked again after a minute.
            await asyncio.sleep(0 if changed else RETRY_SECONDS / HURRY)


def _program(task: Task) -> _Program:
    return cast("_Service", task.service).process


@dataclass
class _Ships:
    """The part of a fleet that a scheduler needs. A call goes to the task with the fewest, and a task drains."""

    ecs: EcsStandin
    policy: Policy
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - the same calls each time
    tasks: list[Task] = field(default_factory=list)
    """Tasks that get calls."""
    every: list[Task] = field(default_factory=list)
    gone: list[Task] = field(default_factory=list)
    work: set[asyncio.Task[None]] = field(default_factory=set)
    refused: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    """How many calls each revision answered."""

    @property
    def edge(self) -> "_Ships":
        """Return the load balancer."""
        return self

    @property
    def dropped(self) -> int:
        """Return how many calls ended with their task."""
        return sum(_program(task).dropped for task in self.every)

    @staticmethod
    def service(_group: str) -> str:
        """Return the service's name."""
        return "phone"

    def of(self, _group: str) -> list[Task]:
        """Return the tasks that get calls."""
        return list(self.tasks)

    def targets(self, _group: str) -> list[Task]:
        """Return the targets that the load balancer still has calls of."""
        return [task for task in self.every if _program(task).calls]

    def deregister(self, task: Task) -> Task:
        """Return the target, which gets no more calls."""
        return task

    async def start(self, group: str, revision: int) -> None:
        """Start a task."""
        await asyncio.sleep(START_SECONDS / HURRY)
        task = Task(f"phone-{len(self.every) + 1}", group, cast("Any", _Service()), revision)
        self.tasks.append(task)
        self.every.append(task)
        self.work.add(asyncio.create_task(self.policy(self, task)))

    async def protect(self, task: Task, *, on: bool) -> bool:
        """Ask a task's agent to begin or end its protection; return whether ECS has."""
        body = {"ProtectionEnabled": on, **({"ExpiresInMinutes": 30} if on else {})}
        async with httpx.AsyncClient() as client:
            answer = await client.put(f"{self.ecs.uri(task.name)}/task-protection/v1/state", json=body)
        return "protection" in answer.json()

    async def call_again_and_again(self) -> None:
        """Call, talk, hang up, and call again; a call whose task ends is counted there."""
        while True:
            task = min(self.tasks, key=lambda one: _program(one).calls, default=None)
            if task is None:
                self.refused += 1
            else:
                self.answered[task.revision] += 1
                _program(task).calls += 1
                await asyncio.sleep(self.chance.uniform(*CALL_SECONDS) / HURRY)
                _program(task).calls -= 1
            await asyncio.sleep(self.chance.uniform(1, 10) / HURRY)


@asynccontextmanager
async def busy(policy: Policy) -> AsyncIterator[tuple[_Ships, Scheduler]]:
    """Run two tasks with twenty callers, each of them in a call."""
    async with EcsStandin() as ecs:
        ships = _Ships(ecs, policy)
        scheduler = Scheduler(cast("Fleet", ships), HURRY, {PHONE: Wanted(2)})
        async with scheduler.running():
            await scheduler.wait_until_steady(TEN_MINUTES)
            ships.work |= {asyncio.create_task(ships.call_again_and_again()) for _ in range(CALLERS)}
            await until(lambda: ships.answered[1] >= CALLERS)
            await until(lambda: policy is drained or all(ecs.task(one.name).protected for one in ships.tasks))
            yield ships, scheduler
            for task in ships.work:
                task.cancel()
            await asyncio.wait(ships.work)


def deploy(scheduler: Scheduler) -> None:
    """Want another revision."""
    scheduler.wanted[PHONE].revision += 1


def scale_in(scheduler: Scheduler) -> None:
    """Want one task instead of two."""
    scheduler.wanted[PHONE].count = 1


@pytest.mark.parametrize("event", [deploy, scale_in])
async def test_what_the_load_balancer_drains_is_replaced_within_ten_minutes(event: Callable[[Scheduler], None]) -> None:
    """Twenty callers keep both tasks busy; each event ends within ten minutes, and no call is dropped or rejected."""
    async with busy(drained) as (ships, scheduler):
        event(scheduler)
        await scheduler.wait_until_steady(TEN_MINUTES)
        assert (ships.dropped, ships.refused) == (0, 0)


@pytest.mark.parametrize("event", [deploy, scale_in])
async def test_what_busy_tasks_protect_is_not_replaced(event: Callable[[Scheduler], None]) -> None:
    """With task protection both old tasks still get calls after ten minutes, whatever should have replaced them."""
    async with busy(protected) as (ships, scheduler):
        old, before = list(ships.tasks), ships.answered[1]
        event(scheduler)
        with pytest.raises(TimeoutError, match="take calls"):
            await scheduler.wait_until_steady(TEN_MINUTES)
        assert set(old) <= set(ships.tasks)
        assert ships.answered[1] - before >= CALLERS


async def test_a_rollback_takes_the_bad_version_out_once_a_good_task_has_started() -> None:
    """A version that is rolled back gets calls only until ECS has started a task of the old one again."""
    async with busy(drained) as (ships, scheduler):
        deploy(scheduler)
        await until(lambda: ships.answered[2] > 0)
        scheduler.wanted[PHONE].revision = 1
        # Old tasks that drain do not return, so one of the two tasks that must be healthy is still of the bad version.
        await asyncio.sleep((LOOK_SECONDS + START_SECONDS + LOOK_SECONDS) / HURRY)
        bad = ships.answered[2]
        await scheduler.wait_until_steady(TEN_MINUTES)
        assert (ships.answered[2] - bad, ships.dropped, ships.refused) == (0, 0, 0)
