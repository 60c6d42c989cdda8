"""The progress line of calls on a terminal."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final, TextIO

from standins.twilio.handset import Handset
from voice_agent.terminal import Terminal

_EVERY_SECONDS: Final = 0.5
_DOING: Final = {
    "ring": "ringing",
    "answered": "connecting",
    "stream_started": "waiting to be greeted",
    "sound_begins": "listening",
    "sound_ends": "waiting",
    "caller_begins": "speaking",
    "caller_ends": "waiting for an answer",
    "ended": "hung up",
}


@contextlib.asynccontextmanager
async def progress(handsets: Sequence[Handset], stream: TextIO) -> AsyncIterator[None]:
    """Update the line during the block, then remove it."""
    terminal = Terminal(stream)
    if not terminal.watched:
        yield
        return
    task = asyncio.create_task(_show(handsets, terminal))
    try:
        yield
    finally:
        task.cancel()
        # The task must end before the line is removed, or it could print the line once more.
        await asyncio.wait({task})
        terminal.wipe()


async def _show(handsets: Sequence[Handset], terminal: Terminal) -> None:
    began = time.monotonic()
    while True:
        terminal.progress(f"{time.monotonic() - began:7.1f}  {describe(handsets)}")
        await asyncio.sleep(_EVERY_SECONDS)


def describe(handsets: Sequence[Handset]) -> str:
    """Return what a single caller is doing, or how many calls are over."""
    if len(handsets) > 1:
        return f"{sum(handset.ended for handset in handsets)} of {len(handsets)} calls are over"
    # The newest event that has a description; others, such as marks, do not change what the caller does.
    events = (event.name for handset in handsets for event in reversed(handset.timeline.events))
    return next((_DOING[name] for name in events if name in _DOING), "dialling")
