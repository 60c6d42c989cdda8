"""A service that fails is left alone for a while, then tried once."""

import asyncio

import pytest
from structlog.testing import capture_logs

from agent_core.errors import UpstreamError
from agent_core.tools.circuit_breaker import COOL_DOWN_SECONDS, FAILURES, CircuitBreaker, CircuitOpen
from agent_core.tools.registry import ToolFailure


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:  # noqa: D102 - see the class
        return self.now


def attempt(breaker: CircuitBreaker, error: BaseException | None = None) -> None:
    """Send one request that ends with this error, or well."""
    with breaker.attempt():
        if error is not None:
            raise error


def fail(breaker: CircuitBreaker, times: int = FAILURES) -> None:
    """Let requests fail."""
    for _ in range(times):
        with pytest.raises(UpstreamError, match="down"):
            attempt(breaker, UpstreamError("desk", "down"))


def test_it_opens_after_some_failures_in_a_row_and_rejects_at_once() -> None:
    """A success in between starts the count again."""
    clock = Clock()
    breaker = CircuitBreaker("desk", "desk.example", clock)
    fail(breaker, FAILURES - 1)
    attempt(breaker)
    fail(breaker, FAILURES - 1)
    assert not breaker.is_open
    fail(breaker, 1)
    with pytest.raises(CircuitOpen) as rejected:
        attempt(breaker)
    assert rejected.value.retry_after == COOL_DOWN_SECONDS


def test_after_the_cool_down_one_request_is_the_trial() -> None:
    """While it runs, others are rejected; its failure opens the circuit again, its success closes it."""
    clock = Clock()
    breaker = CircuitBreaker("desk", "desk.example", clock)
    fail(breaker)
    clock.now += COOL_DOWN_SECONDS

    def trial() -> None:
        with breaker.attempt():
            with pytest.raises(CircuitOpen):
                attempt(breaker)
            raise UpstreamError("desk", "still down")

    with pytest.raises(UpstreamError, match="still"):
        trial()
    with pytest.raises(CircuitOpen):
        attempt(breaker)
    clock.now += COOL_DOWN_SECONDS
    attempt(breaker)
    fail(breaker, FAILURES - 1)
    attempt(breaker)


@pytest.mark.parametrize("ending", [asyncio.CancelledError(), ToolFailure("refused"), RuntimeError("a defect")])
def test_what_says_nothing_about_the_service_neither_counts_nor_blocks_the_next_trial(ending: BaseException) -> None:
    """A caller who hangs up during the trial must not keep the circuit open for everyone."""
    clock = Clock()
    breaker = CircuitBreaker("desk", "desk.example", clock)
    for _ in range(FAILURES + 1):
        with pytest.raises(type(ending)):
            attempt(breaker, ending)
    assert not breaker.is_open
    fail(breaker)
    clock.now += COOL_DOWN_SECONDS
    with pytest.raises(type(ending)):
        attempt(breaker, ending)
    attempt(breaker)
    assert not breaker.is_open


def test_opening_and_closing_are_one_line_each() -> None:
    """Rejections are not logged: there is one for each use."""
    clock = Clock()
    breaker = CircuitBreaker("desk", "desk.example", clock)
    with capture_logs() as lines:
        fail(breaker)
        for _ in range(5):
            with pytest.raises(CircuitOpen):
                attempt(breaker)
        clock.now += COOL_DOWN_SECONDS
        fail(breaker, 1)
        clock.now += COOL_DOWN_SECONDS
        attempt(breaker)
    assert [line["event"] for line in lines] == ["tool_circuit_opened", "tool_circuit_closed"]
    assert lines[0]["host"] == "desk.example"
