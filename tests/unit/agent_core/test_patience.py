"""When a waiting caller hears a hold announcement, and when not."""

import asyncio

from agent_core.announcements import Announcement
from agent_core.hold_announcements import HoldAnnouncer


class Wait:
    """A patience, and the announcements with their times."""

    def __init__(self) -> None:
        self.quiet = True
        self.said: list[tuple[Announcement, float]] = []
        self.nudged = 0
        self._began = asyncio.get_running_loop().time()
        self.patience = HoldAnnouncer(self._say, lambda: self.quiet, self._nudge)

    def _nudge(self) -> None:
        self.nudged += 1

    def _say(self, phrase: Announcement) -> None:
        self.said.append((phrase, round(asyncio.get_running_loop().time() - self._began, 1)))


async def test_a_silent_start_is_bridged_after_four_seconds() -> None:
    """The announcement is repeated later, in other words, as long as the silence lasts."""
    wait = Wait()
    wait.patience.wait_for_start()
    await asyncio.sleep(21)
    assert wait.said == [(Announcement.HOLD, 4.0), (Announcement.HOLD_ON, 12.0), (Announcement.HOLD_ON, 20.0)]
    wait.patience.stop()


async def test_a_turn_is_given_eight_seconds() -> None:
    """An answer within eight seconds gets no announcement before it."""
    wait = Wait()
    wait.patience.wait_for_turn()
    await asyncio.sleep(7)
    wait.patience.answered()
    await asyncio.sleep(20)
    assert wait.said == []
    wait.patience.wait_for_turn()
    await asyncio.sleep(8.1)
    assert wait.said == [(Announcement.HOLD, 35.0)]
    wait.patience.stop()


async def test_nothing_is_said_over_speech() -> None:
    """The announcement waits until neither side speaks."""
    wait = Wait()
    wait.quiet = False
    wait.patience.wait_for_start()
    await asyncio.sleep(6)
    assert wait.said == []
    wait.quiet = True
    await asyncio.sleep(0.3)
    assert [phrase for phrase, _ in wait.said] == [Announcement.HOLD]
    wait.patience.stop()


async def test_a_slow_look_up_is_covered_within_a_second_and_a_half() -> None:
    """A quick look-up gets no announcement, and neither does a tool that looks nothing up."""
    wait = Wait()
    wait.patience.work_began(Announcement.LOOK_UP)
    await asyncio.sleep(1.0)
    wait.patience.work_ended()
    wait.patience.answered()
    assert wait.said == []
    wait.patience.work_began(Announcement.LOOK_UP)
    await asyncio.sleep(1.5)
    assert wait.said == [(Announcement.LOOK_UP, 2.4)]
    wait.patience.work_began(None)
    await asyncio.sleep(5)
    assert len(wait.said) == 1
    wait.patience.stop()


async def test_a_torn_answer_is_joined_at_once() -> None:
    """The next words follow what was already sent, so they do not wait for quiet."""
    wait = Wait()
    wait.quiet = False
    wait.patience.lost(waiting=False, cut_off=True, silently=False)
    assert wait.said == [(Announcement.HOLD, 0.0)]
    wait.patience.lost(waiting=False, cut_off=True, silently=False)
    assert len(wait.said) == 1
    wait.patience.stop()


async def test_a_loss_that_costs_nobody_anything_is_not_spoken_of() -> None:
    """A loss is not announced if no caller waited, or if it was repaired within a second."""
    wait = Wait()
    wait.patience.lost(waiting=False, cut_off=False, silently=False)
    await asyncio.sleep(30)
    wait.patience.lost(waiting=True, cut_off=True, silently=True)
    await asyncio.sleep(0.9)
    wait.patience.answered()
    await asyncio.sleep(30)
    assert wait.said == []


async def test_a_loss_that_lasts_is_spoken_of_within_two_seconds() -> None:
    """The announcement comes within two seconds, whatever was expected before."""
    wait = Wait()
    wait.patience.wait_for_turn()
    await asyncio.sleep(3)
    wait.patience.lost(waiting=True, cut_off=False, silently=True)
    await asyncio.sleep(1.1)
    assert wait.said == [(Announcement.HOLD, 4.0)]
    wait.patience.stop()


async def test_after_the_end_nothing_is_said() -> None:
    """After the end no announcement is played, not even about a loss."""
    wait = Wait()
    wait.patience.wait_for_start()
    wait.patience.stop()
    wait.patience.lost(waiting=True, cut_off=True, silently=False)
    wait.patience.work_began(Announcement.LOOK_UP)
    await asyncio.sleep(30)
    assert wait.said == []


async def test_further_losses_do_not_make_us_talkative() -> None:
    """A caller who has just heard the announcement hears it again only after a while, not at each attempt."""
    wait = Wait()
    wait.patience.wait_for_start()
    await asyncio.sleep(4.5)
    for _ in range(3):
        wait.patience.lost(waiting=True, cut_off=False, silently=False)
        await asyncio.sleep(1.2)
    assert wait.said == [(Announcement.HOLD, 4.0)]
    wait.patience.stop()


async def test_the_caller_waits_from_their_own_words_on() -> None:
    """Tools that are called and answered in sequence do not restart the wait."""
    wait = Wait()
    wait.patience.wait_for_turn()
    for _ in range(20):
        wait.patience.work_began(Announcement.LOOK_UP)
        await asyncio.sleep(0.2)
        wait.patience.work_ended()
        await asyncio.sleep(0.1)
    assert wait.said == []
    await asyncio.sleep(3)
    assert wait.said == [(Announcement.HOLD, 8.0)]
    for _ in range(30):
        wait.patience.work_began(Announcement.LOOK_UP)
        await asyncio.sleep(0.2)
        wait.patience.work_ended()
        await asyncio.sleep(0.1)
    assert wait.said == [(Announcement.HOLD, 8.0), (Announcement.HOLD_ON, 16.0)]
    wait.patience.stop()


async def test_an_answer_that_breaks_again_and_again_is_joined_once() -> None:
    """Only a complete answer makes the next loss a new one; the first audio of an answer does not."""
    wait = Wait()
    for _ in range(3):
        wait.patience.answered()
        wait.patience.lost(waiting=False, cut_off=True, silently=False)
        await asyncio.sleep(0.5)
    assert wait.said == [(Announcement.HOLD, 0.0)]
    wait.patience.answered()
    wait.patience.answer_ended()
    wait.patience.lost(waiting=False, cut_off=True, silently=False)
    assert len(wait.said) == 2
    wait.patience.stop()


async def test_the_model_covers_a_look_up_itself_where_it_can() -> None:
    """The model covers a look-up only in quiet; where it cannot, a recording does, no later than before."""
    wait = Wait()
    wait.quiet = False
    wait.patience.work_began(Announcement.LOOK_UP)
    await asyncio.sleep(2)
    assert wait.nudged == 0
    wait.quiet = True
    await asyncio.sleep(0.3)
    assert wait.nudged == 1
    wait.patience.answered()
    await asyncio.sleep(5)
    assert wait.said == []
    wait.patience.work_began(Announcement.LOOK_UP)
    await asyncio.sleep(0.7)
    assert wait.nudged == 2
    await asyncio.sleep(0.8)
    assert [phrase for phrase, _ in wait.said] == [Announcement.LOOK_UP]
    assert wait.nudged == 2
    wait.patience.stop()
