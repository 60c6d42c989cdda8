"""Keeps this task's lease on the quota: renews it, enlarges it for who comes, and returns what is not needed.

A task whose lease is large enough answers from memory; only one that has none left asks the table while a caller waits,
within a deadline. When the table cannot be reached a task goes on with its lease until that ends, and then with a part
of the quota that is small enough for all tasks to have one.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from agent_core.quota.pool import LEASE_SECONDS, Demand, granted, is_ample, kept_for_renewals
from agent_core.quota.share import Share
from agent_core.quota.shared_count import Table, TableFault

log = structlog.get_logger()

RENEW_SECONDS: Final = 15.0
"""A quarter of a lease: three may fail in a row."""
ASK_SECONDS: Final = 0.5
"""Longest wait of a caller for the table, which answers within 10 ms; the telephone rings meanwhile."""
AGAIN_SECONDS: Final = 0.5
"""How long a table that had nothing left, or did not answer, is not asked again on a caller's behalf."""
LEAVE_SECONDS: Final = 1.0
"""For a task that stops to return what it has."""
_EXCHANGE_SECONDS: Final = 2.0
_MOST_TRIES: Final = 5
"""Of one exchange, where other tasks write between its reading and its writing."""
_MARGIN: Final = 5.0
"""A lease is not relied on for its last seconds: clocks differ, and a stream that is being opened takes time."""
_USUAL_TASKS: Final = 8
"""Tasks to share a quota with, until the table shows how many there are: two services of four."""


class Keeper:
    """Keeps the lease of one task.

    Args:
        share: Holds what may be used.
        table: Of the pool.
        quota: Streams that all tasks together may open.
        task: Name of this one.
        on_fault: Called when the table could not be reached.
        clock: Unix seconds.
        monotonic: Seconds of a monotonic clock.
    """

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        share: Share,
        table: Table,
        *,
        quota: int,
        task: str,
        on_fault: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = share
        self._table = table
        self._quota = quota
        self._task = task
        self._on_fault = on_fault
        self._clock = clock
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._more_calls = self._more_seconds = 0
        self._valid_until = self._not_before = 0.0
        self._tasks = _USUAL_TASKS
        self._scarce = True
        self.is_ample = False
        """Whether most of the quota was free when the table was last read."""
        self._reached = True
        self.leaving = False
        share.for_calls = share.for_seconds = 0

    async def prepare(self) -> None:
        """Have room for one more conversation, if there is any; within ``ASK_SECONDS``, and never raises."""
        if not self._should_ask():
            return
        self._more_calls += 1
        try:
            async with asyncio.timeout(ASK_SECONDS), self._lock:
                if self._should_ask():
                    await self._exchange()
        except TimeoutError:
            self._fault("TimeoutError")
        finally:
            self._more_calls -= 1

    def _should_ask(self) -> bool:
        return not self._share.may_begin and self._monotonic() >= self._not_before

    async def double(self) -> None:
        """Have room for one more second stream, if there is any; bounded, and never raises."""
        if self._share.may_double:
            return
        self._more_seconds += 1
        try:
            async with asyncio.timeout(_EXCHANGE_SECONDS), self._lock:
                if not self._share.may_double:
                    await self._exchange()
        except TimeoutError:
            self._fault("TimeoutError")
        finally:
            self._more_seconds -= 1

    def changed(self) -> None:
        """Note that something was taken or given back: the lease is to follow; no caller waits for it."""
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the lease for the length of a block, and return it at its end."""
        keeping = asyncio.create_task(self._keep(), name="model-streams")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            self.leaving = True
            try:
                async with asyncio.timeout(LEAVE_SECONDS), self._lock:
                    await self._exchange()
            except TimeoutError:
                log.warning("model_streams_not_returned")

    async def _keep(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_EXCHANGE_SECONDS), self._lock:
                    await self._exchange()
            except TimeoutError:
                self._fault("TimeoutError")
            await self._look()

    async def _look(self) -> None:
        """Wait until the lease is to be renewed, or has become too small or too large."""
        renew = asyncio.get_running_loop().time() + RENEW_SECONDS * random.uniform(0.8, 1.0)  # noqa: S311 - spreads load
        while not self._is_due():
            try:
                async with asyncio.timeout_at(renew):
                    await self._wake.wait()
            except TimeoutError:
                return
            self._wake.clear()
            await asyncio.sleep(max(0.0, self._not_before - self._monotonic()))

    def _is_due(self) -> bool:
        share = self._share
        if self._monotonic() < self._not_before or self._more_calls or self._more_seconds:
            return False
        # The last one that was leased ahead is in use, so more is leased before the next caller comes; or others may
        # be waiting for what is not in use here any more.
        return (
            not share.may_begin or share.for_seconds > share.seconds or (self._scarce and share.for_calls > share.calls)
        )

    async def _exchange(self) -> None:
        """Read the pool, and write it with this task's lease; never raises but at a deadline."""
        try:
            for _ in range(_MOST_TRIES):
                if await self._try():
                    break
                await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311 - spreads load, hides nothing
            else:
                self._fault("conflict")
                return
        except TableFault as error:
            self._fault(error.reason)
            return
        if not self._reached:
            log.info("model_streams_reached")
        self._reached = True

    async def _try(self) -> bool:
        asked_at = self._monotonic()
        pool = await self._table.read()
        share = self._share
        demand = Demand(share.calls, share.seconds, self._more_calls, self._more_seconds, self.leaving)
        wanted = granted(pool, self._task, demand, self._quota, self._clock())
        self._tasks = max(_USUAL_TASKS, len(wanted.leases))
        self.is_ample = is_ample(self._quota, sum(one.calls + one.seconds for one in wanted.leases.values()))
        before, mine = pool.leases.get(self._task), wanted.leases.get(self._task)
        if mine is None and before is None:
            self._use(0, 0, asked_at)
            return True
        calls, seconds = (mine.calls, mine.seconds) if mine is not None else (0, 0)
        # What is given back is not used from now on; what is added is used when it is written.
        share.for_calls, share.for_seconds = min(share.for_calls, calls), min(share.for_seconds, seconds)
        if not await self._table.write(wanted):
            return False
        self._use(calls, seconds, asked_at)
        return True

    def _use(self, calls: int, seconds: int, asked_at: float) -> None:
        share = self._share
        share.for_calls, share.for_seconds = calls, seconds
        self._valid_until = asked_at + LEASE_SECONDS - _MARGIN
        # Nothing could be leased ahead.
        self._scarce = calls <= share.calls + self._more_calls
        if not share.may_begin:
            self._not_before = self._monotonic() + AGAIN_SECONDS

    def _fault(self, reason: str) -> None:
        """Go on without the table: with the lease while it lasts, then with a part that every task may have."""
        now = self._monotonic()
        self._not_before = now + AGAIN_SECONDS
        if self._reached:
            log.warning("model_streams_unreachable", error=reason)
        self._reached = self.is_ample = False
        self._on_fault()
        if now >= self._valid_until:
            alone = max(1, (self._quota - kept_for_renewals(self._quota)) // self._tasks)
            self._share.for_calls, self._share.for_seconds = alone, kept_for_renewals(self._quota) // self._tasks
