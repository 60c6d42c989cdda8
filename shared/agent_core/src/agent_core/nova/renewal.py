"""Replace a stream before the model ends it, and retire the old one.

The model ends a stream after eight minutes, and after 295 seconds of silence on both sides. A successor is opened
before that and takes over at an unnoticeable moment: first such a moment is awaited, later the change is forced. All
times of ``RenewalClock`` are derived from one, so that a test that shortens it shortens them all. The old stream may
still finish its reply, or be needed again, while others are closing.
"""

import asyncio
from enum import IntEnum
from typing import Any

from agent_core.errors import ModelError, ModelUnavailable
from agent_core.nova.model_session import ModelSession
from agent_core.nova.turns import Turns

_IDLE = 270 / 360
_SPEAKING = 432 / 360
_ANYHOW = 450 / 360
_AGAIN = 15 / 360

PROVE_SECONDS = 1.0
"""How long a new stream must survive before the old one is closed; a bad history is refused within 0.2 s in the field.
"""
LEAVE_SECONDS = 20.0
"""Longest time for which an old stream may finish its reply while the new one listens."""


class Stage(IntEnum):
    """How urgent the replacement is."""

    NOT_YET = 0
    WHEN_QUIET = 1
    """Between two turns, when neither side speaks and no reply is pending."""
    WHEN_SPEAKING = 2
    """Also while the agent speaks: the old stream finishes its reply while the new one listens."""
    ANYHOW = 3
    """Also during the caller's sentence, which is sent to the new stream again, or while a tool runs."""


class RenewalClock:
    """Rates how urgent it is to replace a stream.

    Args:
        after: Age in seconds from which a quiet moment is awaited. The other limits scale with it: with 360, a stream
            is replaced at 450 in any case, and after 270 seconds of silence on both sides.
        now: When the stream was opened; seconds of any monotonic clock.
    """

    def __init__(self, after: float, now: float) -> None:
        self._after = after
        self._opened = self._spoken = now
        self._not_before = now

    def spoke(self, now: float) -> None:
        """Record that something was said or written."""
        self._spoken = now

    def failed(self, now: float) -> None:
        """Record that no successor could be opened: the old stream continues, and the next attempt is delayed."""
        self._not_before = now + self._after * _AGAIN

    def may_open(self, now: float) -> bool:
        """Return whether enough time has passed since a failed attempt."""
        return now >= self._not_before

    def stage(self, now: float) -> Stage:
        """Return how urgent the replacement is now."""
        age = (now - self._opened) / self._after
        if age >= _ANYHOW:
            return Stage.ANYHOW
        if age >= _SPEAKING:
            return Stage.WHEN_SPEAKING
        idle = (now - self._spoken) / self._after
        return Stage.WHEN_QUIET if age >= 1 or idle >= _IDLE else Stage.NOT_YET


class RetiringStream:
    """Retires the streams of one conversation.

    Args:
        turns: What the old stream still has to say.
    """

    def __init__(self, turns: Turns) -> None:
        self.session: ModelSession | None = None
        """The old stream that is finishing its reply, or waits until the new one has proven itself."""
        self.talking: asyncio.Task[None] | None = None
        """The task that reads the old stream; if it ends before the stream is retired, a reply was cut off."""
        self.proven = True
        """Whether the stream that took over has survived long enough to be relied on."""
        self._timers: list[asyncio.TimerHandle] = []
        self._turns = turns
        self._closing: set[asyncio.Task[Any]] = set()

    def release(self, talking: asyncio.Task[None], *, cancel: bool = False) -> None:
        """Let a task finish, or cancel it; both close its stream."""
        if cancel:
            talking.cancel()
        self._closing.add(talking)
        talking.add_done_callback(self._closing.discard)
        # Retrieve the outcome, or asyncio logs it as never retrieved.
        talking.add_done_callback(lambda task: task.cancelled() or task.exception())

    def begin(self, old: ModelSession, talking: asyncio.Task[None]) -> None:
        """Let an old stream finish its reply, and keep it until the new one has proven itself."""
        self.end()
        self.session, self.talking = old, talking
        self.proven = False
        loop = asyncio.get_running_loop()
        self._timers = [loop.call_later(PROVE_SECONDS, self.prove), loop.call_later(LEAVE_SECONDS, self._close, old)]

    def prove(self) -> None:
        """Record that the new stream works: close the old one once it has nothing left to say."""
        self.proven = True
        self.end_if_settled()

    def end_if_settled(self) -> None:
        """Close the old stream if it has finished its reply and is no longer needed."""
        if self.proven and self._turns.settled:
            self.end()

    def take_back(self) -> tuple[ModelSession, asyncio.Task[None]] | None:
        """Return the old stream if the new one failed before it had proven itself and the old one still lives."""
        if self.session is None or self.talking is None or self.proven or self.talking.done() or self.session.closed:
            return None
        session, talking = self.session, self.talking
        self.session = self.talking = None
        self._closing.discard(talking)
        self._stop_timers()
        return session, talking

    def end(self) -> None:
        """Close the old stream now, if there is one; its planned words are not spoken."""
        if self.session is not None:
            self._end(self.session)

    def _end(self, old: ModelSession) -> None:
        if self.session is old:
            self.session = self.talking = None
            self._turns.lose()
            self._stop_timers()
        self._close(old)

    def _stop_timers(self) -> None:
        self.proven = True
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def _close(self, old: ModelSession) -> None:
        if not old.closed:
            self.release(asyncio.create_task(old.close()))

    @property
    def is_empty(self) -> bool:
        """Whether no stream is retiring."""
        return self.session is None and not self._closing

    async def room(self) -> None:
        """Wait until another stream may be opened: at most two are open at a time."""
        while len(self._closing) > 1:
            await asyncio.wait(self._closing, return_when=asyncio.FIRST_COMPLETED)

    async def gone(self) -> None:
        """Close the old stream and wait until all streams are closed."""
        self.end()
        if self._closing:
            await asyncio.wait(self._closing)


def why(talking: asyncio.Task[Any]) -> ModelError:
    """Return why a session is over.

    Raises:
        BaseException: it failed because of a defect of ours, or was cancelled.
    """
    try:
        talking.result()
    except ModelError as error:
        return error
    return ModelUnavailable("StreamEnded", "the model closed the stream")
