"""How long something takes from one end to the other. Pure.

Times are seconds of one monotonic clock that both ends read: they live in one process.
"""

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Crossing:
    """Pairs departures with arrivals, first with first: nothing on these wires overtakes."""

    samples: list[tuple[float, float]] = field(default_factory=list)
    """(departure, seconds it took)."""
    strays: int = 0
    """Arrivals of what never left."""
    _under_way: deque[float] = field(default_factory=deque)

    def left(self, at: float) -> None:
        """Note a departure."""
        self._under_way.append(at)

    def arrived(self, at: float) -> None:
        """Note the arrival of the oldest that is under way."""
        if not self._under_way:
            self.strays += 1
            return
        departure = self._under_way.popleft()
        self.samples.append((departure, at - departure))

    @property
    def awaited(self) -> bool:
        """Whether something is under way."""
        return bool(self._under_way)

    def overdue(self, now: float, patience: float) -> int:
        """Count what left more than `patience` seconds ago and has not arrived."""
        return sum(1 for departure in self._under_way if departure < now - patience)

    def within(self, begin: float, end: float) -> list[float]:
        """Give the seconds of what left in this span."""
        return [seconds for departure, seconds in self.samples if begin <= departure < end]


@dataclass(slots=True)
class CallTimes:
    """What is timed on one call; caller and model write into the same."""

    to_model: Crossing = field(default_factory=Crossing)
    """Caller's blip sent → its first sample at the model."""
    from_model: Crossing = field(default_factory=Crossing)
    """First piece of an answer sent → at the caller."""
    clears: Crossing = field(default_factory=Crossing)
    """INTERRUPTED sent → `clear` at the caller."""
    answer_amplitude: int = 0
    """Loudness of the answer that is awaited."""
    webhook: float | None = None
    """Seconds from the webhook's request to its answer."""
    started_at: float | None = None
    first_audio_at: float | None = None
    trouble: list[str] = field(default_factory=list)
    """Why the call does not count."""

    @property
    def first_audio(self) -> float | None:
        """Seconds from `start` to the first sound."""
        if self.started_at is None or self.first_audio_at is None:
            return None
        return self.first_audio_at - self.started_at
