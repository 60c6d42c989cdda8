"""A line that says how far the calls are, for a person who watches a terminal."""

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
    """Keep the line up to date as long as the block lasts, then remove it."""
    terminal = Terminal(stream)
    if not terminal.watched:
        yield
        return
    task = asyncio.create_task(_show(handsets, terminal))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        terminal.wipe()


async def _show(handsets: Sequence[Handset], terminal: Terminal) -> None:
    began = time.monotonic()
    while True:
        terminal.progress(f"{time.monotonic() - began:7.1f}  {describe(handsets)}")
        await asyncio.sleep(_EVERY_SECONDS)


def describe(handsets: Sequence[Handset]) -> str:
    """Say what one caller is doing, or how many callers are done."""
    if len(handsets) > 1:
        return f"{sum(handset.ended for handset in handsets)} of {len(handsets)} calls are over"
    events = (event.name for handset in handsets for event in reversed(handset.timeline.events))
    return next((_DOING[name] for name in events if name in _DOING), "dialling")
