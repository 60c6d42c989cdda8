"""The shared count of streams in memory, and tasks and a model around it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from agent_core.admission import Admission
from agent_core.errors import ModelUnavailable
from agent_core.nova.stream import MeteredClient
from agent_core.quota.capacity import Capacity
from agent_core.quota.pool import Pool
from agent_core.quota.shared_count import TableFault
from tests.support.scripted_model import ScriptedStream, event

MODEL = "a-model"


@dataclass
class MemoryTable:
    """Keeps one pool as DynamoDB does, with conditional writes.

    Attributes:
        pause: Seconds that every answer takes.
        broken: Whether every request fails.
    """

    pool: Pool = field(default_factory=Pool)
    pause: float = 0.005
    broken: bool = False
    reads: int = 0
    writes: int = 0

    async def read(self) -> Pool:
        """Read the pool."""
        self.reads += 1
        await self._attend()
        return self.pool

    async def write(self, pool: Pool) -> bool:
        """Replace the pool, unless it has changed."""
        self.writes += 1
        await self._attend()
        if self.pool.version != pool.version - 1:
            return False
        self.pool = pool
        return True

    async def _attend(self) -> None:
        await asyncio.sleep(self.pause)
        if self.broken:
            raise TableFault("ConnectTimeoutError")

    @property
    def leased(self) -> int:
        """Streams that are leased now."""
        return sum(one.calls + one.seconds for one in self.pool.leases.values() if one.until > time.time())


@dataclass
class LimitedModel:
    """A model that rejects streams above a quota, as Bedrock does, and counts an ended stream a moment longer.

    Attributes:
        quota: Streams that may be open.
        lag: Seconds from the end of a stream until it no longer counts.
    """

    quota: int
    lag: float = 0.5
    open_streams: int = 0
    most: int = 0
    opened: int = 0
    throttled: int = 0

    async def open(self, _model_id: str) -> "_LimitedStream":
        """Open a stream; a rejection shows at its first event."""
        await asyncio.sleep(0.02)
        if self.open_streams >= self.quota:
            self.throttled += 1
            return _LimitedStream(self, refused=True)
        self.opened += 1
        self.open_streams += 1
        self.most = max(self.most, self.open_streams)
        return _LimitedStream(self, refused=False)


class _LimitedStream(ScriptedStream):
    def __init__(self, model: LimitedModel, *, refused: bool) -> None:
        super().__init__()
        self._model = model
        self._counts = not refused
        throttled = ModelUnavailable("ThrottlingException", "Too many requests, please wait before trying again.")
        if refused:
            self.refusal = throttled
            self.fail(throttled)
        else:
            self.say(event("completionStart"))

    async def close(self) -> None:
        await super().close()
        if self._counts:
            self._counts = False
            asyncio.get_running_loop().call_later(self._model.lag, self._end)

    def _end(self) -> None:
        self._model.open_streams -= 1


class Task:
    """One task: its slots, its streams, and its part of the quota."""

    def __init__(self, quota: int | None, places: int, *models: LimitedModel) -> None:
        self.capacity = Capacity([f"region-{number}" for number in range(len(models))], quota)
        self.admission = Admission(places, capacity=self.capacity)
        self.client = MeteredClient(models, self.capacity)


@asynccontextmanager
async def sharing(count: int, quota: int, table: MemoryTable, model: LimitedModel) -> AsyncIterator[list[Task]]:
    """Run so many tasks of forty slots that share a quota."""
    async with AsyncExitStack() as stack:
        tasks = [Task(quota, 40, model) for _ in range(count)]
        for number, task in enumerate(tasks):
            await stack.enter_async_context(task.capacity.shared([table], f"task-{number}"))
        yield tasks
