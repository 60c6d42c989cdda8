"""Decide who gets a free slot, and put the other visitors into the queue."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from agent_core.admission import Admission
from agent_core.errors import AtCapacity, Draining, PermissionRefused
from webrtc_agent.arrivals import TooManyArriving
from webrtc_agent.limits import StartLimit, TooOften
from webrtc_agent.queue_ticket import QueueTickets
from webrtc_agent.settings import WebSettings
from webrtc_agent.visitor_queue import Hold, QueueEntry, VisitorQueue, every

log = structlog.get_logger()


async def _stays() -> bool:
    return False


@dataclass(frozen=True)
class Asking:
    """A client that is ready to wait.

    Attributes:
        ticket: From the previous response; None joins the queue.
        has_left: Returns whether the client has closed the connection of this request.
    """

    ticket: str | None = None
    has_left: Callable[[], Awaitable[bool]] = _stays


class MustWait(AtCapacity):
    """No slot is free for this visitor now; they have a position in the queue.

    Args:
        reason: Why there is none.
        ticket: For the next request.
        position: In the queue, from 1.
        seconds: Estimate of the wait.
    """

    def __init__(self, reason: str, ticket: str, position: int, seconds: float) -> None:
        super().__init__(reason)
        self.ticket = ticket
        self.position = position
        self.seconds = seconds
        self.retry_after = every(position)

    @property
    def shown(self) -> dict[str, Any]:
        """What a page shows, and needs for its next request."""
        return {
            "ticket": self.ticket,
            "position": self.position,
            "seconds": round(self.seconds),
            "every": self.retry_after,
        }


class QueueTurns:
    """Decides for one task.

    Args:
        settings: Of the web service.
        admission: Knows the slots.
        starts: Limits how often one network may start.
    """

    def __init__(self, settings: WebSettings, admission: Admission, starts: StartLimit) -> None:
        self._admission = admission
        self.starts = starts
        self._limit = settings.max_waiting
        self._tickets = QueueTickets(settings.daily_api_key)  # tasks behind one load balancer share this key
        self.queue = VisitorQueue(
            settings.max_sessions,
            settings.max_waiting,
            settings.waiting_per_address,
            time.time,
            quota=settings.model_streams,
        )
        self._asking: set[bytes] = set()

    @asynccontextmanager
    async def turn(self, address: str, asking: Asking | None = None) -> AsyncIterator[Hold | None]:
        """Run a block that starts a conversation, if it is this visitor's turn.

        A refused start does not count against the limit of starts, and costs no visitor their position in the queue.

        Args:
            address: The visitor's address.
            asking: The visitor is ready to wait.

        Raises:
            MustWait: it is not their turn, and the visitor waits.
            PermissionRefused: it is not their turn.
        """
        await self._admission.prepare()
        entry = self._returning(asking)
        refusal = self._refusal(address, entry)
        if entry is not None and asking is not None and isinstance(refusal, AtCapacity):
            refusal = await self._wait(address, entry, asking)
        if refusal is not None:
            # A waiting visitor was counted as refused once, when they joined the queue.
            if entry is None and not isinstance(refusal, TooOften):
                self._admission.reject(refusal)
            raise self._answer(refusal, address, entry, asking)
        # Reserved before the block runs: it awaits, and others may ask for the slot meanwhile.
        hold = None if entry is None else self.queue.hold(entry)
        self.starts.count(address)
        try:
            yield hold
        except BaseException as error:
            if hold is not None:
                hold.settle()
            if isinstance(error, PermissionRefused):
                self.starts.refund(address)
                raise self._answer(error, address, entry, asking) from None
            raise
        if entry is not None:
            log.info("visitor_admitted", waited_ms=round(self.queue.admitted(entry) * 1000))

    def check(self, hold: Hold | None = None) -> None:
        """Raise if no slot is left besides those reserved for visitors from the queue.

        Args:
            hold: The slot that is reserved for this visitor.

        Raises:
            Refused: there is none.
        """
        self._admission.check()
        if hold is None and self.queue.held and self._admission.room <= self.queue.held:
            raise AtCapacity("every free place is kept for a visitor from the queue")

    def leave(self, ticket: str) -> None:
        """Remove a visitor from the queue."""
        entry = self._returning(Asking(ticket))
        if entry is not None:
            self.queue.leave(entry)
            log.info("visitor_left_queue", waited_ms=round((time.time() - entry.arrived) * 1000))

    def _returning(self, asking: Asking | None) -> QueueEntry | None:
        """Return the entry of a visitor who has waited before."""
        opened = None if asking is None or asking.ticket is None else self._tickets.open(asking.ticket, time.time())
        if opened is None:
            return None
        entry, others = opened
        self.queue.merge([entry, *others])
        return self.queue.see(entry)

    def _refusal(self, address: str, entry: QueueEntry | None) -> PermissionRefused | None:
        try:
            self.starts.check(address)
        except TooOften as too_often:
            return too_often
        if (refusal := self._admission.refusal) is not None:
            return refusal
        if self.queue.ahead_of(entry) >= self._admission.room - self.queue.held:
            return AtCapacity("others have waited longer")
        return None

    async def _wait(self, address: str, entry: QueueEntry, asking: Asking) -> PermissionRefused | None:
        """Delay the response, so that a page needs no timer, which browsers slow down in background tabs."""
        # One open request per visitor, or a single client could hold many.
        if entry.name in self._asking:
            return AtCapacity("asked twice at a time")
        self._asking.add(entry.name)
        try:
            await asyncio.sleep(every(self.queue.ahead_of(entry) + 1))
        finally:
            self._asking.discard(entry.name)
        if await asking.has_left():
            self.queue.leave(entry)
        if self.queue.see(entry) is None:
            return AtCapacity("left the queue")
        await self._admission.prepare()
        return self._refusal(address, entry)

    def _answer(
        self, refusal: PermissionRefused, address: str, entry: QueueEntry | None, asking: Asking | None
    ) -> PermissionRefused:
        """Put the visitor into the queue, if waiting may help and there is room; return what to respond."""
        if isinstance(refusal, MustWait) or asking is None or not self._limit:
            return refusal
        if entry is None:
            if not _can_change(refusal):
                return refusal
            try:
                entry = self.queue.join(address)
            except AtCapacity as full:
                return full
            log.info("visitor_queued", position=self.queue.ahead_of(entry) + 1, error=refusal.reason)
        elif not isinstance(refusal, (AtCapacity, Draining, TooOften)):
            return refusal
        position = self.queue.ahead_of(entry) + 1
        ticket = self._tickets.seal(entry, self.queue.known(entry))
        return MustWait(refusal.reason, ticket, position, self.queue.seconds_until(position))


def _can_change(refusal: PermissionRefused | None) -> bool:
    """Return whether waiting at this task, or at another, may help."""
    return isinstance(refusal, (AtCapacity, Draining, TooManyArriving))
