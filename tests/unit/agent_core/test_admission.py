"""Slots for conversations: counted when reserved, released once."""

import asyncio

import pytest

from agent_core.admission import Admission, Slot
from agent_core.daily_budget import DailyBudget
from agent_core.errors import AtCapacity, Draining


def test_places_run_out() -> None:
    """With two slots the third caller is rejected with the reason, and a released slot can be taken again."""
    admission = Admission(2)
    first = admission.admit()
    admission.admit()
    assert admission.is_full
    with pytest.raises(AtCapacity, match="all 2 places"):
        admission.admit()
    first.release()
    assert admission.taken == 1
    admission.admit()
    assert admission.taken == 2


def test_a_place_is_given_back_once() -> None:
    """Releasing a slot twice frees one slot, not two."""
    admission = Admission(2)
    place = admission.admit()
    admission.admit()
    place.release()
    place.release()
    assert admission.taken == 1


def test_a_place_that_is_kept_comes_back_after_the_block() -> None:
    """A kept slot is released once after its block, however often the block released it, and never otherwise."""
    admission = Admission(2)
    place = admission.admit()
    with place.kept():
        pass
    assert admission.taken == 1
    with place.kept(), place.kept():
        place.release()
        place.release()
        assert admission.taken == 1
    assert admission.taken == 0
    place.release()
    assert admission.taken == 0


async def test_a_promised_place_is_taken_when_somebody_is_there() -> None:
    """A reserved slot counts only once a caller is there, except for a draining task, which waits for it."""
    admission, settled = Admission(1), list[str]()
    first, second = (admission.promise(lambda name=name: settled.append(name)) for name in ("first", "second"))  # type: ignore[misc]
    assert (admission.taken, admission.is_full) == (0, False)
    assert not await admission.wait_until_empty(0)
    admission.start_draining()
    first.take()
    first.take()
    assert (admission.taken, settled) == (1, ["first"])
    with pytest.raises(AtCapacity):
        second.take()
    for _ in range(2):
        first.release()
        second.release()
    assert (admission.taken, settled) == (0, ["first", "second"])
    second.take()
    assert admission.taken == 0
    assert await admission.wait_until_empty(0)


def test_a_block_gives_its_place_back() -> None:
    """A block releases its slot, also when it fails."""
    admission = Admission(1)
    with pytest.raises(RuntimeError):
        _fail_within(admission.admit())
    assert admission.taken == 0


def _fail_within(place: Slot) -> None:
    with place:
        raise RuntimeError


def test_draining_takes_nothing_new() -> None:
    """A draining task gives that as the reason of a rejection, before a full one, and keeps its conversations."""
    admission = Admission(1)
    admission.admit()
    admission.start_draining()
    with pytest.raises(Draining):
        admission.admit()
    assert admission.taken == 1


async def test_empty_at_once() -> None:
    """A drain without conversations ends immediately."""
    assert await Admission(1).wait_until_empty(0.5)


async def test_waiting_for_the_last_one() -> None:
    """The wait ends when the last slot is released, not the first."""
    admission = Admission(2)
    first, last = admission.admit(), admission.admit()
    waiting = asyncio.create_task(admission.wait_until_empty(5.0))
    first.release()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    last.release()
    assert await waiting


async def test_the_wait_is_bounded() -> None:
    """A conversation that does not end in time is reported, and the wait ends."""
    admission = Admission(1)
    admission.admit()
    assert not await admission.wait_until_empty(0.01)


def test_free_places_are_none_while_a_task_drains_and_all_while_its_budget_is_spent() -> None:
    """A draining task offers no capacity; a spent budget keeps its capacity, since more tasks would spend more."""
    spent = DailyBudget(1.0)
    admission = Admission(3, spent)
    admission.admit()
    assert admission.free == 2
    spent.add(2.0)
    assert admission.is_over_budget
    assert admission.free == 2
    admission.start_draining()
    assert admission.free == 0
