"""Runs the state of a conversation on the running loop, as a session does, and keeps what follows."""

import asyncio
from collections.abc import Callable

from agent_core.announcements import Announcement
from agent_core.conversation.signals import Action, Input, Play, Tick
from agent_core.conversation.state import ConversationRules, ConversationState
from agent_core.conversation.waits import DisclosureWatch
from agent_core.disclosure import Wording


def unsaid() -> DisclosureWatch:
    """Return what follows a disclosure that no test here is about."""
    return DisclosureWatch(Wording("", "", "en-US"))


class StateRunner:
    """A conversation whose actions are recorded, not carried out.

    Args:
        is_quiet: Whether neither side speaks.
        owes_answer: Whether the caller waits for a reply.
        rules: What differs between conversations.
    """

    def __init__(
        self,
        is_quiet: Callable[[], bool] = lambda: True,
        owes_answer: Callable[[], bool] = lambda: False,
        rules: ConversationRules | None = None,
    ) -> None:
        self.state = ConversationState(rules or ConversationRules(), unsaid())
        self.is_quiet = is_quiet
        self.actions: list[tuple[float, Action]] = []
        """What followed, with the seconds since the beginning."""
        self.do: Callable[[Action], None] = lambda _action: None
        """Carries an action out, where a test wants that."""
        self._owes_answer = owes_answer
        self._timer: asyncio.TimerHandle | None = None
        self._began: float | None = None

    @property
    def said(self) -> list[Announcement]:
        """The announcements that were played."""
        return [action.announcement for _, action in self.actions if isinstance(action, Play)]

    def on(self, one: Input) -> list[Action]:
        """Take an input, and wait for what is due."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        follows = self.state.on(one, now)
        for action in follows:
            self.actions.append((round(now - self._began, 1), action))
            self.do(action)
        if self._timer is not None:
            self._timer.cancel()
        due = self.state.due
        self._timer = None if due is None else asyncio.get_running_loop().call_at(due, self._tick, due)
        return follows

    def _tick(self, due: float) -> None:
        self._timer = None
        # A timer may fire a clock tick early.
        delay = due - asyncio.get_running_loop().time()
        if delay > 0:
            self._timer = asyncio.get_running_loop().call_later(delay + 0.001, self._tick, due)
        else:
            self.on(Tick(self.is_quiet(), self._owes_answer()))
