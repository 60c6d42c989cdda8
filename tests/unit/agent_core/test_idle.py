"""A silent caller hears one question, then the call ends; never while either side speaks or is heard."""

import asyncio

from agent_core.conversation.signals import Ask, Connected, KeyPressed, Released
from agent_core.conversation.state import ConversationRules
from agent_core.nova.facts import CallerWords
from tests.support.state_runner import StateRunner


class Silence(StateRunner):
    """An idle timeout of ten seconds and its actions."""

    def __init__(self, after: float = 10) -> None:
        self.busy = False
        super().__init__(owes_answer=lambda: self.busy, rules=ConversationRules(idle_seconds=after))
        self.on(Connected())

    @property
    def did(self) -> list[str]:
        """The prompts that were sent, without those about keys."""
        prompts = [action.prompt for _, action in self.actions if isinstance(action, Ask)]
        return [prompt for prompt in prompts if prompt != "keys_typed"]


async def test_silence_is_asked_about_once_and_then_ends() -> None:
    """A silent caller hears a question after ten seconds, and the call ends after ten more."""
    silence = Silence()
    await asyncio.sleep(9)
    assert silence.did == []
    await asyncio.sleep(2)
    assert silence.did == ["still_there"]
    await asyncio.sleep(11)
    assert silence.did == ["still_there", "goodbye"]
    await asyncio.sleep(60)
    assert silence.did == ["still_there", "goodbye"]


async def test_the_silence_begins_when_the_last_word_was_heard() -> None:
    """The idle time begins when the last word has been played, not sent."""
    silence = Silence()
    silence.busy = True
    await asyncio.sleep(60)
    silence.busy = False
    await asyncio.sleep(9)
    assert silence.did == []
    await asyncio.sleep(2)
    assert silence.did == ["still_there"]
    silence.on(Released())


async def test_a_caller_who_answers_is_asked_anew() -> None:
    """After a word or a key, the next silence begins with a question again."""
    silence = Silence()
    await asyncio.sleep(11)
    silence.on(CallerWords("yes"))
    await asyncio.sleep(11)
    assert silence.did == ["still_there", "still_there"]
    silence.on(KeyPressed("1"))
    await asyncio.sleep(11)
    assert silence.did == ["still_there", "still_there", "still_there"]
    silence.on(Released())


async def test_zero_never_asks() -> None:
    """With zero the idle timeout is off, since some operators keep calls on hold for hours."""
    silence = Silence(after=0)
    await asyncio.sleep(4000)
    assert silence.did == []
