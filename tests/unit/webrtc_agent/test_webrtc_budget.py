"""A client that sends requests without a pause is rejected, and no other client is."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response
from structlog.testing import capture_logs

from tests.support.clock import Clock
from webrtc_agent import budget
from webrtc_agent.budget import BURST_SECONDS, UNIT_BYTES, WIDE, Budgets, RequestBudget

PER_MINUTE = 60
BURST = round(BURST_SECONDS)

type Ask = Callable[..., Awaitable[list[int]]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Send so many requests from an address to an application."""
    monkeypatch.setattr(budget, "HELD_SECONDS", 0.0)
    clock = Clock()
    app = RequestBudget(PlainTextResponse("served"), Budgets(PER_MINUTE, clock), clock)

    async def ask(address: str, times: int, path: str = "/") -> list[int]:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as http:
            return [(await http.get(path)).status_code for _ in range(times)]

    return ask


async def test_one_client_is_bounded(ask: Ask) -> None:
    """The limit covers every path except the load balancer's health checks."""
    assert await ask("192.0.2.1", BURST + 3) == [200] * BURST + [429] * 3
    assert await ask("192.0.2.2", 1) == [200]
    assert await ask("192.0.2.1", 1, "/health") == [200]
    assert await ask("192.0.2.1", 1, "/ready") == [200]


async def test_a_network_of_many_addresses_is_bounded(ask: Ask) -> None:
    """One IPv6 customer has thousands of /64 and one limit; another network is not affected."""
    answers = [await ask(f"2001:db8:1:{n:x}::1", BURST) for n in range(10)]
    served = sum(each.count(200) for each in answers)
    assert served == WIDE * BURST
    assert await ask("2001:db8:2::1", 1) == [200]


async def test_large_answers_count_for_more() -> None:
    """An answer costs by the bytes that were sent, and the debt is repaid within a bounded time."""
    clock = Clock()
    budgets = Budgets(PER_MINUTE, clock)
    app = RequestBudget(Response(bytes(UNIT_BYTES * (BURST - 1))), budgets, clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as http:
        assert (await http.get("/")).status_code == 200
    assert not budgets.spend("127.0.0.1")
    budgets.charge("127.0.0.1", 1_000_000)
    clock.now += BURST_SECONDS + 1
    assert budgets.spend("127.0.0.1")


async def test_a_refusal_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is in the three places where clients look for a sentence, and in the log once a minute."""
    monkeypatch.setattr(budget, "HELD_SECONDS", 0.0)
    clock = Clock()
    app = RequestBudget(PlainTextResponse("served"), Budgets(PER_MINUTE, clock), clock)
    with capture_logs() as lines:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as http:
            answers = [await http.get("/") for _ in range(BURST + 5)]
    body = answers[-1].json()
    assert body["error"] == body["info"] == body["detail"]
    assert body["info"].endswith(".")
    assert answers[-1].headers["retry-after"] == "1"
    assert [line["event"] for line in lines] == ["requests_over_budget"]


async def test_refusals_wait_but_not_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that repeats at once is slowed down, and the number of delayed rejections is bounded."""
    monkeypatch.setattr(budget, "MAX_HELD", 3)
    monkeypatch.setattr(budget, "HELD_SECONDS", 30.0)
    clock = Clock()
    app = RequestBudget(PlainTextResponse("served"), Budgets(PER_MINUTE, clock), clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as http:
        for _ in range(BURST):
            await http.get("/")
        held = [asyncio.create_task(http.get("/")) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert (await http.get("/")).status_code == 429
        assert not any(task.done() for task in held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


def test_a_budget_comes_back_with_time_and_is_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's budget is forgotten only after so many others that it would be full again."""
    monkeypatch.setattr(budget, "MAX_NETWORKS", 6)
    clock = Clock()
    budgets = Budgets(PER_MINUTE, clock)
    assert [budgets.spend("192.0.2.1") for _ in range(BURST + 1)] == [True] * BURST + [False]
    clock.now += 1
    assert [budgets.spend("192.0.2.1") for _ in range(2)] == [True, False]
    for number in range(100):
        budgets.spend(f"198.51.{number}.1")
    assert len(budgets._credits) == 6
