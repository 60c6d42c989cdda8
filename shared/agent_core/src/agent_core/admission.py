"""How many conversations this task takes, and whether it takes any."""

import asyncio
from types import TracebackType
from typing import Self

from agent_core.errors import AtCapacity, Draining


class Place:
    """One conversation's place; given back exactly once, however often ``release`` is called."""

    def __init__(self, admission: "Admission") -> None:
        self._admission: Admission | None = admission

    def release(self) -> None:
        """Give the place back."""
        admission, self._admission = self._admission, None
        if admission is not None:
            admission._give_back()  # noqa: SLF001 - the pair is one thing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Admission:
    """Counts the places that are taken.

    A place is taken when the phone rings, not when the call is connected: a hundred calls in a second must not
    all be promised the last forty places.
    """

    def __init__(self, max_sessions: int) -> None:
        self.max_sessions = max_sessions
        self.draining = False
        self.taken = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def admit(self) -> Place:
        """Take a place.

        Raises:
            Draining: this task is leaving.
            AtCapacity: every place is taken.
        """
        if self.draining:
            raise Draining("this task takes no new conversation")
        if self.taken >= self.max_sessions:
            raise AtCapacity(f"all {self.max_sessions} places are taken")
        self.taken += 1
        self._empty.clear()
        return Place(self)

    @property
    def is_full(self) -> bool:
        """Whether the next one would be turned away."""
        return self.taken >= self.max_sessions

    def start_draining(self) -> None:
        """Take nothing new from now on; what goes on goes on."""
        self.draining = True

    async def wait_until_empty(self, seconds: float) -> bool:
        """Wait at most so many seconds for the last place to come back; say whether it did."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def _give_back(self) -> None:
        self.taken -= 1
        if self.taken == 0:
            self._empty.set()
