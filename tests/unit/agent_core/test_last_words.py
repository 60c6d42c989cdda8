"""A closing conversation ends when its goodbye has been heard, or soon after in any case."""

import asyncio

from agent_core.conversation.signals import AgentSaidGoodbye, AnswerHeard, End, GoodbyeWanted
from agent_core.events import GOODBYE_SECONDS, EndReason
from agent_core.nova.facts import ReplyStarted
from tests.support.state_runner import StateRunner


class Closing(StateRunner):
    """A conversation in which two replies were given and heard, and its end."""

    def __init__(self) -> None:
        super().__init__()
        for _ in range(2):
            self.reply()
            self.on(AnswerHeard())

    def reply(self) -> None:
        """Let the agent begin to speak."""
        self.on(ReplyStarted())

    async def later(self, seconds: float) -> list[EndReason]:
        """Let time pass; return the reason if it ended."""
        await asyncio.sleep(seconds)
        return [action.reason for _, action in self.actions if isinstance(action, End)]


async def test_it_ends_when_the_goodbye_that_follows_has_been_heard() -> None:
    """The conversation ends when the answer that begins after the closing has been heard: it is the goodbye."""
    closing = Closing()
    closing.on(AgentSaidGoodbye())
    closing.reply()
    assert await closing.later(2.0) == []
    closing.on(AnswerHeard())
    assert await closing.later(1.0) == [EndReason.AGENT_ENDED]


async def test_a_model_that_goes_on_after_a_moment_is_not_cut() -> None:
    """A sentence that begins within the pause is heard to its end."""
    closing = Closing()
    closing.on(AgentSaidGoodbye())
    closing.reply()
    closing.on(AnswerHeard())
    assert await closing.later(0.5) == []
    closing.reply()
    assert await closing.later(4.0) == []
    closing.on(AnswerHeard())
    assert await closing.later(1.0) == [EndReason.AGENT_ENDED]


async def test_a_goodbye_that_came_before_the_closing_is_enough() -> None:
    """Some models speak first and close after: then the wait for more words is short."""
    closing = Closing()
    closing.on(AgentSaidGoodbye())
    assert await closing.later(2.5) == []
    assert await closing.later(1.0) == [EndReason.AGENT_ENDED]


async def test_words_that_are_still_being_heard_are_not_cut() -> None:
    """A goodbye that began before the closing is heard to its end, however long it lasts."""
    closing = Closing()
    closing.reply()
    closing.on(AgentSaidGoodbye())
    assert await closing.later(5.0) == []
    closing.on(AnswerHeard())
    assert await closing.later(1.0) == [EndReason.AGENT_ENDED]


async def test_a_goodbye_that_is_never_heard_does_not_keep_the_line() -> None:
    """The deadline ends a conversation whose goodbye is never heard, for the first reason given."""
    closing = Closing()
    closing.reply()
    closing.on(GoodbyeWanted(EndReason.MAX_DURATION))
    closing.on(GoodbyeWanted(EndReason.DRAINED))
    assert await closing.later(GOODBYE_SECONDS - 0.1) == []
    assert await closing.later(0.2) == [EndReason.MAX_DURATION]


async def test_hearing_an_answer_ends_nothing_else() -> None:
    """Without a closing, the conversation continues."""
    closing = Closing()
    closing.on(AnswerHeard())
    assert await closing.later(GOODBYE_SECONDS * 2) == []
