"""Keep this task's lease on the quota: renew it, enlarge it on demand, and return what is not needed.

A task with a sufficient lease decides from memory; only one that has none left reads the table while a caller waits,
within a deadline. If the table is unreachable, a task continues with its lease until that expires, and then with a part
of the quota small enough for every task to have one.
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
"""A quarter of a lease: three renewals may fail in a row."""
ASK_SECONDS: Final = 0.5
"""Longest wait of a caller for the table, which responds within 10 ms; the phone rings meanwhile."""
AGAIN_SECONDS: Final = 0.5
"""How long a table that had nothing left, or did not respond, is not read again on a caller's behalf."""
LEAVE_SECONDS: Final = 1.0
"""Time for a stopping task to return its lease."""
_EXCHANGE_SECONDS: Final = 2.0
_MOST_TRIES: Final = 5
"""Most attempts of one exchange while other tasks write between its read and its write."""
_MARGIN: Final = 5.0
"""The last seconds of a lease are not used: clocks differ, and opening a stream takes time."""
_USUAL_TASKS: Final = 8
"""Assumed number of tasks until the table shows it: two services of four."""


class Keeper:
    """Keeps the lease of one task.

    Args:
        share: Holds what may be used.
        table: Of the pool.
        quota: Most open streams of all tasks together.
        task: Name of this one.
        on_fault: Called when the table is unreachable.
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
        """Obtain room for one more conversation, if there is any; within ``ASK_SECONDS``, never raises."""
        if not self._should_ask():
            return
        self._more_calls += 1
        try:
            async with asyncio.timeout(ASK_SECONDS), self._lock:
                # Checked again: another caller may have obtained room while this one waited for the lock.
                if self._should_ask():
                    await self._exchange()
        except TimeoutError:
            self._fault("TimeoutError")
        finally:
            self._more_calls -= 1

    def _should_ask(self) -> bool:
        return not self._share.may_begin and self._monotonic() >= self._not_before

    async def double(self) -> None:
        """Obtain room for one more second stream, if there is any; bounded, never raises."""
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
        """Wake the background task after a change, so that the lease follows; no caller waits for it."""
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the lease while the block runs, and return it at its end."""
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
        """Wait until the lease must be renewed, or has become too small or too large."""
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
        # The last stream leased in advance is in use, so more are leased before the next caller arrives; or other tasks
        # may need what is no longer used here.
        return (
            not share.may_begin or share.for_seconds > share.seconds or (self._scarce and share.for_calls > share.calls)
        )

    async def _exchange(self) -> None:
        """Read the pool, and write it with this task's lease; raises only at a deadline."""
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
        # Taken before the request: the lease counts from the earliest time it may have been written.
        asked_at = self._monotonic()
        pool = await self._table.read()
        share = self._share
        demand = Demand(share.calls, share.seconds, self._more_calls, self._more_seconds, self.leaving)
        wanted = granted(pool, self._task, demand, self._quota, self._clock())
        self._tasks = max(_USUAL_TASKS, len(wanted.leases))
        self.is_ample = is_ample(self._quota, sum(one.calls + one.seconds for one in wanted.leases.values()))
        before, mine = pool.leases.get(self._task), wanted.leases.get(self._task)
        if mine is None and before is None:
            self._use(0, 0, demand, asked_at)
            return True
        calls, seconds = (mine.calls, mine.seconds) if mine is not None else (0, 0)
        # A reduction applies before the write, an increase only after it: the quota is never exceeded in between.
        share.for_calls, share.for_seconds = min(share.for_calls, calls), min(share.for_seconds, seconds)
        if not await self._table.write(wanted):
            return False
        self._use(calls, seconds, demand, asked_at)
        return True

    def _use(self, calls: int, seconds: int, demand: Demand, asked_at: float) -> None:
        share = self._share
        share.for_calls, share.for_seconds = calls, seconds
        self._valid_until = asked_at + LEASE_SECONDS - _MARGIN
        # Nothing could be leased in advance. Compared with what was asked: a conversation that ended meanwhile leaves a
        # stream that others may need, not one leased in advance.
        self._scarce = calls <= demand.calls + demand.more_calls
        if not share.may_begin:
            self._not_before = self._monotonic() + AGAIN_SECONDS

    def _fault(self, reason: str) -> None:
        """Continue without the table: with the lease while it lasts, then with a part that every task may use."""
        now = self._monotonic()
        self._not_before = now + AGAIN_SECONDS
        if self._reached:
            log.warning("model_streams_unreachable", error=reason)
        self._reached = self.is_ample = False
        self._on_fault()
        if now >= self._valid_until:
            alone = max(1, (self._quota - kept_for_renewals(self._quota)) // self._tasks)
            self._share.for_calls, self._share.for_seconds = alone, kept_for_renewals(self._quota) // self._tasks
