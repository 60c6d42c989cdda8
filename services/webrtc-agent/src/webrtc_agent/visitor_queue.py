"""Keep the queue of visitors who wait for a slot, oldest first. No I/O.

No task owns the queue. A visitor repeats the request every few seconds, and the load balancer chooses the task. Each
visitor's ticket carries what the last task knew of the whole queue (see ``queue_ticket``), and the next task merges
that with its own knowledge. All tasks thus agree within a few requests, even a newly started one, without a store. See
docs/decisions/0019-a-queue-that-travels-with-its-tickets.md.
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
"""How long a ticket is valid: each response brings a new one. An old copy must not hold the head of the queue."""
FORGET_SECONDS: Final = 90.0
"""How long a departed entry is remembered: longer than its last ticket is valid, or that ticket would bring it back."""
LONGEST_WAIT_SECONDS: Final = 3600.0
"""Age from which an entry no longer counts."""
SKEW_SECONDS: Final = 5.0
"""How far the clocks of two tasks may differ. Amazon Time Sync keeps them within milliseconds."""
HOLD_SECONDS: Final = 20.0
"""How long a slot is reserved for a visitor from the queue: Daily's client requests the microphone once it has a room.
"""
FIRST_GUESS_SECONDS: Final = 120.0
"""Assumed length of a conversation before the first one has ended here."""
REMEMBERED_TALKS: Final = 20
"""Number of conversations in the average length."""
MAX_TASKS: Final = 20
"""Most tasks that a ticket reports on."""
_STEPS: Final = ((3, 2.0), (10, 4.0))
_SLOWEST: Final = 8.0


class Standing(IntEnum):
    """State of an entry; later states have higher numbers and win."""

    WAITING = 0
    LEFT = 1
    ADMITTED = 2
    TASK = 3
    """A task and not a visitor: ``network`` is its number of slots, ``arrived`` the length of its conversations."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One visitor who waits, or has left the queue.

    Attributes:
        name: 64 random bits.
        arrived: Unix seconds; decides the order.
        network: Digest of the address's network, so that one client cannot fill the queue.
        seen: Unix seconds of the last request, or of the time at which the visitor left the queue.
        standing: Whether it still waits.
    """

    name: bytes
    arrived: float
    network: bytes
    seen: float
    standing: Standing = Standing.WAITING

    @property
    def rank(self) -> tuple[float, bytes]:
        """The sort key."""
        return self.arrived, self.name


class QueueFull(AtCapacity):
    """No slot is free, and no further visitor may wait."""


class Hold:
    """A slot reserved for one visitor from the queue, for a bounded time."""

    def __init__(self, until: float) -> None:
        self.until = until

    def settle(self) -> None:
        """End the reservation: the visitor has the slot, or will not come. Idempotent."""
        self.until = 0.0


class VisitorQueue:
    """Tracks who waits, in which order, and for how long.

    Args:
        places: Concurrent conversations in this task.
        quota: The same in all tasks together; None for no limit.
        longest: Most visitors waiting at a time; 0 for no queue.
        per_network: The same for one client's network.
        clock: Unix seconds. Wall time, because tasks share no other clock.
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
            QueueFull: the queue, or this network's share of it, is full.
        """
        now, network = self._clock(), _digest(address)
        waiting = self.waiting()
        # One client must not fill the queue.
        ours = sum(one.network == network for one in waiting)
        if len(waiting) >= self._longest or ours >= self._per_network:
            raise QueueFull("the queue is full" if ours < self._per_network else "a network's part of the queue")
        last = waiting[-1].arrived if waiting else 0.0
        arrived = max(round(now, 3), round(last + 0.001, 3))  # in a ticket's precision, and never two at the same time
        entry = QueueEntry(secrets.token_bytes(8), arrived, network, now)
        self._entries[entry.name] = entry
        return entry

    def merge(self, entries: Iterable[QueueEntry]) -> None:
        """Merge what another task knew."""
        now = self._clock()
        for entry in entries:
            # A wrong clock, or an old ticket, must not change the order.
            if entry.seen > now + SKEW_SECONDS or entry.arrived > entry.seen + SKEW_SECONDS or _is_old(entry, now):
                continue
            known = self._entries.get(entry.name, entry)
            newer = max(known, entry, key=lambda one: (one.standing, one.seen))
            self._entries[entry.name] = newer
        self._forget(now)

    def see(self, entry: QueueEntry) -> QueueEntry | None:
        """Record that a visitor is still there; return None if they have left, or were away too long."""
        known = self._entries.get(entry.name)
        if known is None or known.standing is not Standing.WAITING:
            return None
        seen = self._entries[entry.name] = replace(known, seen=self._clock())
        return seen

    def leave(self, entry: QueueEntry) -> None:
        """Remove a visitor."""
        self._end(entry, Standing.LEFT)

    def admitted(self, entry: QueueEntry) -> float:
        """Record that a visitor has got a slot; return how long they waited."""
        self._end(entry, Standing.ADMITTED)
        return self._clock() - entry.arrived

    def hold(self, entry: QueueEntry) -> Hold:
        """Reserve a slot for an admitted visitor."""
        hold = self._holds[entry.name] = Hold(self._clock() + HOLD_SECONDS)
        return hold

    @property
    def held(self) -> int:
        """Slots that are reserved for visitors admitted here."""
        now = self._clock()
        self._holds = {name: hold for name, hold in self._holds.items() if hold.until > now}
        return len(self._holds)

    def waiting(self) -> list[QueueEntry]:
        """Return the visitors still there, oldest first; one near the head expires sooner, as others wait for them."""
        now, there = self._clock(), list[QueueEntry]()
        held = self._holds if self.held else {}
        waits = (one for one in self._entries.values() if one.standing is Standing.WAITING and one.name not in held)
        for entry in sorted(waits, key=lambda one: one.rank):
            if now - entry.seen <= 3 * every(len(there) + 1) + SKEW_SECONDS - 1 and not _is_old(entry, now):
                there.append(entry)
        return there

    def ahead_of(self, entry: QueueEntry | None) -> int:
        """Return how many visitors have waited longer; all of them for one who arrives now."""
        return sum(1 for one in self.waiting() if entry is None or one.rank < entry.rank)

    def known(self, but: QueueEntry) -> list[QueueEntry]:
        """Return what another task should learn: the tasks, those who wait, then the latest of those who left."""
        self._forget(self._clock())
        others = [one for one in self._entries.values() if one.name != but.name and one.standing is not Standing.TASK]
        others.sort(key=lambda one: (one.standing is not Standing.WAITING, -one.seen))
        return [*self._tasks()[:MAX_TASKS], *others[: 2 * self._longest]]

    def talked(self, seconds: float) -> None:
        """Record the length of a conversation."""
        self._talks.append(seconds)

    def seconds_until(self, position: int) -> float:
        """Estimate the wait at a position, from the slots of all tasks and the length of their conversations."""
        tasks = self._tasks()
        sizes = [int.from_bytes(one.network) for one in tasks]
        places = min(sum(sizes), self._quota or sum(sizes))
        # Weighted by size, because a larger task ends more conversations.
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
        # Departed entries are kept for a while, or their last tickets would bring them back.
        left = (one for one in kept.values() if one.standing in (Standing.LEFT, Standing.ADMITTED))
        gone = sorted(left, key=lambda one: one.seen)
        for one in gone[: max(0, len(gone) - 2 * self._longest)]:
            del kept[one.name]
        self._entries = kept


def every(position: int) -> float:
    """Return the interval of a visitor's requests at a position: those near the head send more often."""
    return next((seconds for last, seconds in _STEPS if position <= last), _SLOWEST)


def _is_old(entry: QueueEntry, now: float) -> bool:
    waited = 0 if entry.standing is Standing.TASK else now - entry.arrived
    return now - entry.seen > FORGET_SECONDS or waited > LONGEST_WAIT_SECONDS + FORGET_SECONDS


def _digest(address: str) -> bytes:
    return sha256(network_of(address).narrow.encode()).digest()[:4]
