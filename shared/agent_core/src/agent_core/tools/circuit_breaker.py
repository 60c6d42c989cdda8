"""Stop asking a service that fails: each caller would wait for the same failure."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from agent_core.errors import UpstreamError

log = structlog.get_logger()

FAILURES: Final = 3
"""Failures in a row that open the circuit: one or two may be chance, and a caller tries twice at most."""
COOL_DOWN_SECONDS: Final = 20.0
"""How long an open circuit rejects. A process that is restarted is back within this time."""


class CircuitOpen(UpstreamError):
    """The service has failed several times in a row, and is not asked for a while."""


class CircuitBreaker:
    """Counts the failures of one service, for all conversations of a process.

    Closed: requests pass. After ``failures`` in a row it opens and rejects at once. After the cool-down one request
    passes as a trial: it closes the circuit, or opens it for another cool-down.

    Args:
        service: Constant name of the service, for the log.
        host: Where it is; for the log.
        clock: Monotonic seconds.
        failures: See above.
        cool_down: Seconds.
    """

    def __init__(
        self,
        service: str,
        host: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        failures: int = FAILURES,
        cool_down: float = COOL_DOWN_SECONDS,
    ) -> None:
        self._service = service
        self._host = host
        self._clock = clock
        self._most = failures
        self._cool_down = cool_down
        self._failures = 0
        self._opened_at: float | None = None
        self._on_trial = False

    @property
    def is_open(self) -> bool:
        """Whether a request would be rejected now."""
        return self._opened_at is not None and (self._on_trial or self._clock() < self._opened_at + self._cool_down)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Let one request pass, and count how it ends.

        `UpstreamError` and `TimeoutError` are failures. Any other end counts as nothing: a cancelled request says
        nothing about the service, and neither does a request that it refused.

        Raises:
            CircuitOpen: the circuit is open.
        """
        if self.is_open:
            opened_at = self._opened_at or self._clock()
            left = max(0.0, opened_at + self._cool_down - self._clock())
            raise CircuitOpen(self._service, "circuit_open", retry_after=left)
        trial = self._opened_at is not None
        self._on_trial = trial
        try:
            yield
        except (UpstreamError, TimeoutError):
            self._failed()
            raise
        except BaseException:
            # Whatever ended it, the next request may be the trial.
            raise
        else:
            self._succeeded()
        finally:
            if trial:
                self._on_trial = False

    def _failed(self) -> None:
        self._failures += 1
        if self._failures < self._most:
            return
        # Logged when it opens, not for each rejection: one line tells an operator what is wrong.
        if self._opened_at is None:
            log.warning("tool_circuit_opened", service=self._service, host=self._host, failures=self._failures)
        self._opened_at = self._clock()

    def _succeeded(self) -> None:
        if self._opened_at is not None:
            log.info("tool_circuit_closed", service=self._service, host=self._host)
        self._failures, self._opened_at = 0, None
