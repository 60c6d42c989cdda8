"""When a waiting caller hears a hold announcement, and when not."""

import asyncio

from agent_core.announcements import Announcement
from agent_core.conversation.signals import Nudge, Play, ToolStarted
from agent_core.nova.facts import (
    AnswerOver,
    Asked,
    CallerWords,
    ConnectionClosed,
    ReplyAudio,
    StreamLost,
    ToolAnswered,
)
from tests.support.state_runner import StateRunner


class Wait(StateRunner):
    """A caller who waits, and the announcements with their times."""

    def __init__(self) -> None:
        self.quiet = True
        super().__init__(lambda: self.quiet)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    @property
    def heard(self) -> list[tuple[Announcement, float]]:
        """The announcements, and when they were played."""
        return [(action.announcement, at) for at, action in self.actions if isinstance(action, Play)]

    @property
    def nudged(self) -> int:
        """How often the model was prompted."""
        return sum(isinstance(action, Nudge) for _, action in self.actions)

    def ask(self) -> None:
        """Ask the model something."""
        self.on(Asked(by_caller=False))

    def speak(self) -> None:
        """Let the caller speak."""
        self.on(CallerWords("words"))

    def answer(self) -> None:
        """Let the model speak."""
        self.on(ReplyAudio(b"", first=True, obsolete=False))

    def use_tool(self, filler: Announcement | None = Announcement.LOOK_UP) -> None:
        """Let the model call a tool."""
        self.on(ToolStarted(filler))

    def return_result(self) -> None:
        """Send a tool's result."""
        self.on(ToolAnswered(pending=True))

    def lose(self, *, waiting: bool = False, cut_off: bool = False, silently: bool = False) -> None:
        """Lose the stream."""
        self.on(StreamLost(waiting, cut_off, silently))

    def close(self) -> None:
        """Close the connection."""
        self.on(ConnectionClosed())


async def test_a_silent_start_is_bridged_after_four_seconds() -> None:
    """The announcement is repeated later, in other words, as long as the silence lasts."""
    wait = Wait()
    wait.ask()
    await asyncio.sleep(21)
    assert wait.heard == [(Announcement.HOLD, 4.0), (Announcement.HOLD_ON, 12.0), (Announcement.HOLD_ON, 20.0)]
    wait.close()


async def test_a_turn_is_given_eight_seconds() -> None:
    """An answer within eight seconds gets no announcement before it."""
    wait = Wait()
    wait.speak()
    await asyncio.sleep(7)
    wait.answer()
    await asyncio.sleep(20)
    assert wait.said == []
    wait.speak()
    await asyncio.sleep(8.1)
    assert wait.heard == [(Announcement.HOLD, 35.0)]
    wait.close()


async def test_nothing_is_said_over_speech() -> None:
    """The announcement waits until neither side speaks."""
    wait = Wait()
    wait.quiet = False
    wait.ask()
    await asyncio.sleep(6)
    assert wait.said == []
    wait.quiet = True
    await asyncio.sleep(0.3)
    assert [phrase for phrase, _ in wait.heard] == [Announcement.HOLD]
    wait.close()


async def test_a_slow_look_up_is_covered_within_a_second_and_a_half() -> None:
    """A quick look-up gets no announcement, and neither does a tool that looks nothing up."""
    wait = Wait()
    wait.use_tool()
    await asyncio.sleep(1.0)
    wait.return_result()
    wait.answer()
    assert wait.said == []
    wait.use_tool()
    await asyncio.sleep(1.5)
    assert wait.heard == [(Announcement.LOOK_UP, 2.4)]
    wait.use_tool(None)
    await asyncio.sleep(5)
    assert len(wait.said) == 1
    wait.close()


async def test_a_torn_answer_is_joined_at_once() -> None:
    """The next words follow what was already sent, so they do not wait for quiet."""
    wait = Wait()
    wait.quiet = False
    wait.lose(waiting=False, cut_off=True, silently=False)
    assert wait.heard == [(Announcement.HOLD, 0.0)]
    wait.lose(waiting=False, cut_off=True, silently=False)
    assert len(wait.said) == 1
    wait.close()


async def test_a_loss_that_costs_nobody_anything_is_not_spoken_of() -> None:
    """A loss is not announced if no caller waited, or if it was repaired within a second."""
    wait = Wait()
    wait.lose(waiting=False, cut_off=False, silently=False)
    await asyncio.sleep(30)
    wait.lose(waiting=True, cut_off=True, silently=True)
    await asyncio.sleep(0.9)
    wait.answer()
    await asyncio.sleep(30)
    assert wait.said == []


async def test_a_loss_that_lasts_is_spoken_of_within_two_seconds() -> None:
    """The announcement comes within two seconds, whatever was expected before."""
    wait = Wait()
    wait.speak()
    await asyncio.sleep(3)
    wait.lose(waiting=True, cut_off=False, silently=True)
    await asyncio.sleep(1.1)
    assert wait.heard == [(Announcement.HOLD, 4.0)]
    wait.close()


async def test_after_the_end_nothing_is_said() -> None:
    """After the end no announcement is played, not even about a loss."""
    wait = Wait()
    wait.ask()
    wait.close()
    wait.lose(waiting=True, cut_off=True, silently=False)
    wait.use_tool()
    await asyncio.sleep(30)
    assert wait.said == []


async def test_further_losses_do_not_make_us_talkative() -> None:
    """A caller who has just heard the announcement hears it again only after a while, not at each attempt."""
    wait = Wait()
    wait.ask()
    await asyncio.sleep(4.5)
    for _ in range(3):
        wait.lose(waiting=True, cut_off=False, silently=False)
        await asyncio.sleep(1.2)
    assert wait.heard == [(Announcement.HOLD, 4.0)]
    wait.close()


async def test_the_caller_waits_from_their_own_words_on() -> None:
    """Tools that are called and answered in sequence do not restart the wait."""
    wait = Wait()
    wait.speak()
    for _ in range(20):
        wait.use_tool()
        await asyncio.sleep(0.2)
        wait.return_result()
        await asyncio.sleep(0.1)
    assert wait.said == []
    await asyncio.sleep(3)
    assert wait.heard == [(Announcement.HOLD, 8.0)]
    for _ in range(30):
        wait.use_tool()
        await asyncio.sleep(0.2)
        wait.return_result()
        await asyncio.sleep(0.1)
    assert wait.heard == [(Announcement.HOLD, 8.0), (Announcement.HOLD_ON, 16.0)]
    wait.close()


async def test_an_answer_that_breaks_again_and_again_is_joined_once() -> None:
    """Only a complete answer makes the next loss a new one; the first audio of an answer does not."""
    wait = Wait()
    for _ in range(3):
        wait.answer()
        wait.lose(waiting=False, cut_off=True, silently=False)
        await asyncio.sleep(0.5)
    assert wait.heard == [(Announcement.HOLD, 0.0)]
    wait.answer()
    wait.on(AnswerOver(spoken=True))
    wait.lose(waiting=False, cut_off=True, silently=False)
    assert len(wait.said) == 2
    wait.close()


async def test_the_model_covers_a_look_up_itself_where_it_can() -> None:
    """The model covers a look-up only in quiet; where it cannot, a recording does, no later than before."""
    wait = Wait()
    wait.quiet = False
    wait.use_tool()
    await asyncio.sleep(2)
    assert wait.nudged == 0
    wait.quiet = True
    await asyncio.sleep(0.3)
    assert wait.nudged == 1
    wait.answer()
    await asyncio.sleep(5)
    assert wait.said == []
    wait.use_tool()
    await asyncio.sleep(0.7)
    assert wait.nudged == 2
    await asyncio.sleep(0.8)
    assert [phrase for phrase, _ in wait.heard] == [Announcement.LOOK_UP]
    assert wait.nudged == 2
    wait.close()
