"""Retry requests to Daily."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from agent_core import causes
from agent_core.retries import retry_context
from webrtc_agent.daily.daily_errors import DailyFailed

log = structlog.get_logger()

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0
_JITTER: Final = 0.1
"""Most jitter of a pause: requests that failed together must not return together."""


async def persist[T](step: str, attempt: Callable[[], Awaitable[T]], deadline: float) -> T:
    """Retry until success, a final error, or a pause that would exceed the deadline.

    Args:
        step: For the log.
        attempt: One attempt.
        deadline: On the event loop's clock.

    Raises:
        DailyFailed: the failure of the last attempt; says when a retry may work, if Daily did.
    """
    loop = asyncio.get_running_loop()

    def pause(error: Exception) -> bool | float:
        """Return whether to retry, or after how many seconds if Daily requests a longer pause than the back-off."""
        if not isinstance(error, DailyFailed) or not error.again:
            return False
        asked = error.retry_after or 0.0
        wait = max(current.next_wait, asked)
        if loop.time() + wait + _JITTER >= deadline:
            return False
        log.warning("daily_retried", step=step, error=error.reason, wait_ms=round(wait * 1000), **causes.fields(error))
        return asked if asked > current.next_wait else True

    tries = retry_context(
        on=pause, attempts=None, timeout=None, wait_initial=_FIRST_PAUSE, wait_max=_LONGEST_PAUSE, wait_jitter=_JITTER
    )
    async for current in tries:
        with current:
            try:
                async with asyncio.timeout_at(deadline):
                    return await attempt()
            except TimeoutError:
                raise DailyFailed("timeout", again=False, in_doubt=True) from None
    raise AssertionError  # the loop ends with a result or an error
