"""Deduplicate the requests of one conversation: the model sometimes sends the same one twice in a row, or at once."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from cachetools import TTLCache

WINDOW_SECONDS: Final = 15.0
"""How long a result is reused for an identical request, if the caller says nothing meanwhile."""
_MOST_ANSWERS: Final = 16
"""Most results kept; one caller turn needs two or three."""
_CLEAN_UP_SECONDS: Final = 1.0
"""Time for a cancelled request to release its resources."""


@dataclass(eq=False, slots=True)
class _UnderWay[Answer]:
    task: asyncio.Task[Answer]
    keep: bool
    waiting: int = 0


class Repeats[Answer]:
    """Runs requests with the same key once: while the first is in progress, and until the caller's next turn.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._under_way: dict[str, _UnderWay[Answer]] = {}
        self._answered: TTLCache[str, Answer] = TTLCache(_MOST_ANSWERS, WINDOW_SECONDS, timer=clock)

    def new_turn(self) -> None:
        """Drop all results: the caller may want something else now, or the same again."""
        self._answered.clear()

    async def answer(
        self, key: str, ask: Callable[[], Coroutine[Any, Any, Answer]], *, seconds: float, keep: bool
    ) -> Answer:
        """Return the result of this request, or of an identical one; ``keep`` it for later ones.

        Raises:
            TimeoutError: There is none within ``seconds``.
            asyncio.CancelledError: The caller of this method was cancelled; others who wait are not affected.
        """
        known = self._answered.get(key)
        if known is not None:
            return known
        under_way = self._under_way.get(key) or self._begin(key, ask, keep=keep)
        under_way.waiting += 1
        try:
            done, _ = await asyncio.wait({under_way.task}, timeout=seconds)
        finally:
            under_way.waiting -= 1
            if not under_way.waiting and not under_way.task.done():
                await self._abandon(key, under_way)
        if not done or under_way.task.cancelled():
            raise TimeoutError
        return under_way.task.result()

    def _begin(self, key: str, ask: Callable[[], Coroutine[Any, Any, Answer]], *, keep: bool) -> _UnderWay[Answer]:
        under_way = _UnderWay(asyncio.create_task(ask(), name="tool"), keep)
        self._under_way[key] = under_way
        under_way.task.add_done_callback(lambda _: self._finished(key, under_way))
        return under_way

    def _finished(self, key: str, under_way: _UnderWay[Answer]) -> None:
        if self._under_way.get(key) is not under_way:
            return  # abandoned meanwhile
        del self._under_way[key]
        # A failure is not kept: the next attempt may succeed.
        if not under_way.task.cancelled() and under_way.task.exception() is None and under_way.keep:
            self._answered[key] = under_way.task.result()

    async def _abandon(self, key: str, under_way: _UnderWay[Answer]) -> None:
        """Cancel a request that nothing waits for; the next identical one starts anew."""
        self._under_way.pop(key, None)
        under_way.task.cancel()
        await asyncio.wait({under_way.task}, timeout=_CLEAN_UP_SECONDS)
