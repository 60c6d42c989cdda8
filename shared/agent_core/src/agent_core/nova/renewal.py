"""Decide when to replace a stream before the model ends it. No I/O.

The model ends a stream after eight minutes, and after 295 seconds of silence on both sides. A successor is opened
before that and takes over at an unnoticeable moment: first such a moment is awaited, later the change is forced. All
times are derived from one, so that a test that shortens it shortens them all.
"""

from enum import IntEnum

_IDLE = 270 / 360
_SPEAKING = 432 / 360
_ANYHOW = 450 / 360
_AGAIN = 15 / 360


class Stage(IntEnum):
    """How urgent the replacement is."""

    NOT_YET = 0
    WHEN_QUIET = 1
    """Between two turns, when neither side speaks and no reply is pending."""
    WHEN_SPEAKING = 2
    """Also while the agent speaks: the old stream finishes its reply while the new one listens."""
    ANYHOW = 3
    """Also during the caller's sentence, which is sent to the new stream again, or while a tool runs."""


class RenewalClock:
    """Rates how urgent it is to replace a stream.

    Args:
        after: Age in seconds from which a quiet moment is awaited. The other limits scale with it: with 360, a stream
            is replaced at 450 in any case, and after 270 seconds of silence on both sides.
        now: When the stream was opened; seconds of any monotonic clock.
    """

    def __init__(self, after: float, now: float) -> None:
        self._after = after
        self._opened = self._spoken = now
        self._not_before = now

    def spoke(self, now: float) -> None:
        """Record that something was said or written."""
        self._spoken = now

    def failed(self, now: float) -> None:
        """Record that no successor could be opened: the old stream continues, and the next attempt is delayed."""
        self._not_before = now + self._after * _AGAIN

    def may_open(self, now: float) -> bool:
        """Return whether enough time has passed since a failed attempt."""
        return now >= self._not_before

    def stage(self, now: float) -> Stage:
        """Return how urgent the replacement is now."""
        age = (now - self._opened) / self._after
        if age >= _ANYHOW:
            return Stage.ANYHOW
        if age >= _SPEAKING:
            return Stage.WHEN_SPEAKING
        idle = (now - self._spoken) / self._after
        return Stage.WHEN_QUIET if age >= 1 or idle >= _IDLE else Stage.NOT_YET
