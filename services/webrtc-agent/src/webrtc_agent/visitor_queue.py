"""The queue of visitors who wait for a place, oldest first. No I/O.

No task owns the queue. A visitor asks again every few seconds, and the load balancer chooses the task. Each visitor's
ticket carries what the last task knew of the whole queue (see ``queue_ticket``), and the next task merges that with
what it knows itself. So all tasks agree within a few requests, also one that has just started, and there is no store.
See docs/decisions/0019-a-queue-that-travels-with-its-tickets.md.
"""

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from hashlib import sha256
from typing import Final

from agent_core.errors import AtCapacity
from webrtc_agent.networks import network_of

TICKET_SECONDS: Final = 60.0
"""How long a ticket is valid: each answer brings a new one. An old copy must not stand at the head of the queue."""
FORGET_SECONDS: Final = 90.0
"""How long an entry that left is remembered: longer than its last ticket is valid, or that would bring it back."""
LONGEST_WAIT_SECONDS: Final = 3600.0
"""Age from which an entry does not count any more."""
SKEW_SECONDS: Final = 5.0
"""How far the clocks of two tasks may differ. Amazon Time Sync keeps them within milliseconds."""
HOLD_SECONDS: Final = 20.0
"""How long a place is kept for a visitor from the queue: Daily's client asks for the microphone once it has a room."""
FIRST_GUESS_SECONDS: Final = 120.0
"""Length of a conversation before the first one has ended here."""
REMEMBERED_TALKS: Final = 20
"""Conversations that the average length is taken of."""
MAX_TASKS: Final = 20
"""Tasks that a ticket tells of."""
_STEPS: Final = ((3, 2.0), (10, 4.0))
_SLOWEST: Final = 8.0


class Standing(IntEnum):
    """Where an entry stands; what is known later has the higher number and wins."""

    WAITING = 0
    LEFT = 1
    ADMITTED = 2
    TASK = 3
    """A task and no visitor: ``network`` is its number of places, ``arrived`` how long its conversations are."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One visitor who waits, or has left the queue.

    Attributes:
        name: 64 random bits.
        arrived: Unix seconds; decides the order.
        network: Digest of the address's network, so that one client cannot fill the queue.
        seen: Unix seconds of the last request; or of the moment at which the visitor left the queue.
        standing: Whether it still waits.
    """

    name: bytes
    arrived: float
    network: bytes
    seen: float
    standing: Standing = Standing.WAITING

    @property
    def rank(self) -> tuple[float, bytes]:
        """What the order goes by."""
        return self.arrived, self.name


class QueueFull(AtCapacity):
    """No place is free, and no further visitor may wait."""


class Hold:
    """A place that is kept for one visitor from the queue, for a bounded time."""

    def __init__(self, until: float) -> None:
        self.until = until

    def settle(self) -> None:
        """Keep it no longer: the visitor has the place, or will not come. May be repeated."""
        self.until = 0.0


class VisitorQueue:
    """Knows who waits, in which order, and for how long.

    Args:
        places: Conversations at once in this task.
        quota: The same in all tasks together; None for no limit.
        longest: Visitors who may wait at a time; 0 for no queue.
        per_network: The same from one client's network.
        clock: Unix seconds. Wall time, for tasks have no other clock in common.
    """

    def __init__(
        self, places: int, longest: int, per_network: int, clock: Callable[[], float], *, quota: int | None = None
    ) -> None:
        self._places = places
        self._quota = quota
        self._longest = longest
        self._per_network = per_network
        self._clock = clock
        self._entries: dict[bytes, QueueEntry] = {}
        self._holds: dict[bytes, Hold] = {}
        self._talks = deque([FIRST_GUESS_SECONDS], REMEMBERED_TALKS)
        self._task = secrets.token_bytes(8)

    def join(self, address: str) -> QueueEntry:
        """Add a visitor at the end.

        Raises:
            QueueFull: the queue, or this network's part of it, is full.
        """
        now, network = self._clock(), _digest(address)
        waiting = self.waiting()
        ours = sum(one.network == network for one in waiting)
        if len(waiting) >= self._longest or ours >= self._per_network:
            raise QueueFull("the queue is full" if ours < self._per_network else "a network's part of the queue")
        last = waiting[-1].arrived if waiting else 0.0
        arrived = max(round(now, 3), round(last + 0.001, 3))  # as tickets write it, and no two at the same time
        entry = QueueEntry(secrets.token_bytes(8), arrived, network, now)
        self._entries[entry.name] = entry
        return entry

    def merge(self, entries: Iterable[QueueEntry]) -> None:
        """Learn what another task knew."""
        now = self._clock()
        for entry in entries:
            if entry.seen > now + SKEW_SECONDS or entry.arrived > entry.seen + SKEW_SECONDS or _is_old(entry, now):
                continue
            known = self._entries.get(entry.name, entry)
            newer = max(known, entry, key=lambda one: (one.standing, one.seen))
            self._entries[entry.name] = newer
        self._forget(now)

    def see(self, entry: QueueEntry) -> QueueEntry | None:
        """Note that a visitor is still there; None where the visitor has left, or was away for too long."""
        known = self._entries.get(entry.name)
        if known is None or known.standing is not Standing.WAITING:
            return None
        seen = self._entries[entry.name] = replace(known, seen=self._clock())
        return seen

    def leave(self, entry: QueueEntry) -> None:
        """Take a visitor out."""
        self._end(entry, Standing.LEFT)

    def admitted(self, entry: QueueEntry) -> float:
        """Note that a visitor has got a place; return how long the visitor waited."""
        self._end(entry, Standing.ADMITTED)
        return self._clock() - entry.arrived

    def hold(self, entry: QueueEntry) -> Hold:
        """Keep a place for a visitor who is let in."""
        hold = self._holds[entry.name] = Hold(self._clock() + HOLD_SECONDS)
        return hold

    @property
    def held(self) -> int:
        """Places that are kept for visitors who were let in here."""
        now = self._clock()
        self._holds = {name: hold for name, hold in self._holds.items() if hold.until > now}
        return len(self._holds)

    def waiting(self) -> list[QueueEntry]:
        """List those who are still there, oldest first; one near the head is missed sooner, for others wait for it."""
        now, there = self._clock(), list[QueueEntry]()
        held = self._holds if self.held else {}
        waits = (one for one in self._entries.values() if one.standing is Standing.WAITING and one.name not in held)
        for entry in sorted(waits, key=lambda one: one.rank):
            if now - entry.seen <= 3 * every(len(there) + 1) + SKEW_SECONDS - 1 and not _is_old(entry, now):
                there.append(entry)
        return there

    def ahead_of(self, entry: QueueEntry | None) -> int:
        """Count those who have waited longer; all of them for a visitor who comes now."""
        return sum(1 for one in self.waiting() if entry is None or one.rank < entry.rank)

    def known(self, but: QueueEntry) -> list[QueueEntry]:
        """List what another task should learn: the tasks, those who wait, then the latest of those who left."""
        self._forget(self._clock())
        others = [one for one in self._entries.values() if one.name != but.name and one.standing is not Standing.TASK]
        others.sort(key=lambda one: (one.standing is not Standing.WAITING, -one.seen))
        return [*self._tasks()[:MAX_TASKS], *others[: 2 * self._longest]]

    def talked(self, seconds: float) -> None:
        """Note how long a conversation was."""
        self._talks.append(seconds)

    def seconds_until(self, position: int) -> float:
        """Estimate the wait at a position, by the places of all tasks and the length of their conversations."""
        tasks = self._tasks()
        sizes = [int.from_bytes(one.network) for one in tasks]
        places = min(sum(sizes), self._quota or sum(sizes))
        talk = sum(one.arrived * size for one, size in zip(tasks, sizes, strict=True)) / sum(sizes)
        return position * talk / places

    def _tasks(self) -> list[QueueEntry]:
        now, size = self._clock(), self._places.to_bytes(4)
        own = QueueEntry(self._task, sum(self._talks) / len(self._talks), size, now, Standing.TASK)
        return [own, *(one for one in self._entries.values() if one.standing is Standing.TASK and one.name != own.name)]

    def _end(self, entry: QueueEntry, standing: Standing) -> None:
        known = self._entries.get(entry.name, entry)
        if known.standing is Standing.WAITING:
            self._entries[entry.name] = replace(known, seen=self._clock(), standing=standing)

    def _forget(self, now: float) -> None:
        kept = {name: one for name, one in self._entries.items() if not _is_old(one, now)}
        left = (one for one in kept.values() if one.standing in (Standing.LEFT, Standing.ADMITTED))
        gone = sorted(left, key=lambda one: one.seen)
        for one in gone[: max(0, len(gone) - 2 * self._longest)]:
            del kept[one.name]
        self._entries = kept


def every(position: int) -> float:
    """Return after how many seconds the visitor at a position asks again: those near the head more often."""
    return next((seconds for last, seconds in _STEPS if position <= last), _SLOWEST)


def _is_old(entry: QueueEntry, now: float) -> bool:
    waited = 0 if entry.standing is Standing.TASK else now - entry.arrived
    return now - entry.seen > FORGET_SECONDS or waited > LONGEST_WAIT_SECONDS + FORGET_SECONDS


def _digest(address: str) -> bytes:
    return sha256(network_of(address).narrow.encode()).digest()[:4]
