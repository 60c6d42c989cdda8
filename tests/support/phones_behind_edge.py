"""Several phone services that share call memory, behind the stand-in load balancer."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from standins.edge.server import Edge, EdgeSettings
from tests.support.edge_setting import PHONE, TEMPLATE
from tests.support.phone_process import PhoneProcess
from voice_agent.run.ports import free_port

type StartPhone = Callable[..., AbstractAsyncContextManager[PhoneProcess]]


@dataclass(frozen=True)
class Fleet:
    """Tasks behind one address."""

    edge: Edge
    tasks: list[PhoneProcess]
    folder: Path
    """Where they store call memory."""

    @property
    def url(self) -> str:
        """Return the webhook address."""
        return self.edge.url

    def holder(self, call_sid: str) -> PhoneProcess:
        """Return the task whose conversation with this caller began last."""
        started = [
            (line["timestamp"], task)
            for task in self.tasks
            for line in task.lines("session_started", call_sid=call_sid)
        ]
        return max(started, key=lambda one: str(one[0]))[1]

    def other(self, task: PhoneProcess) -> PhoneProcess:
        """Return the other one of two tasks."""
        return next(one for one in self.tasks if one is not task)

    def remembered(self) -> dict[str, bytes]:
        """Return the content under each name: encrypted words, or nothing where only a number and a time are kept."""
        with closing(sqlite3.connect(self.folder / "calls.sqlite3")) as database:
            return dict(database.execute("SELECT key, sealed FROM entries"))

    def forgot(self, call_sid: str) -> bool:
        """Return whether the folder holds no word of a call."""
        return not self.remembered().get(call_sid)

    def content(self) -> bytes:
        """Return the folder's whole content, names included."""
        return b"".join(path.name.encode() + path.read_bytes() for path in self.folder.iterdir())


@asynccontextmanager
async def phones_behind_edge(
    start_phone: StartPhone, folder: Path, count: int = 2, noticed: float = 0.5
) -> AsyncIterator[Fleet]:
    """Start the tasks. A dead task leaves the load balancer, as ECS does when a container has stopped.

    Args:
        start_phone: Starts one by name and settings.
        folder: Where they store call memory.
        count: Tasks.
        noticed: Seconds until a death is noticed; more than a test takes leaves it to the health check.
    """
    port = free_port()
    settings = {"PUBLIC_BASE_URL": f"http://127.0.0.1:{port}", "CALL_STORE": f"file:{folder}"}
    async with AsyncExitStack() as stack:
        started = [start_phone(f"task-{folder.name}-{number}", **settings) for number in range(count)]
        tasks = list(await asyncio.gather(*(stack.enter_async_context(one) for one in started)))
        addresses = [("127.0.0.1", urlsplit(task.url).port or 0) for task in tasks]
        edge = await stack.enter_async_context(Edge(EdgeSettings(TEMPLATE, {PHONE: addresses}, port=port)))
        watching = [asyncio.create_task(_take_out(edge, task, noticed)) for task in tasks]
        try:
            yield Fleet(edge, tasks, folder)
        finally:
            for watch in watching:
                watch.cancel()


async def _take_out(edge: Edge, task: PhoneProcess, noticed: float) -> None:
    await task.process.wait()
    await asyncio.sleep(noticed)
    for target in edge.targets(PHONE):
        if target.port == urlsplit(task.url).port:
            edge.deregister(PHONE, target)
