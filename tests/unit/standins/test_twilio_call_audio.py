"""The 20 ms clock of a call's audio."""

import asyncio
from contextlib import suppress

import pytest

from standins.twilio.call_audio import CallAudio
from standins.twilio.timeline import Timeline


async def test_the_clock_wakes_up_once_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding of floats makes no frame late, after which the clock would ask again and again without waiting."""
    waits, sleep = 0, asyncio.sleep

    async def counted(seconds: float) -> None:
        nonlocal waits
        waits += 1
        await sleep(seconds)

    # Virtual time moves in whole milliseconds, and the clock's beginning decides which frames are rounded down.
    await sleep(0.5)
    monkeypatch.setattr(asyncio, "sleep", counted)
    calls = [CallAudio(Timeline(), lambda *_: None) for _ in range(20)]
    running = []
    for audio in calls:
        running.append(asyncio.create_task(audio.run()))
        await sleep(0.003)
    await sleep(10.0)
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert all(audio.frames in range(499, 505) for audio in calls)
    assert waits <= sum(audio.frames + 1 for audio in calls)
