"""Events of a call with their times. Every event is recorded where it happens, never reconstructed."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """One event, `at` seconds after the call was placed."""

    name: str
    at: float
    fields: dict[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the event as a flat JSON object."""
        return {"event": self.name, "at": round(self.at, 4), **self.fields}


type Listener = Callable[[Event], None]


class Timeline:
    """The events of one call, in order."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.began_at = time.time()
        """Unix time of this timeline's zero, to merge events that other programs recorded."""
        self.events: list[Event] = []
        self._listeners: list[Listener] = []
        self._changed = asyncio.Event()

    def now(self) -> float:
        """Return the seconds since the call was placed."""
        return self._clock() - self._began

    def align(self, at: float, began_at: float) -> None:
        """Adopt another timeline's zero: there, now is `at`, and zero was at the Unix time `began_at`."""
        # Both clocks run at the same speed, so one offset is enough.
        self._began = self._clock() - at
        self.began_at = began_at

    def record(self, name: str, /, *, at: float | None = None, **fields: object) -> Event:
        """Add an event; `at` sets its time if it was detected later than it happened."""
        return self.add(Event(name, self.now() if at is None else at, fields))

    def add(self, event: Event) -> Event:
        """Add an event that another program recorded on this timeline."""
        self.events.append(event)
        # A new event object for those that wait from now on; the old one wakes only the current waiters.
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in self._listeners:
            listener(event)
        return event

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every further event."""
        self._listeners.append(listener)

    def named(self, name: str) -> list[Event]:
        """Return all events with a name."""
        return [event for event in self.events if event.name == name]

    def last(self, name: str) -> Event | None:
        """Return the latest event with a name."""
        return next((event for event in reversed(self.events) if event.name == name), None)

    async def until(self, name: str, seconds: float, *, count: int = 1) -> Event:
        """Wait until an event with this name has occurred `count` times, and return the last of them.

        Raises:
            TimeoutError: It has not within `seconds`.
        """
        async with asyncio.timeout(seconds):
            while len(found := self.named(name)) < count:
                await self._changed.wait()
        return found[count - 1]

    async def until_change(self, seconds: float) -> bool:
        """Wait for the next event; return False if there is none within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True
