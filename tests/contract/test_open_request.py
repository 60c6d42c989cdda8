"""With visitors, a web task keeps one request to itself open through the load balancer; ECS waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from agent_core.admission import Admission
from standins.edge.server import Edge, EdgeSettings
from standins.edge.targets import EdgeTarget
from standins.serving import serving
from tests.support.edge_setting import TEMPLATE, WEB
from tests.support.waiting import until
from webrtc_agent import open_request
from webrtc_agent.open_request import PATH, OpenRequest

HURRY = 60.0


@dataclass
class Task:
    """The part of a web task that matters here: its visitors and its target."""

    admission: Admission
    request: OpenRequest
    target: EdgeTarget
    failures: list[None]


@dataclass
class Setting:
    """The load balancer of the template, with tasks behind it."""

    edge: Edge
    stack: AsyncExitStack
    tasks: list[Task] = field(default_factory=list)

    async def start(self, url: str = "") -> Task:
        """Start a task.

        Args:
            url: The task's public URL; empty is the load balancer's.
        """
        admission, failures = Admission(5), list[None]()
        client = await self.stack.enter_async_context(httpx.AsyncClient(base_url=url or self.edge.url))
        request = OpenRequest(client, admission, lambda: failures.append(None))
        app = FastAPI()
        app.add_route("/health", _healthy)
        request.install(app)
        port = await self.stack.enter_async_context(serving(app, host="127.0.0.1", port=0))
        target = self.edge.register(WEB, ("127.0.0.1", port))
        await until(lambda: bool(target.health.healthy))
        await self.stack.enter_async_context(request.running())
        self.tasks.append(Task(admission, request, target, failures))
        return self.tasks[-1]

    def is_registered(self, task: Task) -> bool:
        """Return whether the load balancer still has its target, in use or draining."""
        return task.target in self.edge.targets(WEB)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scale the request's keepalive bytes to the load balancer's clock, sixty times faster, and its pauses."""
    monkeypatch.setattr(open_request, "BEAT_SECONDS", 1.0)
    monkeypatch.setattr(open_request, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(open_request, "AGAIN_SECONDS", 1.0)


async def _healthy(_: Request) -> Response:
    return Response()


@asynccontextmanager
async def _setting() -> AsyncIterator[Setting]:
    async with AsyncExitStack() as stack:
        edge = await stack.enter_async_context(Edge(EdgeSettings(TEMPLATE, hurry=HURRY)))
        yield Setting(edge, stack)


async def test_it_is_open_from_the_first_visitor_to_the_last() -> None:
    """The request is open from the first to the last visitor at the task's own target, whichever is preferred."""
    async with _setting() as setting:
        tasks = [await setting.start() for _ in range(3)]
        for task in tasks:
            first, second = task.admission.admit(), task.admission.admit()
            await until(lambda task=task: task.target.outstanding == 1)  # type: ignore[misc]
            first.release()
            third = task.admission.admit()
            second.release()
            await asyncio.sleep(0.5)
            assert task.target.outstanding == 1
            third.release()
            await until(lambda task=task: task.target.outstanding == 0)  # type: ignore[misc]
        assert [task.failures for task in tasks] == [[], [], []]


async def test_every_task_of_a_busy_service_has_its_own() -> None:
    """Each task of a busy service has its own request, also the last one.

    That one is not always the only target with the fewest requests.
    """
    async with _setting() as setting:
        tasks = [await setting.start() for _ in range(4)]
        places = [task.admission.admit() for task in tasks]
        await until(lambda: [task.target.outstanding for task in tasks] == [1, 1, 1, 1])
        for place in places:
            place.release()
        await until(lambda: not any(task.target.outstanding for task in tasks))
        assert not any(task.failures for task in tasks)


async def test_a_task_that_ecs_takes_out_is_drained_until_its_last_visitor_has_left() -> None:
    """A deregistered task gets no new request and drains until its last visitor leaves.

    Without visitors it would be gone at once.
    """
    async with _setting() as setting:
        busy, idle, _ = await setting.start(), await setting.start(), await setting.start()
        place = busy.admission.admit()
        await until(lambda: busy.target.outstanding == 1)
        for task in (busy, idle):
            setting.edge.deregister(WEB, task.target)
        await until(lambda: not setting.is_registered(idle))
        await asyncio.sleep(300 / HURRY)
        assert setting.is_registered(busy)
        async with httpx.AsyncClient(base_url=setting.edge.url) as visitor:
            answers = [await visitor.get("/health") for _ in range(4)]
        assert {answer.status_code for answer in answers} == {200}
        place.release()
        await until(lambda: not setting.is_registered(busy))
        assert busy.failures == []


async def test_a_request_that_breaks_is_made_again() -> None:
    """The task makes the request again when it breaks: AWS can replace a load balancer's node at any time."""
    async with _setting() as setting:
        task = await setting.start()
        place = task.admission.admit()
        await until(lambda: task.target.outstanding == 1)
        task.target.close()
        await until(lambda: task.target.outstanding == 0)
        await until(lambda: task.target.outstanding == 1)
        place.release()
        await until(lambda: task.target.outstanding == 0)
        assert task.failures == []


async def test_fault_33_an_address_that_leads_elsewhere_is_counted_and_tried_again() -> None:
    """A failed request, by a firewall, a wrong URL or an outage, is counted and retried.

    Visitors notice nothing.
    """
    async with _setting() as setting:
        other = await setting.start()
        lost = await setting.start("http://127.0.0.1:1")
        place = lost.admission.admit()
        await until(lambda: len(lost.failures) >= 2, 30)
        assert lost.target.outstanding == 0
        place.release()
        await asyncio.sleep(1)
        failures = len(lost.failures)
        await asyncio.sleep(3)
        assert len(lost.failures) == failures, "nobody is there, and it still tries"
        assert other.failures == []


async def test_fault_33_a_task_that_is_drained_already_asks_seldom() -> None:
    """A draining task, whose request ended while visitors still talked, retries rarely.

    The firewall's limit is for visitors.
    """
    async with _setting() as setting:
        leaving, staying = await setting.start(), await setting.start()
        setting.edge.deregister(WEB, leaving.target)
        place = leaving.admission.admit()
        await until(lambda: len(leaving.failures) == 1, 30)
        await asyncio.sleep(open_request.AGAIN_SECONDS / 2)
        assert len(leaving.failures) == 1
        place.release()
        assert staying.target.outstanding == 0


async def test_nobody_else_can_hold_it_open() -> None:
    """Another client cannot hold the request open, because its path is a secret of the task."""
    async with _setting() as setting:
        task = await setting.start()
        place = task.admission.admit()
        async with httpx.AsyncClient(base_url=setting.edge.url) as stranger:
            for name in ("", "/", "/x", "/%C3%A4"):
                assert (await stranger.get(f"{PATH}{name}")).status_code == 404
        place.release()
