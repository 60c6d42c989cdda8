"""Delete rooms that are no longer needed."""

import asyncio

import structlog

from agent_core import causes
from webrtc_agent.daily.api import DailyApi
from webrtc_agent.daily.daily_errors import DailyFailed
from webrtc_agent.daily.retry import persist

log = structlog.get_logger()

GIVE_UP_SECONDS = 300.0
"""Rooms expire automatically; after this long, deleting them gains nothing."""
CLOSE_SECONDS = 5.0
_AT_ONCE = 2
"""Daily accepts about two deletions a second."""


class RoomReaper:
    """Deletes rooms in the background, with bounded retries.

    Args:
        api: Daily's API.
    """

    def __init__(self, api: DailyApi) -> None:
        self._api = api
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def discard(self, name: str) -> None:
        """Delete a room in the background. It need not exist."""
        task = asyncio.create_task(self._remove(name), name="room-removal")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Finish what can be finished in a few seconds."""
        if self._tasks:
            # A room that is left behind expires, so the exit does not wait longer.
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            log.warning("room_cleanups_abandoned", rooms=len(self._tasks))
            await asyncio.wait(self._tasks)

    async def _remove(self, name: str) -> None:
        deadline = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
        try:
            await persist("delete", lambda: self._delete(name), deadline)
        except DailyFailed as failure:
            log.warning("room_cleanup_abandoned", error=failure.reason, **causes.fields(failure))

    async def _delete(self, name: str) -> None:
        async with self._places:
            await self._api.delete_room(name)
