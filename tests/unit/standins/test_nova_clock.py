"""The clock of the session limits."""

import asyncio

from standins.nova.clock import Clock


async def test_a_fast_clock_passes_minutes_in_moments() -> None:
    """A fast clock passes eight minutes in moments."""
    clock = Clock(10_000)
    moment = clock.now() + 480
    await asyncio.wait_for(clock.sleep_until(moment), 5)
    assert clock.now() >= moment


async def test_a_sleeper_notices_a_change_of_speed() -> None:
    """A sleeping task wakes soon after the clock's speed changes."""
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep_until(clock.now() + 480))
    await asyncio.sleep(0)
    clock.run_at(10_000)
    await asyncio.wait_for(sleeper, 5)
    assert clock.now() >= 480
