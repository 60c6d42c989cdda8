"""ECS's service scheduler, as documented: it chooses the tasks to start and stop; a test only sets the desired state.

Sources, in the Amazon ECS Developer Guide: "Deploy Amazon ECS services by replacing tasks" (minimum healthy and maximum
percent), "Protect your Amazon ECS tasks from being terminated by scale-in events", "Optimize load balancer connection
draining parameters" (ECS waits for the load balancer, then sends SIGTERM).
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.support.fleet import Fleet, Task

LOOK_SECONDS: Final = 10.0
"""How often it compares running and desired tasks, in the load balancer's time."""
MINIMUM_HEALTHY: Final = 0.5
MAXIMUM: Final = 2.0
STOP_TIMEOUT: Final = 120.0
"""From SIGTERM to SIGKILL."""
_STEP_SECONDS: Final = 0.1


@dataclass
class Wanted:
    """The desired state of a service.

    Args:
        count: How many tasks.
        revision: Of the task definition in the PRIMARY deployment. Tasks of every other revision are stopped.
    """

    count: int
    revision: int = 1


@dataclass
class Scheduler:
    """Starts and stops the tasks of a fleet.

    Args:
        fleet: The load balancer sends calls to its tasks.
        hurry: How many times faster the load balancer's time runs.
    """

    fleet: "Fleet"
    hurry: float
    wanted: dict[str, Wanted] = field(default_factory=dict)
    """By target group."""
    leaving: list["Task"] = field(default_factory=list)
    """Deregistered tasks that still run."""
    _starting: dict[str, int] = field(default_factory=dict)
    _work: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def steady(self) -> bool:
        """Return whether exactly the desired tasks run, and all others have ended."""
        return not self.leaving and all(self._is_right(group) for group in self.wanted)

    async def wait_until_steady(self, seconds: float) -> float:
        """Wait until exactly the desired tasks run; return the seconds it took in the load balancer's time.

        Args:
            seconds: The most that it may take, in the load balancer's time.

        Raises:
            TimeoutError: it took longer; the text says what still runs.
        """
        began = time.monotonic()
        while not self.steady:
            if (took := (time.monotonic() - began) * self.hurry) > seconds:
                running = [f"{task.name} of revision {task.revision}" for task in self.fleet.tasks]
                leaving = [task.name for task in self.leaving]
                raise TimeoutError(f"after {took:.0f} s there take calls {running}, and {leaving} drain")
            await asyncio.sleep(_STEP_SECONDS)
        return (time.monotonic() - began) * self.hurry

    def _is_right(self, group: str) -> bool:
        wanted, tasks = self.wanted[group], self.fleet.of(group)
        return len(tasks) == wanted.count and all(task.revision == wanted.revision for task in tasks)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Compare, start and stop during the block."""
        looking = asyncio.create_task(self._look_again_and_again(), name="ecs-scheduler")
        try:
            yield
        finally:
            for task in (looking, *self._work):
                task.cancel()
            await asyncio.wait({looking, *self._work})
            if not looking.cancelled() and (error := looking.exception()):
                raise error

    async def _look_again_and_again(self) -> None:
        while True:
            for group, wanted in self.wanted.items():
                self.fleet.ecs.desired[self.fleet.service(group)] = wanted.count
                self._start(group, wanted)
                self._stop(group, wanted)
            failed = [task.exception() for task in self._work if task.done() and not task.cancelled()]
            for error in filter(None, failed):
                raise error
            await asyncio.sleep(LOOK_SECONDS / self.hurry)

    def _start(self, group: str, wanted: Wanted) -> None:
        tasks, starting = self.fleet.of(group), self._starting.get(group, 0)
        lacks = wanted.count - starting - sum(task.revision == wanted.revision for task in tasks)
        room = int(wanted.count * MAXIMUM) - starting - len(tasks)
        for _ in range(min(lacks, room)):
            self._starting[group] = self._starting.get(group, 0) + 1
            self._do(self._start_one(group, wanted.revision))

    async def _start_one(self, group: str, revision: int) -> None:
        try:
            await self.fleet.start(group, revision)
        finally:
            self._starting[group] -= 1

    def _stop(self, group: str, wanted: Wanted) -> None:
        """Stop surplus tasks while enough others are healthy; spare protected tasks."""
        tasks = self.fleet.of(group)
        current = [task for task in tasks if task.revision == wanted.revision]
        surplus = [task for task in tasks if task.revision != wanted.revision] + current[: -wanted.count]
        spare = len(tasks) - ceil(wanted.count * MINIMUM_HEALTHY)
        if len(current) >= wanted.count:
            spare = len(tasks) - wanted.count
        free = [task for task in surplus if not self.fleet.ecs.task(task.name).protected]
        for task in free[: max(0, spare)]:
            self.fleet.tasks.remove(task)
            self.leaving.append(task)
            self._do(self._stop_one(task))

    async def _stop_one(self, task: "Task") -> None:
        """Deregister a task, wait for the load balancer, and only then stop the task."""
        target = self.fleet.deregister(task)
        # Bounded by the deregistration delay. ECS polls the load balancer in the same way.
        while target in self.fleet.edge.targets(task.group):  # noqa: ASYNC110
            await asyncio.sleep(_STEP_SECONDS)
        self.fleet.gone.append(task)
        task.service.process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT):
                await task.service.process.wait()
        if task.service.process.returncode is None:
            task.service.process.send_signal(signal.SIGKILL)
        self.leaving.remove(task)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._work.add(asyncio.create_task(work))
