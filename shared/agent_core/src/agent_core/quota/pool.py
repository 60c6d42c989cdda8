"""Compute the leases of all tasks on the quota of one model in one region. No I/O.

A lease expires automatically, so that a task that died returns its streams. A change reads the pool, decides here, and
writes it back on condition that it has not changed meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

LEASE_SECONDS: Final = 60.0
"""How long a dead task keeps its streams from others."""
BLOCK: Final = 4
"""Most streams that a task leases in advance, so that callers rarely wait for the table."""
_PART_FOR_RENEWALS: Final = 20
"""A conversation holds a second stream for about 3 s of every 360 to 450, less than one in a hundred. One in twenty,
and at least one, leaves room for several at a time, for retries, and for streams that the model counts as open for a
moment after they were closed.
"""


def kept_for_renewals(quota: int) -> int:
    """Return how many streams of a quota are reserved for renewals."""
    return 0 if quota <= 1 else max(1, quota // _PART_FOR_RENEWALS)


def is_ample(quota: int, taken: int) -> bool:
    """Return whether three quarters of a quota are free."""
    return taken * 4 <= quota


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of one task.

    Attributes:
        calls: Streams for conversations, active ones and possible new ones.
        seconds: Second streams, of conversations that renew theirs.
        until: Unix seconds at which it expires.
    """

    calls: int
    seconds: int
    until: float


@dataclass(frozen=True, slots=True)
class Pool:
    """Every task's lease, and the version of the pool."""

    version: int = 0
    leases: Mapping[str, Lease] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a task needs now.

    Attributes:
        calls: Active conversations: they are recorded, whatever the quota.
        seconds: Second streams that are open.
        more_calls: Conversations that would start.
        more_seconds: Second streams that would be opened.
        leaving: Whether the task accepts no more conversations, so that nothing is leased in advance.
    """

    calls: int = 0
    seconds: int = 0
    more_calls: int = 0
    more_seconds: int = 0
    leaving: bool = False


def granted(pool: Pool, task: str, demand: Demand, quota: int, now: float) -> Pool:
    """Return the pool with the lease that a task gets: what it uses, and what it requests as far as the quota allows.

    Args:
        pool: As it was read.
        task: The requesting task.
        demand: What it needs.
        quota: Most open streams.
        now: Unix seconds; expired leases are dropped.
    """
    others = {name: one for name, one in pool.leases.items() if name != task and one.until > now}
    taken_calls = sum(one.calls for one in others.values())
    taken = taken_calls + sum(one.seconds for one in others.values())
    # Two limits: conversations leave the reserve for renewals alone, and all streams together stay within the quota.
    room_for_calls = min(quota - kept_for_renewals(quota) - taken_calls, quota - taken - demand.seconds)
    calls = max(demand.calls, min(demand.calls + demand.more_calls, room_for_calls))
    if not demand.leaving:
        # Every task may lease in advance half of an even share of the rest, so that the last streams go to tasks that
        # need them.
        left = room_for_calls - calls
        calls += max(0, min(BLOCK, left // (2 * (len(others) + 1))))
    seconds = max(demand.seconds, min(demand.seconds + demand.more_seconds, quota - taken - calls))
    leases = dict(others)
    if calls or seconds:
        leases[task] = Lease(calls, seconds, now + LEASE_SECONDS)
    return replace(pool, version=pool.version + 1, leases=leases)
