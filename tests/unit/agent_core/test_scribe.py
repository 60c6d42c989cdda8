"""A call is written down behind its back: the newest state, soon, and never after its end."""

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
    """A task may die while it still answers the first question."""
    shelf, store, scribe = _made()
    scribe.start()
    await asyncio.sleep(SETTLE_SECONDS * 2)
    scribe.heed((PARIS,))
    await asyncio.sleep(shelf.pause * 2)
    assert await _history(store) == ["the weather in Paris"]
    await scribe.close(over=True)


async def test_many_changes_are_few_writes_and_the_last_one_counts() -> None:
    """Words come in pieces; the store is asked about twice a second at most."""
    shelf, store, scribe = _made()
    scribe.start()
    for number in range(100):
        scribe.heed((PARIS, (Role.ASSISTANT, f"piece {number}")))
        await asyncio.sleep(0.01)
    await asyncio.sleep(SETTLE_SECONDS * 2)
    assert await _history(store) == ["the weather in Paris", "piece 99"]
    assert shelf.puts <= 4
    await scribe.close(over=True)


async def test_a_call_that_is_over_leaves_nothing() -> None:
    """Not even when its last words are just being written."""
    shelf, store, scribe = _made(pause=0.3)
    scribe.start()
    scribe.heed((PARIS,))
    await asyncio.sleep(0.1)
    await scribe.close(over=True)
    await asyncio.sleep(2)
    assert (await _history(store), shelf.entries) == ([], {})


async def test_a_call_that_is_lost_leaves_its_last_words() -> None:
    """Also those that were not written yet."""
    _, store, scribe = _made()
    scribe.start()
    await asyncio.sleep(0.1)
    scribe.heed((PARIS, RAIN))
    scribe.change(ended="peer_lost", note="say hello")
    await scribe.close(over=False)
    call = await store.recall("CA1")
    assert call is not None
    assert (call.history[-1][1], call.ended, call.note) == ("It rains.", "peer_lost", "say hello")


async def test_a_store_that_hangs_does_not_stop_the_scribe() -> None:
    """The call ends in time, and the next write is tried again."""
    shelf, store, scribe = _made(pause=3600)
    scribe.start()
    await asyncio.sleep(2)
    shelf.pause = 0.0
    scribe.heed((PARIS,))
    await asyncio.sleep(2)
    assert await _history(store) == ["the weather in Paris"]
    assert store.faults["remember"] >= 1
    shelf.pause = 3600
    began = asyncio.get_running_loop().time()
    await scribe.close(over=False)
    assert asyncio.get_running_loop().time() - began < 2.5


async def test_nothing_is_written_where_nothing_is_kept() -> None:
    """No task is made for it."""
    before = asyncio.all_tasks()
    scribe = CallStateWriter(CallStore(), CallState("CA1"))
    scribe.start()
    scribe.heed((PARIS,))
    await scribe.close(over=False)
    assert asyncio.all_tasks() == before
