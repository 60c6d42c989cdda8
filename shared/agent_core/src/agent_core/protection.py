"""Keep ECS from stopping this task while anyone talks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import structlog

from agent_core.admission import Admission
from agent_core.errors import UpstreamError

log = structlog.get_logger()

RENEW_SECONDS: Final = 600.0
"""A third of the time after which the protection would end by itself."""
AGAIN_SECONDS: Final = 60.0
"""After three tries that failed. Nothing is given up for good: the next call deserves protection too."""

LEAVE_SECONDS: Final = 8.0
"""For a service that stops to take its protection off, as ECS kills it 10 s after its conversations must have ended.
The protection of a task ends with it in any case."""


class Protector(Protocol):
    """Who is told; ECS's agent, or a test."""

    async def protect(self, *, on: bool) -> None:
        """Spare this task, or spare it no longer.

        Raises:
            UpstreamError: it could not be told.
        """


class TaskProtection:
    """Follows the places that are taken: on with the first, renewed while there is any, off with the last.

    It never stands in a call's way: everything happens in a task of its own, and a failure is told and tried again.

    Args:
        protector: Is told.
        admission: Knows whether anyone talks.
        on_failure: Called when it could not be told.
    """

    def __init__(self, protector: Protector, admission: Admission, on_failure: Callable[[], None]) -> None:
        self._protector = protector
        self._admission = admission
        self._on_failure = on_failure
        self._may_be_on = False
        self._telling = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow for the length of a block; a protection that is on at its end is taken off."""
        following = asyncio.create_task(self._follow(), name="task-protection")
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._leave(following)
            except TimeoutError:
                log.warning("task_protection_failed", on=False, error="no time left")
            finally:
                following.cancel()

    async def _leave(self, following: asyncio.Task[None]) -> None:
        # What is being told just now is not torn off, or it would have to be told twice.
        async with self._telling:
            following.cancel()
        await asyncio.wait({following})
        if self._may_be_on:
            await self._tell(on=False)

    async def _follow(self) -> None:
        while True:
            await self._admission.wait_until_busy()
            empty = False
            while not empty:
                worked = await self._tell(on=True)
                empty = await self._admission.wait_until_empty(RENEW_SECONDS if worked else AGAIN_SECONDS)
            # A task that stays protected while nobody talks would hold up a deployment.
            while not await self._tell(on=False) and not await self._admission.wait_until_busy(AGAIN_SECONDS):
                pass

    async def _tell(self, *, on: bool) -> bool:
        # Also a try that failed may have arrived, so that it has to be taken back.
        self._may_be_on = True
        try:
            async with self._telling:
                await self._protector.protect(on=on)
        except UpstreamError as error:
            log.warning("task_protection_failed", on=on, error=error.reason)
            self._on_failure()
            return False
        self._may_be_on = on
        log.info("task_protection", on=on)
        return True
