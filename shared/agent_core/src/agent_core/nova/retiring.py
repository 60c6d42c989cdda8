"""Retire streams: one may still finish its reply, or be needed again; others are closing."""

import asyncio
from typing import Any

from agent_core.errors import ModelError, ModelUnavailable
from agent_core.nova.model_session import ModelSession
from agent_core.nova.turns import Turns

PROVE_SECONDS = 1.0
"""How long a new stream must survive before the old one is closed; a bad history is refused within 0.2 s in the field.
"""
LEAVE_SECONDS = 20.0
"""Longest time for which an old stream may finish its reply while the new one listens."""


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
