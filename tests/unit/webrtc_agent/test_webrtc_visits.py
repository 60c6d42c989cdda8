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
    """A conversation that ends on request, or with an error."""

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
    """A session is found while its conversation runs, and for a while after it."""
    clock = Clock()
    registry = SessionRegistry(clock)
    web_session = registry.begin()
    assert registry.find(web_session.web_session_id).state is State.WAITING
    talk = Talk()
    registry.carry(web_session, talk, talk.run())
    assert registry.running() == [web_session]
    clock.now += 10 * REMEMBERED_SECONDS  # however long it takes
    assert registry.find(web_session.web_session_id).state is State.RUNNING
    talk.end(EndReason.CALLER_HUNG_UP)
    await asyncio.sleep(0.01)
    assert registry.find(web_session.web_session_id).state is State.FINISHED
    clock.now += REMEMBERED_SECONDS
    with pytest.raises(UnknownSession):
        registry.find(web_session.web_session_id)


async def test_a_client_that_never_comes_is_forgotten() -> None:
    """A session without a connection is forgotten, so starting one costs nothing that lasts."""
    clock = Clock()
    registry = SessionRegistry(clock)
    web_session = registry.begin()
    clock.now += REMEMBERED_SECONDS - 1
    assert registry.find(web_session.web_session_id) is web_session
    clock.now += 1
    with pytest.raises(UnknownSession):
        registry.find(web_session.web_session_id)


async def test_a_failed_conversation_is_over_too() -> None:
    """A visit whose conversation fails with a defect ends too."""
    registry = SessionRegistry(Clock())
    web_session, talk = registry.begin(), Talk(ValueError("a defect"))
    registry.carry(web_session, talk, talk.run())
    talk.end(EndReason.CALLER_HUNG_UP)
    await asyncio.sleep(0.01)
    assert web_session.state is State.FINISHED


async def test_closing_ends_all() -> None:
    """When the registry closes, each conversation gets the reason, and is waited for."""
    registry = SessionRegistry(Clock())
    talks = [Talk() for _ in range(3)]
    for talk in talks:
        registry.carry(registry.begin(), talk, talk.run())
    await registry.aclose()
    assert [talk.reason.result() for talk in talks] == [EndReason.DRAINED] * 3
    assert registry.running() == []


async def test_many_starts_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """If many sessions start, the oldest waiting ones are forgotten first."""
    monkeypatch.setattr(module, "MAX_VISITS", 3)
    registry = SessionRegistry(Clock())
    first = registry.begin()
    others = [registry.begin() for _ in range(4)]
    with pytest.raises(UnknownSession):
        registry.find(first.web_session_id)
    assert registry.find(others[-1].web_session_id) is others[-1]


async def test_a_conversation_is_never_forgotten_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sessions start, a running conversation, or one whose offer is being answered, is kept."""
    monkeypatch.setattr(module, "MAX_VISITS", 3)
    registry = SessionRegistry(Clock())
    running, answering, talk = registry.begin(), registry.begin(), Talk()
    registry.carry(running, talk, talk.run())
    registry.move(answering, State.ANSWERING)
    for _ in range(10):
        registry.begin()
    assert registry.find(running.web_session_id) is running
    assert registry.find(answering.web_session_id) is answering
    await registry.aclose()


class Ring:
    """A cycle that only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self


async def test_what_visitors_leave_is_collected_while_nobody_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector runs only between conversations, because it blocks the event loop."""
    monkeypatch.setattr(module, "TIDY_SECONDS", 0.02)
    registry = SessionRegistry(Clock())
    left = weakref.ref(Ring())
    talks = [Talk(), Talk()]
    for talk in talks:
        registry.carry(registry.begin(), talk, talk.run())
    gc.disable()
    try:
        talks[0].end(EndReason.CALLER_HUNG_UP)
        await asyncio.sleep(0.1)
        assert left() is not None
        talks[1].end(EndReason.CALLER_HUNG_UP)
        await until(lambda: left() is None)
    finally:
        gc.enable()
