"""How requests to Daily are retried: the number of attempts, the pauses between them, and what ends them."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from webrtc_agent.daily.daily_errors import DailyFailed
from webrtc_agent.daily.retry import persist


class Attempts:
    """A request that fails as scripted, then repeats the last outcome; records the times of the attempts."""

    def __init__(self, *failures: DailyFailed | None) -> None:
        self._failures = failures
        self.times: list[float] = []

    async def __call__(self) -> str:
        """Send it once."""
        failure = self._failures[min(len(self.times), len(self._failures) - 1)]
        self.times.append(asyncio.get_running_loop().time())
        if failure is not None:
            raise failure
        return "done"

    @property
    def pauses(self) -> list[float]:
        """Return the seconds between the attempts."""
        return [later - earlier for earlier, later in pairwise(self.times)]


def broken(retry_after: float | None = None, *, again: bool = True) -> DailyFailed:
    """Return a failure."""
    return DailyFailed("status_500", again=again, in_doubt=True, retry_after=retry_after)


async def until(seconds: float, attempt: Callable[[], Awaitable[str]]) -> str:
    """Send it with a deadline in so many seconds."""
    return await persist("delete", attempt, asyncio.get_running_loop().time() + seconds)


async def test_a_request_that_succeeds_is_sent_once() -> None:
    """A request that succeeds is sent once, and logs nothing."""
    attempts = Attempts(None)
    with capture_logs() as lines:
        assert await until(7, attempts) == "done"
    assert (len(attempts.times), lines) == (1, [])


async def test_pauses_double_up_to_half_a_minute_until_the_deadline() -> None:
    """The first pause is short; the last attempt comes before the deadline and raises its own failure."""
    attempts = Attempts(broken())
    began = asyncio.get_running_loop().time()
    with pytest.raises(DailyFailed, match="status_500"):
        await until(300, attempts)
    pauses = attempts.pauses
    assert 0.2 <= pauses[0] <= 0.5
    assert all(1.3 < later / earlier < 3.5 for earlier, later in pairwise(pauses[:6]))
    assert 20 < max(pauses) <= 36
    assert 12 <= len(attempts.times) <= 18
    assert attempts.times[-1] - began < 300


async def test_two_requests_that_failed_together_are_not_sent_together_again() -> None:
    """Pauses have jitter, so that requests that failed together are not retried together."""
    attempts = [Attempts(broken(), None) for _ in range(20)]
    await asyncio.gather(*(until(7, each) for each in attempts))
    assert len({round(each.pauses[0], 3) for each in attempts}) > 10


async def test_daily_s_own_pause_is_kept_if_it_is_longer() -> None:
    """A longer pause that Daily requests in `Retry-After` is used; a zero does not remove the pause."""
    attempts = Attempts(broken(retry_after=3), broken(retry_after=0), None)
    await until(7, attempts)
    assert attempts.pauses[0] == pytest.approx(3, abs=0.1)
    assert attempts.pauses[1] >= 0.2


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [(broken(again=False), 7.0), (broken(retry_after=30), 7.0), (broken(), 0.1)],
    ids=["no-cure", "waits-too-long", "no-time-left"],
)
async def test_a_try_that_cannot_help_is_not_waited_for(failure: DailyFailed, seconds: float) -> None:
    """A failure that a retry cannot cure is raised at once, not at the deadline."""
    attempts, began = Attempts(failure), asyncio.get_running_loop().time()
    with pytest.raises(DailyFailed, match="status_500") as raised:
        await until(seconds, attempts)
    assert raised.value is failure
    assert len(attempts.times) == 1
    assert asyncio.get_running_loop().time() - began < 0.05


async def test_a_try_that_hangs_ends_at_the_deadline() -> None:
    """An attempt that hangs ends at the deadline with a timeout; the outcome of the request is unknown."""
    began = asyncio.get_running_loop().time()
    with pytest.raises(DailyFailed, match="timeout") as raised:
        await until(5, lambda: asyncio.sleep(60, "late"))
    assert raised.value.in_doubt
    assert asyncio.get_running_loop().time() - began == pytest.approx(5, abs=0.1)


async def test_each_retry_is_one_warning() -> None:
    """Each retry logs one warning with the step, the failure and the pause."""
    with capture_logs() as lines:
        await until(7, Attempts(broken(retry_after=2), None))
    (line,) = lines
    assert (line["event"], line["log_level"], line["step"]) == ("daily_retried", "warning", "delete")
    assert line["error"] == "daily: status_500"
    assert 2000 <= line["wait_ms"] <= 2100
