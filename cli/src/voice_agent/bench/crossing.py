"""Measure how long audio and events take from one end to the other. Pure.

Times are seconds of one monotonic clock, because both ends run in one process.
"""

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Crossing:
    """Pairs departures with arrivals in order of departure: these connections never reorder."""

    samples: list[tuple[float, float]] = field(default_factory=list)
    """Departure time and seconds in transit."""
    strays: int = 0
    """Arrivals without a departure."""
    _under_way: deque[float] = field(default_factory=deque)

    def left(self, at: float) -> None:
        """Record a departure."""
        self._under_way.append(at)

    def arrived(self, at: float) -> None:
        """Record the arrival of the oldest departure in transit."""
        # An agent that sends something twice would otherwise shift every later pair.
        if not self._under_way:
            self.strays += 1
            return
        departure = self._under_way.popleft()
        self.samples.append((departure, at - departure))

    @property
    def awaited(self) -> bool:
        """Whether something is in transit."""
        return bool(self._under_way)

    def overdue(self, now: float, patience: float) -> int:
        """Return how many departures of more than `patience` seconds ago have not arrived."""
        return sum(1 for departure in self._under_way if departure < now - patience)

    def within(self, begin: float, end: float) -> list[float]:
        """Return the seconds in transit of each departure in this interval."""
        return [seconds for departure, seconds in self.samples if begin <= departure < end]


@dataclass(slots=True)
class CallTimes:
    """The measurements of one call, which caller and model both write."""

    to_model: Crossing = field(default_factory=Crossing)
    """Caller's blip sent → its first sample at the model."""
    from_model: Crossing = field(default_factory=Crossing)
    """First chunk of a reply sent → at the caller."""
    clears: Crossing = field(default_factory=Crossing)
    """INTERRUPTED sent → `clear` at the caller."""
    answer_amplitude: int = 0
    """Amplitude of the reply that the caller waits for."""
    webhook: float | None = None
    """Seconds from the webhook request to its response."""
    started_at: float | None = None
    first_audio_at: float | None = None
    trouble: list[str] = field(default_factory=list)
    """Reasons why the call is invalid."""

    @property
    def first_audio(self) -> float | None:
        """Seconds from `start` to the first audio."""
        if self.started_at is None or self.first_audio_at is None:
            return None
        return self.first_audio_at - self.started_at
