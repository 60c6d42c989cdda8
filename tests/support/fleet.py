"""Two tasks of each service behind the stand-in load balancer; `ecs_scheduler` replaces them during conversations."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standins.ecs.server import EcsStandin
from standins.edge.server import Edge, EdgeSettings
from standins.edge.targets import EdgeTarget
from standins.nova.server import NovaSettings, NovaStandin
from standins.twilio.server import TwilioExchange
from tests.support.edge_setting import PHONE, TEMPLATE, WEB
from tests.support.phone_process import PhoneProcess, phone_process
from tests.support.score import Score
from tests.support.waiting import until
from tests.support.web_process import WebProcess, web_process

HURRY = 20.0
"""How many times faster the load balancer's clock runs: half an hour of draining is ninety seconds, and a call of ten
seconds is one of three minutes.
"""
DRAIN_SECONDS = 60
EXIT_SECONDS = 100.0
STILL_RUNNING = 999
"""Stands for an exit code while the task runs."""
_OF_WEB = {
    "KEEP_REQUEST_OPEN": "true",
    "RATE_LIMIT_STARTS_PER_MINUTE": "10000",
    "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "10000",
    "MAX_SESSIONS": "40",
}


@dataclass(eq=False)
class Task:
    """One process of a service, as ECS sees it."""

    name: str
    group: str
    service: PhoneProcess | WebProcess
    revision: int = 1
    """Of its task definition."""
    log: list[dict[str, Any]] = field(default_factory=list)
    """Its log at its end."""

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        return "127.0.0.1", int(self.service.url.rpartition(":")[2])

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines of an event."""
        return self.service.lines(event)


@dataclass
class Fleet:
    """All processes of the test."""

    nova: NovaStandin
    exchange: TwilioExchange
    score: Score
    ecs: EcsStandin
    edge: Edge
    edge_events: list[dict[str, object]]
    folder: Path
    stack: AsyncExitStack
    settings: Mapping[str, str] = field(default_factory=dict)
    """Additional environment of every task."""
    tasks: list[Task] = field(default_factory=list)
    """Tasks that receive calls."""
    gone: list[Task] = field(default_factory=list)
    killed: list[Task] = field(default_factory=list)
    started: int = 0

    @staticmethod
    def service(group: str) -> str:
        """Return the service behind a target group."""
        return "phone" if group == PHONE else "web"

    def of(self, group: str) -> list[Task]:
        """Return the tasks of a service."""
        return [task for task in self.tasks if task.group == group]

    @property
    def all_tasks(self) -> list[Task]:
        """Return every task that ever ran."""
        return [*self.tasks, *self.gone, *self.killed]

    async def start(self, group: str, revision: int = 1) -> Task:
        """Start a task, and wait until the load balancer sends it calls."""
        self.started += 1
        name = f"{self.service(group)}-{self.started}"
        settings = {
            "PUBLIC_BASE_URL": self.edge.url,
            "ECS_AGENT_URI": self.ecs.uri(name),  # as ECS does, for every task
            "DRAIN_SECONDS": str(DRAIN_SECONDS),
            "METRICS_INTERVAL_SECONDS": "1",
            "CALL_STORE": f"file:{self.folder / 'calls'}",
            **self.settings,
        }
        log = self.folder / f"{name}.jsonl"
        running = self._phone(log, settings) if group == PHONE else web_process(self.nova, log, settings | _OF_WEB)
        task = Task(name, group, await self.stack.enter_async_context(running), revision)
        target = self.edge.register(group, task.address)
        await until(lambda: bool(target.health.healthy), 30)
        self.tasks.append(task)
        return task

    def _phone(self, log: Path, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - one of two kinds of process
        return phone_process(self.nova, self.exchange, log, settings)

    def stop(self, task: Task) -> None:
        """Deregister a task and stop it; its calls continue."""
        self.tasks.remove(task)
        self.deregister(task)
        self.gone.append(task)
        task.service.process.send_signal(signal.SIGTERM)

    def kill(self, task: Task) -> None:
        """Kill a task without notice. ECS detects it and deregisters it."""
        self.tasks.remove(task)
        self.killed.append(task)
        task.service.process.send_signal(signal.SIGKILL)
        self.deregister(task)

    def deregister(self, task: Task) -> EdgeTarget:
        """Deregister a task; the load balancer keeps its open connections."""
        target = next(one for one in self.edge.targets(task.group) if (one.host, one.port) == task.address)
        self.edge.deregister(task.group, target)
        return target

    async def exit_codes(self) -> dict[str, int]:
        """Wait until every stopped task has ended, and return the exit codes; `STILL_RUNNING` for one that runs on."""
        waits = {task.name: asyncio.create_task(task.service.process.wait()) for task in self.gone}
        await asyncio.wait(waits.values(), timeout=EXIT_SECONDS)
        return {name: wait.result() if wait.done() else STILL_RUNNING for name, wait in waits.items()}

    async def shut_down(self) -> dict[str, int]:
        """Stop every task that receives calls, and return all exit codes."""
        for task in list(self.tasks):
            self.stop(task)
        return await self.exit_codes()

    def records(self, group: str) -> list[dict[str, Any]]:
        """Return the end records of conversations; of a call that moved to another task while it rang, only one."""
        lines = [line for task in self.all_tasks if task.group == group for line in task.lines("session_ended")]
        return [line for line in lines if line["reason"] != "never_connected"]


@asynccontextmanager
async def fleet(
    folder: Path,
    score: Score,
    groups: Sequence[str] = (PHONE, PHONE, WEB, WEB),
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Fleet]:
    """Run the environment and a task for each of these groups, by default two of each service."""
    events: list[dict[str, object]] = []
    async with AsyncExitStack() as stack:
        nova = await stack.enter_async_context(NovaStandin(NovaSettings(certificates=folder), score.backend()))
        exchange = await stack.enter_async_context(TwilioExchange())
        ecs = await stack.enter_async_context(EcsStandin())
        edge = await stack.enter_async_context(Edge(EdgeSettings(TEMPLATE, hurry=HURRY, log=events.append)))
        running = Fleet(nova, exchange, score, ecs, edge, events, folder, stack, settings or {})
        for group in groups:
            await running.start(group)
        yield running
