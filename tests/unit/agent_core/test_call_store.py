"""Call memory is encrypted, and a store that fails, hangs or lies harms no call."""

import asyncio
from datetime import timedelta

from agent_core.adapters.call_store.key_value_store import StoredEntry
from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import BARRED, KEEP, CallStore
from agent_core.call_state import CallState
from tests.support.call_shelves import Memo

OLD, NEW = b"o" * 32, b"n" * 32
CALL = CallState("CA1", history=(("USER", "the weather in Reykjavik"),), part=1)
NOW = 1_000_000.0


def _store(shelf: Memo, *keys: bytes) -> CallStore:
    return CallStore(shelf, Seal(keys or (NEW,)), clock=lambda: NOW, deadline=timedelta(seconds=0.05))


async def test_a_call_is_remembered_for_an_hour_after_its_last_word() -> None:
    """An entry contains its own expiry, an hour after the last word."""
    shelf = Memo()
    store = _store(shelf)
    assert await store.remember(CALL)
    assert await store.recall("CA1") == CALL
    assert shelf.entries["CA1"].expires_at == NOW + KEEP.total_seconds()
    await store.forget(CALL)
    assert await store.recall("CA1") is None
    assert not shelf.entries
    assert shelf.deleted == {"CA1": NOW + BARRED.total_seconds()}
    assert not store.faults


async def test_nothing_that_was_said_can_be_read_where_it_lies() -> None:
    """The stored entry reveals neither the words, nor the caller's place, nor the note."""
    shelf = Memo()
    await _store(shelf).remember(CallState("CA1", CALL.history, {"city": "Akureyri"}, note="a private note"))
    for word in (b"weather", b"Reykjavik", b"Akureyri", b"private", b"USER", b"history"):
        assert word not in shelf.entries["CA1"].sealed


async def test_the_old_key_opens_while_it_is_being_replaced() -> None:
    """During a rotation, tasks with the old token and with both read the entries; the new token alone does not."""
    shelf = Memo()
    await _store(shelf, OLD).remember(CALL)
    assert await _store(shelf, NEW, OLD).recall("CA1") == CALL
    stranger = _store(shelf, NEW)
    assert await stranger.recall("CA1") is None
    assert stranger.faults == {"recall": 1}


async def test_one_calls_words_do_not_open_under_another_name() -> None:
    """A writer to the table cannot give one caller the conversation of another."""
    shelf = Memo()
    store = _store(shelf)
    await store.remember(CALL)
    shelf.entries["CA2"] = shelf.entries["CA1"]
    assert await store.recall("CA2") is None


async def test_an_entry_that_was_tampered_with_is_nothing() -> None:
    """An entry that is changed, truncated, empty or replaced causes a warning, and the call begins anew."""
    shelf = Memo()
    store = _store(shelf)
    await store.remember(CALL)
    sealed = shelf.entries["CA1"].sealed
    one_bit_flipped = sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]
    for content in (sealed[:-1], sealed[:5], b"", b"\x02" + sealed[1:], one_bit_flipped, b"x" * 90):
        shelf.entries["CA1"] = StoredEntry(content, 1, NOW + 10)
        assert await store.recall("CA1") is None
    assert store.faults["recall"] == 6


async def test_a_store_that_cannot_be_reached_harms_no_call() -> None:
    """Without its store, a call has no memory, and a stream token counts as new."""
    store = _store(Memo(broken=True))
    assert await store.recall("CA1") is None
    assert not await store.remember(CALL)
    await store.forget(CALL)
    assert await store.redeem("ticket", NOW + 60)
    assert store.faults == {"recall": 1, "remember": 1, "forget": 1, "redeem": 1}


async def test_a_store_that_never_answers_holds_nobody_up() -> None:
    """Every wait for the store has a deadline."""
    store = _store(Memo(pause=3600))
    async with asyncio.timeout(5):
        assert await store.recall("CA1") is None
        assert not await store.remember(CALL)
        assert await store.redeem("ticket", NOW + 60)
        await store.forget(CALL)
    assert sum(store.faults.values()) == 4


async def test_a_ticket_is_new_once() -> None:
    """A stream token is new once, whichever task checks it."""
    shelf = Memo()
    assert await _store(shelf).redeem("ticket", NOW + 60)
    assert not await _store(shelf).redeem("ticket", NOW + 60)


async def test_without_a_shelf_nothing_is_kept_and_nothing_fails() -> None:
    """With the setting `none`, no entry is kept and every request succeeds."""
    store = CallStore()
    assert not store.remembers
    assert not await store.remember(CALL)
    assert await store.recall("CA1") is None
    assert await store.redeem("ticket", NOW)
    assert await store.redeem("ticket", NOW)
    await store.forget(CALL)
    await store.aclose()
    assert not store.faults
