"""Admit conversations to this task up to its limits."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from agent_core.daily_budget import DailyBudget
from agent_core.errors import AtCapacity, Draining, OverBudget, Overloaded, PermissionRefused
from agent_core.quota.capacity import Capacity

_FEW: Final = 4
"""Below this fraction of the slots, a late event loop is not caused by the conversations."""


class Slot:
    """One conversation's slot; returned exactly once, however often ``release`` is called."""

    def __init__(self, admission: "Admission", settled: Callable[[], None] | None = None) -> None:
        self._admission: Admission | None = admission
        self._settled = settled
        self._keepers = 0
        self._released = False

    async def prepare(self) -> None:
        """Reserve a stream to the model for a promised slot, see ``Admission.prepare``."""
        if self._admission is not None:
            await self._admission.prepare()

    def take(self) -> None:
        """Take a promised slot; a slot that is already taken or returned stays as it is.

        Raises:
            AtCapacity: other conversations have taken all slots meanwhile.
        """
        if self._admission is not None and self._settled is not None and not self._released:
            self._admission._fulfil()  # noqa: SLF001 - the two classes work as a pair
            self._settle()

    def _settle(self) -> None:
        settled, self._settled = self._settled, None
        if settled is not None:
            settled()

    def release(self) -> None:
        """Return the slot as soon as no ``kept`` block needs it any more."""
        self._released = True
        self._give_back_if_free()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the slot until the block ends, even if it is released meanwhile.

        A draining task stops when its last slot is free, and stopping closes every socket. The last steps of a
        conversation that happen outside this process, such as the hang-up, must finish before that.
        """
        self._keepers += 1
        try:
            yield
        finally:
            self._keepers -= 1
            self._give_back_if_free()

    def _give_back_if_free(self) -> None:
        if not self._released or self._keepers:
            return
        admission, self._admission = self._admission, None
        if admission is not None:
            try:
                admission._give_back(promised=self._settled is not None)  # noqa: SLF001 - a pair
            finally:
                self._settle()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Admission:
    """Counts the slots in use.

    A slot is taken when the phone rings, not when the call is connected: a hundred calls in one second must not all be
    promised the last thirty slots.

    Args:
        max_sessions: Number of slots.
        spend: Today's spending; may have reached its limit. None for no limit.
        on_refused: Called for each refusal.
        capacity: Of the model; None for no limit but the slots.
    """

    def __init__(
        self,
        max_sessions: int,
        spend: DailyBudget | None = None,
        on_refused: Callable[[PermissionRefused], None] = lambda _: None,
        capacity: Capacity | None = None,
    ) -> None:
        self.max_sessions = max_sessions
        self._spend = spend
        self._on_refused = on_refused
        self._capacity = capacity or Capacity([""])
        self.draining = False
        self.is_late: Callable[[], bool] = lambda: False
        """Whether the event loop is too late for another conversation, see ``loop_lag``."""
        self.taken = 0
        self._promised = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._busy = asyncio.Event()

    def admit(self, *, counted: bool = False) -> Slot:
        """Take a slot.

        Args:
            counted: Whether the task that answered this conversation's webhook has already counted its stream to the
                model: then a lack of streams does not refuse it.

        Raises:
            Refused: see ``check``.
        """
        # A counted stream is already reserved, so only this task's own limits apply.
        self._refuse(self._refusal_here() if counted else self._refusal())
        self._take()
        self._note_use()
        return Slot(self)

    def promise(self, settled: Callable[[], None]) -> Slot:
        """Promise a slot to a visitor who is connecting; they take it on arrival if one is left.

        A draining task waits for promised slots as for conversations, so their time must be bounded.

        Args:
            settled: Called once, when the slot is taken or returned.

        Raises:
            Refused: see ``check``.
        """
        self.check()
        self._promised += 1
        self._note_use()
        return Slot(self, settled)

    def _fulfil(self) -> None:
        # Others may have taken the last slot since: a promise reserves none.
        full = AtCapacity(f"all {self.max_sessions} places were taken meanwhile") if self.is_full else None
        self._refuse(full or self._capacity.refusal())
        self._take()
        self._promised -= 1

    def _take(self) -> None:
        self._capacity.begin()
        self.taken += 1

    def check(self) -> None:
        """Raise if no slot could be taken now.

        Raises:
            Draining: this task is draining.
            OverBudget: the daily budget is spent.
            AtCapacity: every slot is taken, or every stream to the model is in use.
            Overloaded: the event loop is late.
        """
        self._refuse(self._refusal())

    def _refuse(self, refusal: PermissionRefused | None) -> None:
        if refusal is not None:
            self._on_refused(refusal)
            raise refusal

    def _refusal(self) -> PermissionRefused | None:
        return self._refusal_here() or self._capacity.refusal()

    @property
    def refusal(self) -> PermissionRefused | None:
        """Why no slot could be taken now, without counting a refusal; None if one could."""
        return self._refusal()

    def reject(self, refusal: PermissionRefused) -> None:
        """Count a refusal that was decided elsewhere."""
        self._on_refused(refusal)

    @property
    def room(self) -> int:
        """Number of conversations that could start now."""
        return 0 if self._refusal() else int(min(self.max_sessions - self.taken, self._capacity.room))

    def _refusal_here(self) -> PermissionRefused | None:
        # The first reason that applies is the one that the caller hears.
        if self.draining:
            return Draining("this task takes no new conversation")
        if self._spend is not None and self._spend.is_over:
            return OverBudget("the day's spend is reached", retry_after=self._spend.seconds_left)
        if self.is_full:
            return AtCapacity(f"all {self.max_sessions} places are taken")
        if self.is_overloaded:
            return Overloaded("the event loop is late")
        return None

    async def prepare(self) -> None:
        """Request a stream to the model if this task has none left; bounded, never raises.

        Tasks share the account's quota, see `agent_core.quota`. Call it before ``admit``, ``check`` and ``Place.take``.
        """
        # A task that would refuse anyway must not take a stream from another.
        if self._refusal_here() is None:
            await self._capacity.prepare()

    @property
    def is_over_budget(self) -> bool:
        """Whether the daily budget is spent."""
        return self._spend is not None and self._spend.is_over

    @property
    def is_full(self) -> bool:
        """Whether the next conversation would be rejected."""
        return self.taken >= self.max_sessions

    @property
    def is_overloaded(self) -> bool:
        """Whether the event loop is late because of this task's conversations.

        With few of them it is late for another reason, which refusing more does not fix.
        """
        return self.taken * _FEW >= self.max_sessions and self.is_late()

    @property
    def free(self) -> int:
        """Free slots, the metric that scaling uses; 0 while this task drains or its event loop is late.

        A spent budget does not reduce it: additional tasks would have budgets of their own, and spend more.
        """
        if self.draining or self.is_overloaded:
            return 0
        return max(0, self.max_sessions - self.taken)

    def start_draining(self) -> None:
        """Admit nothing new from now on; active conversations continue."""
        self.draining = True
        self._capacity.leave()

    async def wait_until_busy(self, seconds: float | None = None) -> bool:
        """Wait, optionally with a limit in seconds, until a slot is taken or promised; return whether one is."""
        return await _is_set(self._busy, seconds)

    async def wait_until_empty(self, seconds: float) -> bool:
        """Wait at most so many seconds for the last slot to be returned; return whether it was."""
        return await _is_set(self._empty, seconds)

    def _give_back(self, *, promised: bool) -> None:
        if promised:
            self._promised -= 1
        else:
            self.taken -= 1
        # Waiters must wake up even if the capacity's bookkeeping fails.
        try:
            if not promised:
                self._capacity.end()
        finally:
            self._note_use()

    def _note_use(self) -> None:
        if self.taken + self._promised:
            self._empty.clear()
            self._busy.set()
        else:
            self._empty.set()
            self._busy.clear()


async def _is_set(event: asyncio.Event, seconds: float | None) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
