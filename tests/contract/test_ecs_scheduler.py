"""The tests' scheduler follows ECS's documented rules, so a product that breaks one fails here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from standins.ecs.server import EcsStandin
from tests.support.ecs_scheduler import Scheduler, Wanted
from tests.support.edge_setting import WEB
from tests.support.fleet import Fleet, Task
from tests.support.waiting import until

HURRY = 100.0


class _Process:
    """Ends on a signal."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    def send_signal(self, _number: int) -> None:
        self.returncode = 0
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        return 0


@dataclass
class _Service:
    process: _Process = field(default_factory=_Process)


@dataclass
class _Ships:
    """The part of a fleet that a scheduler needs; a task drains at once."""

    ecs: EcsStandin
    tasks: list[Task] = field(default_factory=list)
    gone: list[Task] = field(default_factory=list)
    fewest: int = 99

    edge = cast("Any", type("Edge", (), {"targets": staticmethod(lambda _group: [])}))

    @staticmethod
    def service(_group: str) -> str:
        return "web"

    def of(self, group: str) -> list[Task]:
        return [task for task in self.tasks if task.group == group]

    async def start(self, group: str, revision: int) -> Task:
        await asyncio.sleep(75 / HURRY)
        number = len(self.tasks) + len(self.gone) + 1
        self.tasks.append(Task(f"web-{number}", group, cast("Any", _Service()), revision))
        return self.tasks[-1]

    def deregister(self, _task: Task) -> object:
        self.fewest = min(self.fewest, len(self.tasks))
        return object()


@asynccontextmanager
async def _scheduled(count: int) -> AsyncIterator[tuple[_Ships, Scheduler]]:
    async with EcsStandin() as ecs:
        ships = _Ships(ecs)
        scheduler = Scheduler(cast("Fleet", ships), HURRY, {WEB: Wanted(count)})
        async with scheduler.running():
            await scheduler.wait_until_steady(600)
            yield ships, scheduler


async def _protect(ecs: EcsStandin, task: Task, *, on: bool = True) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        url = f"{ecs.uri(task.name)}/task-protection/v1/state"
        answer = await client.put(url, json={"ProtectionEnabled": on})
        body: dict[str, Any] = answer.json()
        return body


async def test_a_deployment_replaces_all_and_keeps_half() -> None:
    """At most half of the tasks stop while the new ones start (minimumHealthyPercent 50)."""
    async with _scheduled(4) as (ships, scheduler):
        scheduler.wanted[WEB].revision = 2
        await scheduler.wait_until_steady(600)
        assert [task.revision for task in ships.tasks] == [2] * 4
        assert ships.fewest == 2


async def test_a_protected_task_is_neither_stopped_nor_deregistered() -> None:
    """A deployment and a scale-in stop a protected task only after its protection ends."""
    async with _scheduled(2) as (ships, scheduler):
        busy = ships.tasks[0]
        await _protect(ships.ecs, busy)
        scheduler.wanted[WEB].revision = 2
        await until(lambda: len(ships.gone) == 1 and len(ships.tasks) == 3)
        await asyncio.sleep(600 / HURRY)
        assert busy in ships.tasks
        await _protect(ships.ecs, busy, on=False)
        await scheduler.wait_until_steady(600)
        assert busy in ships.gone


async def test_no_more_tasks_are_protected_than_there_should_be() -> None:
    """ECS answers DEPLOYMENT_BLOCKED beyond the desired count, also when a protected task extends its protection."""
    async with _scheduled(2) as (ships, scheduler):
        first, second = ships.tasks
        assert "protection" in await _protect(ships.ecs, first)
        assert "protection" in await _protect(ships.ecs, second)
        scheduler.wanted[WEB].revision = 2
        await until(lambda: len(ships.tasks) == 4)
        assert (await _protect(ships.ecs, ships.tasks[-1]))["failure"]["Reason"] == "DEPLOYMENT_BLOCKED"
        scheduler.wanted[WEB] = Wanted(1)
        await asyncio.sleep(20 / HURRY)
        assert (await _protect(ships.ecs, first))["failure"]["Reason"] == "DEPLOYMENT_BLOCKED"


async def test_the_pretend_agent_refuses_what_the_real_one_refuses() -> None:
    """The agent's stand-in rejects what ECS's agent rejects, so a wrong request fails here, too."""
    async with EcsStandin() as ecs, httpx.AsyncClient(base_url=f"{ecs.uri('task-1')}/") as client:
        too_long = {"ProtectionEnabled": True, "ExpiresInMinutes": 2881}
        wrong: list[object] = [{}, [], {"ProtectionEnabled": "yes"}, too_long]
        for body in wrong:
            answer = await client.put("task-protection/v1/state", json=body)
            assert (answer.status_code, answer.json()["error"]["Code"]) == (400, "InvalidParameterException")
        assert (await client.get("task-protection/v1/state")).json()["protection"]["ProtectionEnabled"] is False
