"""How many streams of one conversation have failed, and when another try is pointless. No I/O."""

from collections import deque

from agent_core.errors import ModelError, ModelRejected

MAX_TRIES = 3
"""Streams that may fail in a row before we give up; a loop without an end costs money and tells the caller nothing."""
MAX_A_MINUTE = 6
"""The same for streams that fail within a minute, though answers were completed between them."""
_MINUTE = 60.0
WAIT_SECONDS = 20.0
"""A caller who has waited this long since their last word gets the fallback instead of another try."""


class Failures:
    """Counts the failed streams of one conversation. All times in seconds of any monotonic clock."""

    def __init__(self) -> None:
        self.in_a_row = 0
        """Since a turn that worked: an answer was completed, and the caller went on. The first sound of an answer
        proves nothing, nor does "let me see" before a tool: a model may break just behind it each time."""
        self.lived = False
        """Whether the model has ever said anything in this conversation."""
        self._answered = False
        self._replay_buffer: deque[float] = deque(maxlen=MAX_A_MINUTE)

    def count(self, now: float, *, waiting: bool) -> None:
        """Note that a stream has failed, and whether the caller waits for what it owed."""
        self.in_a_row += 1
        self._replay_buffer.append(now)
        self._answered = self._answered and not waiting

    def answered(self) -> None:
        """Note that an answer was completed."""
        self._answered = True

    def caller_spoke(self) -> None:
        """Note that the caller says something new."""
        if self._answered:
            self.in_a_row, self._answered = 0, False

    def pointless(self, error: ModelError, now: float, waited: float) -> bool:
        """Tell whether another stream should not be tried.

        Args:
            error: Why the last one failed.
            now: When.
            waited: Seconds that the caller has waited since their last word.
        """
        # Only a conversation that has never worked can be refused for good: no access, no such model, a mistake in what
        # every session is told. Later refusals are about what was said in this conversation, or pass by themselves.
        if isinstance(error, ModelRejected) and not self.lived:
            return True
        many = len(self._replay_buffer) == MAX_A_MINUTE and now - self._replay_buffer[0] < _MINUTE
        return many or self.in_a_row >= MAX_TRIES or waited >= WAIT_SECONDS
