"""Replace a stream before the model ends it, and retire the old one.

The model ends a stream after eight minutes, and after 295 seconds of silence on both sides. A successor is opened
before that and takes over at an unnoticeable moment: first such a moment is awaited, later the change is forced. All
times of ``RenewalClock`` are derived from one, so that a test that shortens it shortens them all. The old stream may
still finish its reply, or be needed again, while others are closing.

The stream of a stage that is over is replaced too, because the model accepts a prompt and tools only at the beginning
of a stream. Its successor is opened when the caller has spoken, in case a tool then leads to the next stage.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import structlog

from agent_core.errors import ModelError, ModelUnavailable
from agent_core.nova.model_session import ModelSession, ModelSource
from agent_core.nova.transcript import History
from agent_core.nova.turns import Turns
from agent_core.nova.wire import Role

log = structlog.get_logger()

_IDLE = 270 / 360
_SPEAKING = 432 / 360
_ANYHOW = 450 / 360
_AGAIN = 15 / 360

PROVE_SECONDS = 1.0
"""How long a new stream must survive before the old one is closed; a bad history is refused within 0.2 s in the field.
"""
LEAVE_SECONDS = 20.0
"""Longest time for which an old stream may finish its reply while the new one listens."""


BRIDGE_SECONDS = 0.7
"""How long a tool's result waits for the stream of the next stage; then the old stream speaks, to cover the wait."""
READY_SECONDS = 40.0
"""A stream that has waited this long to take over is opened anew: nothing is sent over it meanwhile, and Nova 2.5 ends
such a stream after 55 seconds.
"""
REFUSED_SECONDS = 60.0
"""How long no stage is prepared on suspicion after the model has refused such a stream, for example for its quota."""


class Urgency(IntEnum):
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

    def urgency(self, now: float) -> Urgency:
        """Return how urgent the replacement is now."""
        age = (now - self._opened) / self._after
        if age >= _ANYHOW:
            return Urgency.ANYHOW
        if age >= _SPEAKING:
            return Urgency.WHEN_SPEAKING
        idle = (now - self._spoken) / self._after
        return Urgency.WHEN_QUIET if age >= 1 or idle >= _IDLE else Urgency.NOT_YET


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


@dataclass(slots=True)
class _NextStage:
    stage: str
    opening: asyncio.Task[ModelSession]
    is_likely: bool = False
    """Whether no tool has asked for it yet."""
    tool_use_id: str = ""
    """The tool call whose result the new stream gets; empty until the stage has changed."""
    recalled: list[tuple[Role, str]] = field(default_factory=list)
    """What its stream knows of the conversation."""
    answer: Callable[[], object] | None = None
    """Sends that result to the old stream after all."""
    bridge: asyncio.TimerHandle | None = None
    expiry: asyncio.TimerHandle | None = None
    is_bridged: bool = False
    """Whether the old stream has got the result."""

    @property
    def has_failed(self) -> bool:
        """Whether its stream could not be opened."""
        return self.opening.done() and not self.opening.cancelled() and self.opening.exception() is not None

    def stop_timers(self) -> None:
        """Stop them: the stream takes over, or is not needed."""
        for timer in (self.bridge, self.expiry):
            if timer is not None:
                timer.cancel()


@dataclass(frozen=True, slots=True)
class StageStart:
    """How a stream starts that begins another stage.

    Attributes:
        tool_use_id: The tool call whose result has led to the stage.
        recalled: What the stream learned of the conversation while the tool ran.
        is_bridged: Whether the old stream has got that result, and the caller has heard its reply.
    """

    tool_use_id: str
    recalled: History
    is_bridged: bool

    def since(self, history: History) -> str:
        """Return what was said after that, one speaker after the other."""
        at = max((place for place, entry in enumerate(history) if entry in self.recalled[-1:]), default=-1)
        rest = history[at + 1 :]
        if [role for role, _ in rest] == [Role.USER]:
            return rest[0][1]
        return " ".join(f"{'caller' if role is Role.USER else 'you'}: {words}" for role, words in rest)


class StageChange:
    """Opens the stream of the next stage of one conversation, and knows when it may take over.

    Args:
        source: Opens it.
        turns: What the old stream still has to say.
        history: Returns what was said so far, in the form that a new stream accepts.
        retiring: Closes what is not used, and knows when another stream may be opened.
        due: Called when the new stream may take over, or has failed.
    """

    def __init__(
        self,
        source: ModelSource,
        turns: Turns,
        history: Callable[[], History],
        retiring: RetiringStream,
        due: Callable[[], None],
    ) -> None:
        self._source = source
        self._turns = turns
        self._history = history
        self._retiring = retiring
        self._due = due
        self._next: _NextStage | None = None
        self._not_before = 0.0

    def give_way(self) -> bool:
        """Drop a stream that no tool has asked for; return whether a renewal may use its place."""
        if self._next is not None and self._next.is_likely:
            self.drop()
        return self._next is None

    def expect(self, stage: str) -> None:
        """Open the stream of a stage to which the caller's words may lead, unless another one is being prepared."""
        if self._next is None and asyncio.get_running_loop().time() >= self._not_before:
            self._prepare(stage, is_likely=True)

    def prepare(self, stage: str) -> None:
        """Open the stream of a stage that begins if a tool returns what it should, unless one is about to begin."""
        coming = self._next
        if coming is not None and (coming.tool_use_id or (coming.stage == stage and not coming.has_failed)):
            coming.is_likely = False
            return
        self.drop()
        self._prepare(stage, is_likely=False)

    def _prepare(self, stage: str, *, is_likely: bool) -> None:
        recalled: list[tuple[Role, str]] = []
        opening = asyncio.create_task(self._open(stage, recalled), name="model-stage")
        self._next = coming = _NextStage(stage, opening, is_likely, recalled=recalled)
        opening.add_done_callback(lambda _: self._opened(coming))
        if is_likely:
            coming.expiry = asyncio.get_running_loop().call_later(READY_SECONDS, self._expire, coming)

    def _opened(self, coming: _NextStage) -> None:
        if coming.is_likely and coming.has_failed:
            log.info("next_stage_not_prepared", error=type(coming.opening.exception()).__name__)
            self._not_before = asyncio.get_running_loop().time() + REFUSED_SECONDS
            self._expire(coming)
        self.look()

    def _expire(self, coming: _NextStage) -> None:
        if coming is self._next and coming.is_likely:
            self.drop()

    async def _open(self, stage: str, recalled: list[tuple[Role, str]]) -> ModelSession:
        await self._retiring.room()
        session = await self._source.open_ready(stage)
        recalled.extend(self._history())
        try:
            # Sent while the tool runs, so that the pause that must follow it costs the caller nothing.
            if recalled:
                await session.recall(tuple(recalled))
        except BaseException:
            await session.close()
            raise
        return session

    def begin(self, stage: str, tool_use_id: str) -> None:
        """Let the stage begin as soon as its stream is ready and the agent has finished its sentence."""
        # The newest result decides, if two tools lead to different stages.
        if self._next is not None and self._next.stage != stage:
            self.drop()
        self.prepare(stage)
        if self._next is not None:
            self._next.tool_use_id = tool_use_id
            self.look()

    def hold_back(self, tool_use_id: str, answer: Callable[[], object]) -> bool:
        """Keep a result from the old stream, if the new one gets it; return whether it does.

        Args:
            tool_use_id: The tool call.
            answer: Sends the result to the old stream, if the new one takes too long.
        """
        coming = self._next
        if coming is None or not tool_use_id or coming.tool_use_id != tool_use_id or coming.is_bridged:
            return False
        coming.answer = answer
        coming.bridge = asyncio.get_running_loop().call_later(BRIDGE_SECONDS, self._answer)
        return True

    def _answer(self) -> None:
        if self._next is not None and self._next.answer is not None:
            self._next.is_bridged = True
            self._next.answer()

    def look(self) -> None:
        """Report that the new stream may take over, if it may; called whenever that can have changed."""
        coming = self._next
        if coming is None or not coming.tool_use_id or not coming.opening.done():
            return
        # Another tool of the old stage may still change something, and its result belongs to the old stream.
        busy = self._turns.speaking or self._turns.tools - {coming.tool_use_id}
        if not busy and not (coming.is_bridged and self._turns.reply_pending):
            self._due()

    def take(self) -> tuple[ModelSession, "StageStart"]:
        """Return the new stream, and how it starts.

        Raises:
            ModelError: it could not be opened.
        """
        coming, self._next = self._next, None
        if coming is None:
            raise ModelUnavailable("NoStage", "no stage was prepared")
        coming.stop_timers()
        try:
            session = coming.opening.result()
        except ModelError:
            raise
        except Exception as error:  # a defect of ours must not end the conversation
            log.warning("stage_open_failed", error=type(error).__name__)
            raise ModelUnavailable("StageOpen", type(error).__name__) from error
        return session, StageStart(coming.tool_use_id, tuple(coming.recalled), coming.is_bridged)

    def stay(self) -> None:
        """Close what was prepared, unless it is about to begin."""
        if self._next is not None and not self._next.tool_use_id:
            self.drop()

    def drop(self) -> None:
        """Close what was prepared, in the background."""
        coming, self._next = self._next, None
        if coming is None:
            return
        coming.stop_timers()
        self._retiring.release(asyncio.create_task(close_unused(coming.opening), name="model-stage-unused"))


async def close_unused(opening: asyncio.Task[ModelSession]) -> None:
    """Cancel the opening of a stream, and close one that had just become ready."""
    # Cancel first: a task that has just finished has a session that must be closed.
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        await opening.result().close()


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
