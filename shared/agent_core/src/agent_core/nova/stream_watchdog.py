"""Watch an open stream: its age, the model's silence and the caller's silence.

Checking four times a second costs less than a timer for each of 25 packets.
"""

import asyncio
from collections.abc import Callable

import structlog

from agent_core import causes
from agent_core.errors import ModelError, ModelUnavailable
from agent_core.nova.error_policy import WAIT_SECONDS
from agent_core.nova.facts import (
    AnswerOver,
    CallerWords,
    Fact,
    Facts,
    Progress,
    ReplyAudio,
    SpeechIgnored,
    ToolRequested,
    TurnStarted,
)
from agent_core.nova.model_session import ModelSession, ModelSource
from agent_core.nova.renewal import READY_SECONDS, RenewalClock, Urgency, close_unused
from agent_core.nova.replay_buffer import ReplayBuffer
from agent_core.nova.turns import Turns

log = structlog.get_logger()

ANSWER_SECONDS = 4.0
"""Silence of the model after we asked it to speak, after which the stream counts as dead."""
TURN_SECONDS = 12.0
"""The same after the caller spoke or a tool returned. The caller hears a hold announcement after eight seconds."""
STALL_SECONDS = 8.0
"""The same within a reply, which arrives faster than it is spoken."""
MUTED_SECONDS = 3.0
"""After this long without a packet from the caller, not even of silence, they are muted or on hold. The model ends a
stream that receives no audio (after 55 or 295 seconds), so it is sent silence.
"""
_LOOK_SECONDS = 0.25


class StreamWatchdog:
    """Watches the streams of one conversation, one at a time.

    Args:
        turns: Tracks whose turn it is.
        replay_buffer: The caller's audio.
        report: Receives that the model does not react to the caller.
        is_quiet: Returns whether neither side is speaking or still heard.
        input_rate: Hz of the caller's audio.
    """

    def __init__(
        self,
        turns: Turns,
        replay_buffer: ReplayBuffer,
        report: Callable[[Fact], object],
        is_quiet: Callable[[], bool],
        input_rate: int,
    ) -> None:
        self._turns = turns
        self._replay_buffer = replay_buffer
        self._report = report
        self._is_quiet = is_quiet
        self._silence = bytes(int(input_rate * _LOOK_SECONDS) * 2)
        self._heard_at = 0.0
        self._answer_by: float | None = None
        self._waiting_since: float | None = None
        self._spoke = False
        self._doubted = False

    def heard(self) -> None:
        """Record that the caller's side sent audio."""
        self._heard_at = asyncio.get_running_loop().time()

    def expect(self, seconds: float) -> None:
        """Treat the stream as dead unless the model reacts within so many seconds."""
        now = asyncio.get_running_loop().time()
        self._answer_by = now + seconds
        if self._waiting_since is None:
            self._waiting_since = now

    def waited(self, now: float) -> float:
        """Return the seconds since the caller's last word, or our question, while the model has said nothing to it."""
        return 0.0 if self._waiting_since is None else now - self._waiting_since

    def expect_nothing(self) -> None:
        """Expect no reply: the stream that owed one is gone."""
        self._answer_by = None

    def note(self, facts: Facts) -> None:
        """Record a sign of life."""
        # Reports come without the model working on a reply.
        if Progress() not in facts:
            return
        for fact in facts:
            match fact:
                case ReplyAudio():
                    self.expect(STALL_SECONDS)
                    self._waiting_since = None
                    break
                case CallerWords():
                    self._replay_buffer.understood()
                    self._doubted = False
                    self._waiting_since = None  # counted from the caller's newest words
                    self.expect(TURN_SECONDS)
                    break
                case ToolRequested():
                    # A running tool has its own deadline.
                    self._answer_by = None
                    break
                case AnswerOver() if self._turns.reply_pending and not _turn_started(facts):
                    break  # an interruption that is reported after the words that interrupted: those expect a reply
                case AnswerOver():
                    self._answer_by = self._waiting_since = None
                    break
        else:
            if self._answer_by is not None:
                self.expect(TURN_SECONDS)
        self._replay_buffer.signed()
        self._spoke = True

    async def run(
        self,
        clock: RenewalClock,
        source: ModelSource,
        pass_on: Callable[[bytes], None],
        has_room: Callable[[], bool],
    ) -> ModelSession:
        """Watch a stream until another may take over, and return that one, ready.

        Args:
            clock: Rates the age of this stream.
            source: Opens the next stream.
            pass_on: Receives silence when the caller sends nothing.
            has_room: Returns whether another stream may be opened.

        Raises:
            ModelUnavailable: the model has not replied.
        """
        loop = asyncio.get_running_loop()
        self._heard_at = max(self._heard_at, loop.time())
        opening: asyncio.Task[ModelSession] | None = None
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                now = loop.time()
                self._check_answer(now)
                self._doubt()
                if now - self._heard_at > MUTED_SECONDS:
                    pass_on(self._silence)
                # Handled here and not in `note`, so that many events cost one update.
                if self._spoke:
                    self._spoke = False
                    clock.spoke(now)
                urgency = clock.urgency(now)
                # The conversation has made the renewal unnecessary for now, the successor is about to be ended by the
                # model, or another stage needs its place.
                if opening is not None and (urgency is Urgency.NOT_YET or _is_stale(opening, now) or not has_room()):
                    await close_unused(opening)
                    opening = None
                if opening is not None and opening.done() and self._may_pass(urgency):
                    fresh, opening = _opened(opening, clock, now), None
                    if fresh is not None:
                        return fresh
                elif opening is None and clock.may_open(now) and self._may_pass(urgency) and has_room():
                    opening = asyncio.create_task(source.open_ready(), name="model-renewal")
        finally:
            if opening is not None:
                await close_unused(opening)

    def _check_answer(self, now: float) -> None:
        # This bound holds whatever the model does, such as calling one tool after another: the caller hears none of it.
        if self.waited(now) >= WAIT_SECONDS and not self._replay_buffer.speaking:
            raise ModelUnavailable("NoAnswer", f"the caller has heard nothing for {WAIT_SECONDS:.0f} s")
        if self._answer_by is None or now < self._answer_by or self._replay_buffer.speaking:
            return
        self._answer_by = None
        raise ModelUnavailable("NoAnswer", "the model was asked, and said nothing")

    def _doubt(self) -> None:
        """Expect a reply to audio that resembled words, though the model reports none.

        Done once, until the model reports words again.
        Words end. The model is right to ignore continuous noise.
        """
        if self._replay_buffer.waits and self._replay_buffer.pauses and self._answer_by is None and not self._doubted:
            self._doubted = True
            self._report(SpeechIgnored())
            self.expect(TURN_SECONDS)

    def _may_pass(self, urgency: Urgency) -> bool:
        """Return whether another stream may take over at this moment."""
        match urgency:
            case Urgency.NOT_YET:
                return False
            case Urgency.WHEN_QUIET:
                return self._turns.settled and self._replay_buffer.pauses and self._is_quiet()
            case Urgency.WHEN_SPEAKING:
                return self._replay_buffer.pauses and not (self._turns.reply_pending or self._turns.tools)
            case Urgency.ANYHOW:
                return True


def _turn_started(facts: Facts) -> bool:
    return any(isinstance(fact, TurnStarted) for fact in facts)


def _opened(opening: asyncio.Task[ModelSession], clock: RenewalClock, now: float) -> ModelSession | None:
    try:
        return opening.result()
    except ModelError as error:
        log.warning("model_renewal_failed", error=error.reason, **causes.fields(error))
    except Exception as error:  # noqa: BLE001 - a defect of ours must not end the healthy stream
        log.warning("model_renewal_failed", error=type(error).__name__)
    clock.failed(now)
    return None


def _is_stale(opening: asyncio.Task[ModelSession], now: float) -> bool:
    if not opening.done() or opening.cancelled() or opening.exception() is not None:
        return False
    return now - opening.result().opened_at > READY_SECONDS
