"""Count the failed streams of one conversation and decide when to stop retrying. No I/O."""

from collections import deque

from agent_core.errors import ModelError, ModelRejected

MAX_TRIES = 3
"""Consecutive stream failures after which the conversation gives up; endless retries cost money and leave the caller in
silence.
"""
MAX_A_MINUTE = 6
"""Failures within one minute after which it gives up, even if replies were completed in between."""
_MINUTE = 60.0
WAIT_SECONDS = 20.0
"""A caller who has waited this long since their last word gets the fallback instead of another retry."""


class Failures:
    """Counts the failed streams of one conversation. All times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.in_a_row = 0
        """Failures since the last turn that worked: a completed reply, followed by the caller speaking. The first audio
        of a reply proves nothing, nor does "let me see" before a tool call: a model may fail right after it every time.
        """
        self.lived = False
        """Whether the model has sent any event in this conversation."""
        self._answered = False
        self._replay_buffer: deque[float] = deque(maxlen=MAX_A_MINUTE)

    def count(self, now: float, *, waiting: bool) -> None:
        """Record a failed stream, and whether the caller waits for a reply."""
        self.in_a_row += 1
        self._replay_buffer.append(now)
        self._answered = self._answered and not waiting

    def answered(self) -> None:
        """Record a completed reply."""
        self._answered = True

    def caller_spoke(self) -> None:
        """Record that the caller has said something new."""
        if self._answered:
            self.in_a_row, self._answered = 0, False

    def pointless(self, error: ModelError, now: float, waited: float) -> bool:
        """Return whether another stream should not be tried.

        Args:
            error: Why the last stream failed.
            now: Time of the failure.
            waited: Seconds that the caller has waited since their last word.
        """
        # A refusal is final only if the conversation has never worked: no access, an unknown model, an error in what
        # every session sends. Later refusals concern this conversation's content or are temporary.
        if isinstance(error, ModelRejected) and not self.lived:
            return True
        many = len(self._replay_buffer) == MAX_A_MINUTE and now - self._replay_buffer[0] < _MINUTE
        return many or self.in_a_row >= MAX_TRIES or waited >= WAIT_SECONDS
