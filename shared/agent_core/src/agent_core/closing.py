"""End a conversation that is being closed as soon as the caller has heard the goodbye."""

import asyncio
from collections.abc import Callable

from agent_core.events import EndReason, SessionStats

GOODBYE_SECONDS = 10.0
"""Longest wait for the goodbye to be heard."""
_WORDS_SECONDS = 3.0
"""Longest time for the model to start its goodbye."""
_PAUSE_SECONDS = 0.7
"""Pause after the last words. Some models continue after a moment, and a call that ends on a word sounds broken."""


class GracefulHangup:
    """Waits until the last words have been heard.

    Args:
        stats: Counts the replies.
        end: Ends the conversation.
    """

    def __init__(self, stats: SessionStats, end: Callable[[EndReason], None]) -> None:
        self._stats = stats
        self._end = end
        self._heard = 0
        self._reason: EndReason | None = None
        self._awaited = 0
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self, reason: EndReason, *, still_speaking: bool = True) -> None:
        """End for ``reason`` when the goodbye has been heard; only the first call counts.

        Args:
            reason: Passed to ``end``.
            still_speaking: Whether words that are currently playing may be the goodbye.
        """
        if self._reason is not None:
            return
        self._reason = reason
        if not still_speaking:
            self._heard = self._stats.agent_turns  # they were cut off, or are about something else
        # Words that are still playing are the goodbye; otherwise it follows as another reply.
        still_speaking = self._heard < self._stats.agent_turns
        self._awaited = self._stats.agent_turns + (not still_speaking)
        self._later(_WORDS_SECONDS, self._expect_no_more)
        self._later(GOODBYE_SECONDS, self._end_now)

    def answer_heard(self) -> None:
        """Record that the caller has heard the agent's words to their end."""
        self._heard = self._stats.agent_turns
        if self._reason is not None:
            self._later(_PAUSE_SECONDS, self._end_if_said)

    @property
    def under_way(self) -> bool:
        """Whether the conversation is being closed."""
        return self._reason is not None

    def cancel(self) -> None:
        """Stop waiting."""
        for timer in self._timers:
            timer.cancel()

    def withdraw(self) -> None:
        """Continue the conversation as if it had not been closed."""
        self.cancel()
        self._timers.clear()
        self._reason = None

    def _expect_no_more(self) -> None:
        # The model has not started a goodbye in time, so the replies so far are all there will be.
        self._awaited = min(self._awaited, self._stats.agent_turns)
        self._end_if_said()

    def _end_if_said(self) -> None:
        if self._heard >= max(self._awaited, self._stats.agent_turns):
            self._end_now()

    def _end_now(self) -> None:
        self.cancel()
        if self._reason is not None:
            self._end(self._reason)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, act))
