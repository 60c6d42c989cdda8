"""Many visitors, half of whom disconnect without a goodbye: the service releases everything."""

import asyncio
import os
from collections import Counter
from dataclasses import replace

import pytest

from tests.integration.webrtc.conftest import Surroundings
from tests.support import ledger
from tests.support.frugal import used_mb
from tests.support.score import short_notes
from tests.support.visitor import Visitor
from tests.support.waiting import until
from tests.support.web_process import WebProcess

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.thorough,
    pytest.mark.real_time("the memory measured is that of the service as it ships"),
]

GROUP = 8
POOL = min(32, (os.cpu_count() or 1) + 4)
"""Most threads of asyncio's pool, which makes each on first use."""
_LIMITS = {
    "RATE_LIMIT_STARTS_PER_MINUTE": "1000",
    "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "1000",
    "MAX_SESSIONS": "40",
}
_LIMITS |= {"ARRIVALS_PER_ADDRESS": "40"}


@pytest.mark.timeout(150)
async def test_nothing_is_left_of_forty_visitors(surroundings: Surroundings) -> None:
    """Eight visitors at once, after a warm-up of sixteen, while the service still misses the last group."""
    surroundings.score.plan = short_notes
    async with surroundings.start_web("crowds", ("tests.support.frugal", "webrtc_agent"), **_LIMITS) as web:
        fresh = web.held()
        await _visits(web, 16)
        used = [await used_mb(web)]
        for _ in range(2):
            await _visits(web, 12)
            used.append(await used_mb(web))
        before = replace(fresh, threads=fresh.threads + POOL)
        await until(lambda: web.held().threads <= before.threads + 2)  # some belong to codecs, and end later
        ledger.nothing_is_held(before, web.held())
        assert used[-1] - used[0] < 10, used
        reasons = Counter(line["reason"] for line in web.lines("session_ended"))
    assert reasons == {"media_disconnected": 20, "caller_hung_up": 20}
    await until(lambda: surroundings.nova.ledger.streams_open == 0)


async def _visits(web: WebProcess, count: int) -> None:
    """Run visits in groups, and wait until the service has missed the last visitor."""
    for first in range(0, count, GROUP):
        await asyncio.gather(*(_visit(web, number) for number in range(first, min(first + GROUP, count))))

    async def is_idle() -> bool:
        return await web.sessions() == 0

    await until(is_idle, 15)


async def _visit(web: WebProcess, number: int) -> None:
    async with Visitor(web.url) as somebody:
        await somebody.connect()
        await somebody.greeted()
        if number % 2:
            somebody.pull_network()  # no goodbye reaches the service
