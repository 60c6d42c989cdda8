"""Track what this task may use of one model region's quota, and what it uses. No I/O."""

from dataclasses import dataclass
from math import inf
from typing import Final

LINGER_SECONDS: Final = 1.0
"""How long a stream counts after it was closed: the model notices a moment later than we do."""


@dataclass(slots=True)
class Share:
    """Counts conversations and streams against their limits.

    A conversation counts from its admission, before its stream is opened, and between two streams if one failed.
    Streams beyond one per conversation are second ones.

    Attributes:
        for_calls: Most conversations; infinite if no quota is set.
        for_seconds: Most second streams in addition.
        calls: Active conversations.
        streams: Streams that are open, being opened or being closed.
        reserved: Second streams that are reserved and not open yet.
    """

    for_calls: float = inf
    for_seconds: float = inf
    calls: int = 0
    streams: int = 0
    reserved: int = 0

    @property
    def seconds(self) -> int:
        """Second streams in use."""
        return max(0, self.streams + self.reserved - self.calls)

    @property
    def used(self) -> int:
        """Streams in use, or reserved."""
        return self.calls + self.seconds

    @property
    def room(self) -> float:
        """Number of conversations that may start."""
        # Second streams in excess of their limit reduce the room for conversations.
        return max(0.0, min(self.for_calls - self.calls, self.for_calls + self.for_seconds - self.used))

    @property
    def may_begin(self) -> bool:
        """Whether another conversation may start."""
        return self.room >= 1

    @property
    def may_double(self) -> bool:
        """Whether another second stream may be opened."""
        return self.used + 1 <= self.for_calls + self.for_seconds

    @property
    def is_lent(self) -> bool:
        """Whether a conversation has no stream, so that the next one opened is its own."""
        return self.streams + self.reserved < self.calls
