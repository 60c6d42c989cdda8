"""A session claims its end record before it writes it, whatever the store and the server do meanwhile."""

import asyncio

import pytest

from agent_core.adapters.call_store.process_store import ProcessStore
from agent_core.events import EndReason
from agent_core.lost_records import LostRecords
from tests.support.session_stage import Stage
from tests.support.waiting import until


class Watched(ProcessStore):
    """A store that may hang, and counts the claims."""

    def __init__(self) -> None:
        super().__init__()
        self.claims = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Answer when the test lets it."""
        self.claims += key.startswith("once/end/")
        await self.answers.wait()
        return await super().put_if_absent(key, expires_at)


def _stage(shelf: Watched) -> Stage:
    stage = Stage()
    stage.agent.lost_records = LostRecords(shelf, "phone", list, stage.agent.keep)
    return stage


async def _running(stage: Stage) -> asyncio.Task[object]:
    running: asyncio.Task[object] = asyncio.create_task(stage.session.run())
    await stage.model.stream()
    return running


async def test_a_session_claims_once_and_writes_one_record() -> None:
    """Also if it is abandoned after its end."""
    shelf = Watched()
    stage = _stage(shelf)
    running = await _running(stage)
    stage.session.end(EndReason.AGENT_ENDED)
    await running
    await stage.session.abandon()
    assert ([one.reason for one in stage.records], shelf.claims) == ([EndReason.AGENT_ENDED], 1)
    assert stage.released()


async def test_a_session_that_another_task_has_recorded_writes_none() -> None:
    """Everything is released all the same, and its figures no longer count as live."""
    shelf = Watched()
    stage = _stage(shelf)
    running = await _running(stage)
    await shelf.put_if_absent(f"once/end/{stage.session.session_id}", 2e10)
    stage.session.end(EndReason.AGENT_ENDED)
    await running
    assert stage.records == []
    assert stage.released()


async def test_a_session_that_is_cancelled_while_it_claims_writes_its_record() -> None:
    """A server that stops at this moment loses no record, and leaves no stream to the model open."""
    shelf = Watched()
    stage = _stage(shelf)
    running = await _running(stage)
    shelf.answers.clear()
    stage.session.end(EndReason.AGENT_ENDED)
    await until(lambda: shelf.claims == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(stage.records) == 1
    assert stage.released()


async def test_a_store_that_hangs_costs_a_second_and_no_record() -> None:
    """The claim has a deadline; without an answer the record is written."""
    shelf = Watched()
    stage = _stage(shelf)
    running = await _running(stage)
    shelf.answers.clear()
    stage.session.end(EndReason.AGENT_ENDED)
    await running
    assert len(stage.records) == 1
    assert stage.released()
