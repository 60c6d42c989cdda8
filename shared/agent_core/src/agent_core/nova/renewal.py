"""When a stream is replaced before the model ends it. No I/O.

The model ends a stream after eight minutes, and after 295 seconds in which neither side said anything. Another one is
made ready before, and takes over in a moment in which nobody notices: that is looked for first, and enforced later.
All times follow from one, so that a test that shortens it shortens them all.
"""

from enum import IntEnum

_IDLE = 270 / 360
_SPEAKING = 432 / 360
_ANYHOW = 450 / 360
_AGAIN = 15 / 360


class Stage(IntEnum):
    """How urgent it is."""

    NOT_YET = 0
    WHEN_QUIET = 1
    """Between two turns, when nobody speaks and nobody waits."""
    WHEN_SPEAKING = 2
    """Also while the agent speaks: the old stream finishes its answer, the new one listens."""
    ANYHOW = 3
    """Also in the middle of the caller's sentence, which the new stream is given again, or of a tool's work."""


class RenewalClock:
    """Tells how urgent it is to replace a stream.

    Args:
        after: Seconds of age from which a quiet moment is looked for. The other limits keep their proportion to it:
            with 360 a stream is replaced at 450, whatever happens, and from 270 on without a word of either side.
        now: When the stream was opened; of any monotonic clock.
    """

    def __init__(self, after: float, now: float) -> None:
        self._after = after
        self._opened = self._spoken = now
        self._not_before = now

    def spoke(self, now: float) -> None:
        """Note that something was said or written."""
        self._spoken = now

    def failed(self, now: float) -> None:
        """Note that no other stream could be opened: the old one goes on, and it is tried again in a while."""
        self._not_before = now + self._after * _AGAIN

    def may_open(self, now: float) -> bool:
        """Whether it is not too soon after a failure."""
        return now >= self._not_before

    def stage(self, now: float) -> Stage:
        """How urgent it is now."""
        age = (now - self._opened) / self._after
        if age >= _ANYHOW:
            return Stage.ANYHOW
        if age >= _SPEAKING:
            return Stage.WHEN_SPEAKING
        idle = (now - self._spoken) / self._after
        return Stage.WHEN_QUIET if age >= 1 or idle >= _IDLE else Stage.NOT_YET
