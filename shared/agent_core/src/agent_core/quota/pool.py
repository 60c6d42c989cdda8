"""The leases of all tasks on the quota of one model in one region. No I/O.

A lease ends by itself, so that a task that died returns its streams. A change is made by reading the pool, deciding
here, and writing it back under the condition that it has not changed meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

LEASE_SECONDS: Final = 60.0
"""How long a task that died keeps its streams from others."""
BLOCK: Final = 4
"""Streams that a task leases ahead at most, so that a caller seldom waits for the table."""
_PART_FOR_RENEWALS: Final = 20
"""A conversation holds a second stream for some 3 s of every 360 to 450, less than one in a hundred. One in twenty,
and one at least, leaves room for several at a time, for retries, and for streams that the model counts as open for a
moment after they were closed."""


def kept_for_renewals(quota: int) -> int:
    """Return how many streams of a quota no conversation may begin with."""
    return 0 if quota <= 1 else max(1, quota // _PART_FOR_RENEWALS)


def is_ample(quota: int, taken: int) -> bool:
    """Tell whether three quarters of a quota are free."""
    return taken * 4 <= quota


@dataclass(frozen=True, slots=True)
class Lease:
    """What one task has.

    Attributes:
        calls: Streams for conversations, those that go on and those that may come.
        seconds: Second streams, of conversations that renew theirs.
        until: Unix seconds at which it ends.
    """

    calls: int
    seconds: int
    until: float


@dataclass(frozen=True, slots=True)
class Pool:
    """Every task's lease, and how often the pool has been written."""

    version: int = 0
    leases: Mapping[str, Lease] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a task needs now.

    Attributes:
        calls: Conversations that go on: they are recorded, whatever the quota says.
        seconds: Second streams that are open.
        more_calls: Conversations that would begin.
        more_seconds: Second streams that would be opened.
        leaving: Whether the task takes no more conversations, so that nothing is leased ahead.
    """

    calls: int = 0
    seconds: int = 0
    more_calls: int = 0
    more_seconds: int = 0
    leaving: bool = False


def granted(pool: Pool, task: str, demand: Demand, quota: int, now: float) -> Pool:
    """Return the pool with the lease that a task gets: what it uses, and what it asks for as far as the quota goes.

    Args:
        pool: As it was read.
        task: Who asks.
        demand: What for.
        quota: Streams that may be open at once.
        now: Unix seconds; leases that are over are left out.
    """
    others = {name: one for name, one in pool.leases.items() if name != task and one.until > now}
    taken_calls = sum(one.calls for one in others.values())
    taken = taken_calls + sum(one.seconds for one in others.values())
    room_for_calls = min(quota - kept_for_renewals(quota) - taken_calls, quota - taken - demand.seconds)
    calls = max(demand.calls, min(demand.calls + demand.more_calls, room_for_calls))
    if not demand.leaving:
        # Every task may lease ahead half of an even part of what is left, so that the last streams go to those who ask.
        left = room_for_calls - calls
        calls += max(0, min(BLOCK, left // (2 * (len(others) + 1))))
    seconds = max(demand.seconds, min(demand.seconds + demand.more_seconds, quota - taken - calls))
    leases = dict(others)
    if calls or seconds:
        leases[task] = Lease(calls, seconds, now + LEASE_SECONDS)
    return replace(pool, version=pool.version + 1, leases=leases)
