"""When a conversation that is being closed may end: as soon as the caller has heard the goodbye."""

import asyncio
from collections.abc import Callable

from agent_core.events import EndReason, SessionStats

GOODBYE_SECONDS = 10.0
"""Longest wait for the goodbye to be heard."""
_WORDS_SECONDS = 3.0
"""How long the model may take to begin its goodbye."""
_PAUSE_SECONDS = 0.7
"""Quiet after the last words. Some models go on after a moment, and a line that goes dead on a word sounds broken."""


class GracefulHangup:
    """Waits for the last words.

    Args:
        stats: Tells how many answers were begun.
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
        """End for ``reason`` when the goodbye has been heard; only the first time counts.

        Args:
            reason: Handed on.
            still_speaking: Whether words that are on their way to the ear, if there are any, may be the goodbye.
        """
        if self._reason is not None:
            return
        self._reason = reason
        if not still_speaking:
            self._heard = self._stats.agent_turns  # they were cut off, or are about something else
        # Words that are on their way to the ear are the goodbye; else it follows.
        still_speaking = self._heard < self._stats.agent_turns
        self._awaited = self._stats.agent_turns + (not still_speaking)
        self._later(_WORDS_SECONDS, self._expect_no_more)
        self._later(GOODBYE_SECONDS, self._end_now)

    def answer_heard(self) -> None:
        """Note that the caller has heard the agent's words to their end."""
        self._heard = self._stats.agent_turns
        if self._reason is not None:
            self._later(_PAUSE_SECONDS, self._end_if_said)

    @property
    def under_way(self) -> bool:
        """Whether the conversation is being closed."""
        return self._reason is not None

    def cancel(self) -> None:
        """Wait no longer."""
        for timer in self._timers:
            timer.cancel()

    def withdraw(self) -> None:
        """Go on as if nothing had been closed."""
        self.cancel()
        self._timers.clear()
        self._reason = None

    def _expect_no_more(self) -> None:
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
