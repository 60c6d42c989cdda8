"""The sessions that a process knows."""

import asyncio
import gc
import weakref

import pytest

from agent_core.events import EndReason
from tests.support.clock import Clock
from tests.support.waiting import until
from webrtc_agent import session_registry as module
from webrtc_agent.errors import UnknownSession
from webrtc_agent.session_registry import REMEMBERED_SECONDS, SessionRegistry, State


class Talk:
    """A conversation that ends when it is told to, or with an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.reason: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self._error = error

    def end(self, reason: EndReason) -> None:
        """End it."""
        self.reason.set_result(reason)

    def use_text_only(self) -> None:
        """Send no audio."""

    async def run(self) -> None:
        """Hold it."""
        await self.reason
        if self._error is not None:
            raise self._error


async def test_a_visit_runs_and_ends() -> None:
    """And its end can be asked for a while."""
    clock = Clock()
    visits = SessionRegistry(clock)
    visit = visits.begin()
    assert visits.find(visit.visit_id).state is State.WAITING
    talk = Talk()
    visits.carry(visit, talk, talk.run())
    assert visits.running() == [visit]
    clock.now += 10 * REMEMBERED_SECONDS  # however long it takes
    assert visits.find(visit.visit_id).state is State.RUNNING
    talk.end(EndReason.CALLER_LEFT)
    await asyncio.sleep(0.01)
    assert visits.find(visit.visit_id).state is State.FINISHED
    clock.now += REMEMBERED_SECONDS
    with pytest.raises(UnknownSession):
        visits.find(visit.visit_id)


async def test_a_client_that_never_comes_is_forgotten() -> None:
    """Starting a session costs nothing that lasts."""
    clock = Clock()
    visits = SessionRegistry(clock)
    visit = visits.begin()
    clock.now += REMEMBERED_SECONDS - 1
    assert visits.find(visit.visit_id) is visit
    clock.now += 1
    with pytest.raises(UnknownSession):
        visits.find(visit.visit_id)


async def test_a_failed_conversation_is_over_too() -> None:
    """A defect of ours must not leave a visit running for ever."""
    visits = SessionRegistry(Clock())
    visit, talk = visits.begin(), Talk(ValueError("a defect"))
    visits.carry(visit, talk, talk.run())
    talk.end(EndReason.CALLER_LEFT)
    await asyncio.sleep(0.01)
    assert visit.state is State.FINISHED


async def test_closing_ends_all() -> None:
    """Each conversation hears why, and is waited for."""
    visits = SessionRegistry(Clock())
    talks = [Talk() for _ in range(3)]
    for talk in talks:
        visits.carry(visits.begin(), talk, talk.run())
    await visits.aclose()
    assert [talk.reason.result() for talk in talks] == [EndReason.DRAINED] * 3
    assert visits.running() == []


async def test_many_starts_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest that wait are forgotten first."""
    monkeypatch.setattr(module, "MAX_VISITS", 3)
    visits = SessionRegistry(Clock())
    first = visits.begin()
    others = [visits.begin() for _ in range(4)]
    with pytest.raises(UnknownSession):
        visits.find(first.visit_id)
    assert visits.find(others[-1].visit_id) is others[-1]


class Ring:
    """What only the garbage collector finds."""

    def __init__(self) -> None:
        self.itself = self


async def test_what_visitors_leave_is_collected_while_nobody_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before: the collector holds up whoever talks."""
    monkeypatch.setattr(module, "TIDY_SECONDS", 0.02)
    visits = SessionRegistry(Clock())
    left = weakref.ref(Ring())
    talks = [Talk(), Talk()]
    for talk in talks:
        visits.carry(visits.begin(), talk, talk.run())
    gc.disable()
    try:
        talks[0].end(EndReason.CALLER_LEFT)
        await asyncio.sleep(0.1)
        assert left() is not None
        talks[1].end(EndReason.CALLER_LEFT)
        await until(lambda: left() is None)
    finally:
        gc.enable()
