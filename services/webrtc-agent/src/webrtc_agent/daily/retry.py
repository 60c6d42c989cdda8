"""When to ask again."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator

import structlog

from agent_core import causes
from webrtc_agent.daily.daily_errors import DailyFailed

log = structlog.get_logger()

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0


def pauses() -> Iterator[float]:
    """Give ever longer pauses in seconds, with some chance in them: who failed together shall not return together."""
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST_PAUSE)


async def persist[T](step: str, attempt: Callable[[], Awaitable[T]], deadline: float) -> T:
    """Try until it works, another try makes no sense, or the next one would come too late.

    Args:
        step: For the log.
        attempt: One try.
        deadline: On the event loop's clock.

    Raises:
        DailyFailed: Of the last try; says when another may work, if Daily did.
    """
    loop = asyncio.get_running_loop()
    for pause in pauses():
        try:
            async with asyncio.timeout_at(deadline):
                return await attempt()
        except TimeoutError:
            raise DailyFailed("timeout", again=True, in_doubt=True) from None
        except DailyFailed as failure:
            wait = max(pause, failure.retry_after or 0)
            if not failure.again or loop.time() + wait >= deadline:
                raise
            log.warning(
                "daily_retried", step=step, error=failure.reason, wait_ms=round(wait * 1000), **causes.fields(failure)
            )
        await asyncio.sleep(wait)
    raise AssertionError  # the pauses never end
