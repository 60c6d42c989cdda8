"""Detect a silent caller: ask once whether they are still there, then say goodbye."""

import asyncio
from collections.abc import Callable

_LOOK_SECONDS = 0.5


class IdleMonitor:
    """Watches for silence of both sides.

    Args:
        after: Seconds of silence, each time; 0 disables the watch.
        is_busy: Whether one side speaks, is still heard, or waits for a reply.
        turns: Number of times that the caller has said or written something.
        ask: Asks whether the caller is still there.
        give_up: Says goodbye.
    """

    def __init__(
        self,
        after: float,
        *,
        is_busy: Callable[[], bool],
        turns: Callable[[], int],
        ask: Callable[[], None],
        give_up: Callable[[], None],
    ) -> None:
        self._after = after
        self._is_busy = is_busy
        self._turns = turns
        self._ask = ask
        self._give_up = give_up
        self._timer: asyncio.TimerHandle | None = None
        self._silent_since = 0.0
        self._asked_at_turn: int | None = None

    def start(self) -> None:
        """Start to watch, or resume."""
        if self._after and self._timer is None:
            self._silent_since = asyncio.get_running_loop().time()
            self._look_again()

    def noticed(self) -> None:
        """Record that the caller is there, though silent: they pressed a key."""
        self._asked_at_turn = None
        self._silent_since = asyncio.get_running_loop().time()

    def pause(self) -> None:
        """Pause until ``start``."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """Stop for good."""
        self._after = 0
        self.pause()

    def _look_again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        # The caller has spoken since the question, so the next silence gets a question of its own.
        if self._asked_at_turn != self._turns():
            self._asked_at_turn = None
        # Silence counts from the last sound of either side.
        if self._is_busy():
            self._silent_since = now
        elif now - self._silent_since >= self._after:
            self._silent_since = now
            if self._asked_at_turn is not None:
                self._give_up()
                return
            self._asked_at_turn = self._turns()
            self._ask()
        self._look_again()
