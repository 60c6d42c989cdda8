"""The queue of visitors who wait for a slot is fair, bounded, and the same at every task."""

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agent_core.agent_runtime import AgentRuntime
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.session_request import SessionRequest
from tests.support.clock import Clock
from tests.unit.webrtc_agent.conftest import Desk, FakeRooms, FakeVisit, MakeClient
from webrtc_agent.queue_ticket import QueueTickets
from webrtc_agent.returning import ConversationPart
from webrtc_agent.rooms import DailyRoom
from webrtc_agent.visitor_queue import QueueEntry, QueueFull, Standing, VisitorQueue, every

WAITING: dict[str, Any] = {"queue": {}}


class TalkingRooms(FakeRooms):
    """Rooms in which a visitor arrives at once, and talks for a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def web_session(
        self,
        agent: AgentRuntime,
        session_request: SessionRequest,
        room: DailyRoom,
        part: ConversationPart | None = None,
    ) -> FakeVisit:
        """Prepare a conversation."""
        del agent, part
        return TalkingVisit(self, session_request.slot, room)


class TalkingVisit(FakeVisit):
    """A conversation of a given length."""

    async def run(self) -> CallDetailRecord:
        """Talk."""
        assert isinstance(self._rooms, TalkingRooms)
        self._slot.take()
        try:
            await asyncio.sleep(self._rooms.seconds)
        finally:
            self._slot.release()
        return CallDetailRecord("session", "browser", EndReason.CALLER_HUNG_UP, 0.0, 0, SessionStats())


@dataclass
class Waiter:
    """A page that waits for a slot, as the product's own page does."""

    desks: list[Desk]
    name: int
    came: float = 0.0
    admitted: float = 0.0
    requests: int = 0
    shown: list[tuple[float, int, int]] = field(default_factory=list)
    """When, position, seconds."""

    async def ask(self, queue: dict[str, Any]) -> httpx.Response:
        """Send a request to any of the tasks."""
        self.requests += 1
        return await random.choice(self.desks).http.post("/start", json={"queue": queue})  # noqa: S311 - a load balancer

    async def wait(self, after: float, patience: float = 3600) -> "Waiter":
        """Arrive, wait, and be let in."""
        await asyncio.sleep(after)
        self.came, queue = time.monotonic(), dict[str, Any]()
        while time.monotonic() - self.came < patience:
            began = time.monotonic()
            answer = await self.ask(queue)
            if answer.status_code == 200:
                self.admitted = time.monotonic()
                return self
            slot = answer.json()["queue"]
            queue = {"ticket": slot["ticket"]}
            self.shown.append((time.monotonic(), slot["position"], slot["seconds"]))
            await asyncio.sleep(max(0.0, slot["every"] - (time.monotonic() - began)))
        return self


def two_tasks(make_desk: MakeClient, *, slots: int, seconds: float, tasks: int = 2, **settings: object) -> list[Desk]:
    """Start tasks that share Daily's key, as behind one load balancer."""
    limits = {
        "rate_limit_starts_per_minute": 1000,
        "rate_limit_starts_per_minute_per_address": 1000,
        "arrivals_per_address": 100,
    }
    limits |= {"max_waiting": 40, "waiting_per_address": 40, "rate_limit_requests_per_minute_per_address": 100_000}
    key = {"daily_api_key": SecretStr("one key of all tasks"), "max_sessions": slots}
    return [make_desk(TalkingRooms(seconds), **{**limits, **key, **settings}) for _ in range(tasks)]


async def crowd(desks: list[Desk], visitors: int, apart: float) -> list[Waiter]:
    """Let visitors arrive one after the other; return them in the order in which they were let in."""
    random.seed(7)
    waits = [Waiter(desks, name).wait(name * apart) for name in range(visitors)]
    return sorted(await asyncio.gather(*waits), key=lambda one: one.admitted)


def overtaken(order: list[Waiter]) -> int:
    """Return by how many positions a visitor was let in too early, at most."""
    return max(abs(slot - one.name) for slot, one in enumerate(order))


async def test_a_crowd_is_let_in_by_arrival(make_desk: MakeClient) -> None:
    """With two tasks and requests to either of them, all visitors get in, and none overtakes by more than one."""
    order = await crowd(two_tasks(make_desk, slots=1, seconds=10), 7, 1.0)
    assert all(one.admitted for one in order)
    assert overtaken(order) <= 1
    for one in order:
        positions = [position for _, position, _ in one.shown[1:]]  # a task learns with the second request
        assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(positions))
        assert one.requests <= 2 + (one.admitted - one.came) / every(1)


@pytest.mark.thorough
async def test_twenty_visitors_for_four_places(make_desk: MakeClient) -> None:
    """No visitor starves, no slot stays free, and the wait shown halfway is correct within a factor of two."""
    order = await crowd(two_tasks(make_desk, slots=2, seconds=60), 20, 0.5)
    queued = [one for one in order if one.shown]
    ratios = []
    for one in queued:
        at, _, seconds = one.shown[len(one.shown) // 2]
        ratios.append(seconds / (one.admitted - at))
    rate = mean(60 * one.requests / (one.admitted - one.came) for one in queued)
    last = max(one.admitted for one in order) - min(one.came for one in order)
    assert overtaken(order) <= 1
    assert last < 4 * 60 + 4 * 2 * 2 * every(1)  # four rounds of conversations come first
    assert rate <= 60 / every(1)
    assert 0.5 < median(ratios) < 2


async def test_a_visitor_who_leaves_is_not_waited_for(make_desk: MakeClient) -> None:
    """A visitor who cancels leaves the queue at once; a silent one is removed after some seconds."""
    (desk,) = two_tasks(make_desk, slots=1, seconds=30, tasks=1)
    slot = desk.agent.admission.admit()
    tickets = [(await desk.http.post("/start", json=WAITING)).json()["queue"] for _ in range(4)]
    assert [slot["position"] for slot in tickets] == [1, 2, 3, 4]
    assert (await desk.http.post("/leave-queue", json={"ticket": tickets[0]["ticket"]})).status_code == 204
    slot.release()
    await asyncio.sleep(5)
    third = await desk.http.post("/start", json={"queue": {"ticket": tickets[2]["ticket"]}})
    assert (third.status_code, third.json()["queue"]["position"]) == (429, 2), "the second may still come"
    await asyncio.sleep(6)
    fourth = await desk.http.post("/start", json={"queue": {"ticket": tickets[3]["ticket"]}})
    assert fourth.json()["queue"]["position"] == 2, "the second is gone, the third is there"
    third = await desk.http.post("/start", json={"queue": {"ticket": third.json()["queue"]["ticket"]}})
    assert third.status_code == 200
    returned = await desk.http.post("/start", json={"queue": {"ticket": tickets[0]["ticket"]}})
    assert returned.json()["queue"]["position"] == 2, "who left is behind the fourth"


async def test_a_newcomer_does_not_overtake(make_desk: MakeClient) -> None:
    """A client that cannot wait is rejected too while others wait for the free slot."""
    (desk,) = two_tasks(make_desk, slots=1, seconds=30, tasks=1)
    slot = desk.agent.admission.admit()
    first = (await desk.http.post("/start", json=WAITING)).json()["queue"]
    slot.release()
    for path, body in (("/start", {}), ("/connect", {}), ("/start", WAITING)):
        refused = await desk.http.post(path, json=body)
        assert (refused.status_code, refused.json()["busy"]) == (429, True)
        assert refused.json()["info"].startswith("All our lines are busy. ")
        assert int(refused.headers["retry-after"]) > 0
    assert (await desk.http.post("/start", json={"queue": {"ticket": first["ticket"]}})).status_code == 200


@pytest.mark.parametrize("why", ["full", "model", "late", "leaving"])
async def test_every_reason_is_told_alike(make_desk: MakeClient, why: str) -> None:
    """Whatever keeps a visitor out, the sentence is the same, and the visitor can wait."""
    (desk,) = two_tasks(make_desk, slots=4, seconds=30, tasks=1, model_streams=2 if why == "model" else None)
    admission = desk.agent.admission
    for _ in range({"full": 4, "model": 1, "late": 1, "leaving": 0}[why]):
        admission.admit()
    admission.is_late = lambda: why == "late"
    if why == "leaving":
        admission.start_draining()
    refused = await desk.http.post("/start")
    seconds = refused.headers["retry-after"]
    assert refused.json()["info"] == f"All our lines are busy. Please try again in {seconds} seconds."
    waits = await desk.http.post("/start", json=WAITING)
    assert (waits.status_code, waits.json()["queue"]["position"]) == (429, 1)
    assert waits.json()["info"] == "All our lines are busy. Your position in the queue is 1."


async def test_a_refused_start_is_not_counted(make_desk: MakeClient) -> None:
    """After twenty rejections and then a slot, the network has not used up its starts."""
    desk = make_desk(max_sessions=1, rate_limit_starts_per_minute_per_address=2)
    slot = desk.agent.admission.admit()
    refused = [await desk.http.post("/start") for _ in range(20)]
    assert {answer.json().get("busy") for answer in refused} == {True}
    slot.release()
    assert [(await desk.http.post("/start")).status_code for _ in range(3)] == [200, 200, 429]


async def test_the_queue_is_bounded(make_desk: MakeClient) -> None:
    """The queue is bounded in total and per address; a rejected visitor retries, without a queue ticket."""
    (desk,) = two_tasks(make_desk, slots=1, seconds=30, tasks=1, max_waiting=3, waiting_per_address=2)
    desk.agent.admission.admit()
    for address, fits in (("192.0.2.7", True), ("192.0.2.7", True), ("192.0.2.7", False), ("198.51.100.1", True)):
        desk.come_from(address)
        assert ("queue" in (await desk.http.post("/start", json=WAITING)).json()) is fits
    desk.come_from("203.0.113.1")
    full = (await desk.http.post("/start", json=WAITING)).json()
    assert (full["busy"], "queue" in full) == (True, False)


def test_a_ticket_cannot_be_made_or_changed() -> None:
    """Without the key no queue ticket can be made or changed, and it expires."""
    office, now = QueueTickets(SecretStr("key")), 1000.0
    entry = QueueEntry(b"12345678", 900.0, b"1234", 1000.0)
    ticket = office.seal(entry, [entry])
    assert office.open(ticket, now) == (entry, [entry])
    assert QueueTickets(SecretStr("key")).open(ticket, now) is not None
    assert QueueTickets(None).open(ticket, now) is None
    assert office.open(ticket, now + 61) is None
    for slot in range(0, len(ticket), 7):
        other = "A" if ticket[slot] != "A" else "B"
        assert office.open(ticket[:slot] + other + ticket[slot + 1 :], now) is None
    for junk in ("", "x", "ü", ticket[:-4], "A" * 20_000):
        assert office.open(junk, now) is None


def test_an_old_ticket_does_not_bring_a_visitor_back() -> None:
    """The tickets of other visitors show the next task who was let in or left."""
    clock = Clock()
    here, there = (VisitorQueue(1, 10, 10, clock) for _ in range(2))
    first, second = here.join("192.0.2.1"), here.join("192.0.2.2")
    there.merge([second, *here.known(second)])
    assert there.ahead_of(second) == 1
    here.admitted(first)
    there.merge([second, *here.known(second)])
    assert there.ahead_of(second) == 0
    there.merge([first])
    assert there.see(first) is None


def test_what_a_ticket_brings_is_bounded() -> None:
    """Its times are neither in the future nor long past, and it fits into a request."""
    clock = Clock()
    queue = VisitorQueue(1, 100, 100, clock)
    queue.merge(
        [QueueEntry(b"future..", 0.0, b"....", clock() + 100), QueueEntry(b"past....", 0.0, b"....", clock() - 100)]
    )
    assert queue.waiting() == []
    gone = [QueueEntry(bytes([n, 0, 0, 0, 0, 0, 0, 0]), clock(), b"....", clock(), Standing.LEFT) for n in range(250)]
    queue.merge(gone)
    entries = [queue.join("192.0.2.1") for _ in range(100)]
    with pytest.raises(QueueFull):
        queue.join("192.0.2.1")
    assert len(QueueTickets(None).seal(entries[0], queue.known(entries[0]))) <= 12_000
