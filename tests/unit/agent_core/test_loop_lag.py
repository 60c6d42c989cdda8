"""When a task whose event loop is late rejects new conversations, and when it accepts them again."""

import asyncio

import pytest

from agent_core.admission import Admission
from agent_core.errors import AtCapacity, Overloaded, PermissionRefused
from agent_core.loop_lag import CALM, LATE_OF_LAST, LONGEST, PAUSE, LagGuard, watching_loop

LIMIT = 100.0


def saw(guard: LagGuard, lag_ms: float, seconds: int) -> list[bool]:
    """Report the same lag for so many seconds, and return the state after each."""
    said = []
    for _ in range(seconds):
        guard.saw(lag_ms)
        said.append(guard.is_late)
    return said


def test_one_pause_is_not_late_and_three_of_five_seconds_are() -> None:
    """A garbage collection takes 300 ms once, so one late second does not count."""
    guard = LagGuard(LIMIT)
    for lag_ms in (300, 5, 5, 300, 5, 5, 300, 5, 5, 5):
        guard.saw(lag_ms)
        assert not guard.is_late
    assert saw(guard, 101, LATE_OF_LAST) == [False, False, True]


def test_it_recovers_after_calm_seconds_in_a_row_below_half_the_limit() -> None:
    """Between half the limit and the limit the state does not change, so it does not flap."""
    guard = LagGuard(LIMIT)
    saw(guard, 200, LATE_OF_LAST)
    assert all(saw(guard, 60, 10))
    assert all(saw(guard, 10, CALM - 1))
    guard.saw(60)
    assert saw(guard, 10, CALM) == [True] * (CALM - 1) + [False]
    assert saw(guard, 200, LATE_OF_LAST)[-1]


def test_it_refuses_for_a_minute_at_most_and_then_pauses() -> None:
    """A late task stops rejecting after a minute: if every task is late, rejecting every caller does not help."""
    guard = LagGuard(LIMIT)
    saw(guard, 500, LATE_OF_LAST)
    assert saw(guard, 500, LONGEST) == [True] * (LONGEST - 1) + [False]
    assert not any(saw(guard, 500, PAUSE - 1))
    guard.saw(500)
    assert guard.is_late


def test_a_limit_of_zero_never_refuses() -> None:
    """A limit of zero never rejects: for measurements, and for machines with other work."""
    assert not any(saw(LagGuard(0), 5000, 10))


def test_a_late_task_has_no_free_place_and_hands_callers_on_while_it_holds_many() -> None:
    """A late task with many conversations rejects callers; with few it accepts them: the lag has another cause."""
    refusals: list[PermissionRefused] = []
    admission = Admission(8, on_refused=refusals.append)
    guard = LagGuard(LIMIT)
    admission.is_late = lambda: guard.is_late
    saw(guard, 200, LATE_OF_LAST)
    admission.admit()
    assert admission.free == 7
    admission.admit()
    assert admission.free == 0
    with pytest.raises(Overloaded):
        admission.admit()
    assert isinstance(refusals[0], AtCapacity)
    saw(guard, 5, CALM)
    assert admission.free == 6
    admission.admit()


async def test_the_loop_is_watched_for_the_length_of_a_block() -> None:
    """Each second's worst lag goes to every listener."""
    first: list[float] = []
    second: list[float] = []
    async with watching_loop(first.append, second.append):
        while not first:  # noqa: ASYNC110 - the listener is a callback
            await asyncio.sleep(0.05)
    assert first == second
    assert first[0] >= 0
