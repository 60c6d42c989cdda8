"""Call memory is written in the background: the newest state, soon, and never after the call's end."""

import asyncio

from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore
from agent_core.call_state import CallState
from agent_core.call_state_writer import SETTLE_SECONDS, CallStateWriter
from agent_core.nova.wire import Role
from tests.support.call_shelves import Memo

PARIS, RAIN = (Role.USER, "the weather in Paris"), (Role.ASSISTANT, "It rains.")


def _made(pause: float = 0.05) -> tuple[Memo, CallStore, CallStateWriter]:
    shelf = Memo(pause)
    store = CallStore(shelf, Seal([b"k" * 32]))
    return shelf, store, CallStateWriter(store, CallState("CA1", part=1))


async def _history(store: CallStore) -> list[str]:
    call = await store.recall("CA1")
    return [] if call is None else [words for _, words in call.history]


async def test_the_first_words_are_written_at_once() -> None:
    """The first words are written at once, since a task may die while it answers the first question."""
    shelf, store, state_writer = _made()
    state_writer.start()
    await asyncio.sleep(SETTLE_SECONDS * 2)
    state_writer.on_transcript((PARIS,))
    await asyncio.sleep(shelf.pause * 2)
    assert await _history(store) == ["the weather in Paris"]
    await state_writer.close(over=True)


async def test_many_changes_are_few_writes_and_the_last_one_counts() -> None:
    """Many changes cause at most two writes a second, and the last one is written."""
    shelf, store, state_writer = _made()
    state_writer.start()
    for number in range(100):
        state_writer.on_transcript((PARIS, (Role.ASSISTANT, f"piece {number}")))
        await asyncio.sleep(0.01)
    await asyncio.sleep(SETTLE_SECONDS * 2)
    assert await _history(store) == ["the weather in Paris", "piece 99"]
    assert shelf.puts <= 4
    await state_writer.close(over=True)


async def test_a_call_that_is_over_leaves_nothing() -> None:
    """A call that has ended leaves no entry, even if a write was in progress."""
    shelf, store, state_writer = _made(pause=0.3)
    state_writer.start()
    state_writer.on_transcript((PARIS,))
    await asyncio.sleep(0.1)
    await state_writer.close(over=True)
    await asyncio.sleep(2)
    assert (await _history(store), shelf.entries) == ([], {})


async def test_a_call_that_is_lost_leaves_its_last_words() -> None:
    """A call that is lost leaves its last words, also those that were not written yet."""
    _, store, state_writer = _made()
    state_writer.start()
    await asyncio.sleep(0.1)
    state_writer.on_transcript((PARIS, RAIN))
    state_writer.change(ended="media_disconnected", note="say hello")
    await state_writer.close(over=False)
    call = await store.recall("CA1")
    assert call is not None
    assert (call.history[-1][1], call.ended, call.note) == ("It rains.", "media_disconnected", "say hello")


async def test_a_store_that_hangs_does_not_stop_the_scribe() -> None:
    """With a store that hangs, the call ends in time, and the next write is tried again."""
    shelf, store, state_writer = _made(pause=3600)
    state_writer.start()
    await asyncio.sleep(2)
    shelf.pause = 0.0
    state_writer.on_transcript((PARIS,))
    await asyncio.sleep(2)
    assert await _history(store) == ["the weather in Paris"]
    assert store.faults["remember"] >= 1
    shelf.pause = 3600
    began = asyncio.get_running_loop().time()
    await state_writer.close(over=False)
    assert asyncio.get_running_loop().time() - began < 2.5


async def test_nothing_is_written_where_nothing_is_kept() -> None:
    """Without a store there is no task for writing."""
    before = asyncio.all_tasks()
    state_writer = CallStateWriter(CallStore(), CallState("CA1"))
    state_writer.start()
    state_writer.on_transcript((PARIS,))
    await state_writer.close(over=False)
    assert asyncio.all_tasks() == before
