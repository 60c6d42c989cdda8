"""A silent caller hears one question, then the call ends; never while either side speaks or is heard."""

import asyncio

from agent_core.idle_monitor import IdleMonitor


class Silence:
    """An idle timeout of ten seconds and its actions."""

    def __init__(self, after: float = 10) -> None:
        self.busy = False
        self.turns = 0
        self.did: list[str] = []
        self.idleness = IdleMonitor(
            after,
            is_busy=lambda: self.busy,
            turns=lambda: self.turns,
            ask=lambda: self.did.append("ask"),
            give_up=lambda: self.did.append("goodbye"),
        )
        self.idleness.start()


async def test_silence_is_asked_about_once_and_then_ends() -> None:
    """A silent caller hears a question after ten seconds, and the call ends after ten more."""
    silence = Silence()
    await asyncio.sleep(9)
    assert silence.did == []
    await asyncio.sleep(2)
    assert silence.did == ["ask"]
    await asyncio.sleep(11)
    assert silence.did == ["ask", "goodbye"]
    await asyncio.sleep(60)
    assert silence.did == ["ask", "goodbye"]


async def test_the_silence_begins_when_the_last_word_was_heard() -> None:
    """The idle time begins when the last word has been played, not sent."""
    silence = Silence()
    silence.busy = True
    await asyncio.sleep(60)
    silence.busy = False
    await asyncio.sleep(9)
    assert silence.did == []
    await asyncio.sleep(2)
    assert silence.did == ["ask"]
    silence.idleness.stop()


async def test_a_caller_who_answers_is_asked_anew() -> None:
    """After a word or a key, the next silence begins with a question again."""
    silence = Silence()
    await asyncio.sleep(11)
    silence.turns += 1
    await asyncio.sleep(11)
    assert silence.did == ["ask", "ask"]
    silence.idleness.noticed()
    await asyncio.sleep(11)
    assert silence.did == ["ask", "ask", "ask"]
    silence.idleness.stop()


async def test_zero_never_asks() -> None:
    """With zero the idle timeout is off, since some operators keep calls on hold for hours."""
    silence = Silence(after=0)
    await asyncio.sleep(4000)
    assert silence.did == []
