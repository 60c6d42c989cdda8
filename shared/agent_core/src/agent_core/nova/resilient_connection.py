"""Keep the model's side of one conversation alive across several streams.

A broken stream is replaced by a new one that gets the conversation so far as its history, within the bounds of
``Failures``. A stream near its age limit, or whose stage is over, is replaced by one that was opened beside it (see
``renewal``). What the caller says meanwhile is buffered and sent to the new stream.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog

from agent_core import causes, prompts
from agent_core.errors import ModelError, ModelUnavailable
from agent_core.events import SessionStats
from agent_core.nova import wire
from agent_core.nova.error_policy import Complaint, Failures, Quirks, RetryPolicy, complaint_of, remedy_for
from agent_core.nova.facts import (
    AnswerOver,
    Asked,
    CallerWords,
    ConnectionClosed,
    Fact,
    Facts,
    ReplyAudio,
    StageEntered,
    StreamLost,
    StreamStarted,
    ToolAnswered,
)
from agent_core.nova.model_session import BACKLOG_SECONDS, ModelSession, ModelSource
from agent_core.nova.renewal import RenewalClock, RetiringStream, StageChange, StageStart, close_unused, why
from agent_core.nova.replay_buffer import ReplayBuffer
from agent_core.nova.stream_watchdog import ANSWER_SECONDS, TURN_SECONDS, StreamWatchdog
from agent_core.nova.transcript import ConversationTranscript, History, fit_history, whole
from agent_core.nova.turns import Turns
from agent_core.nova.wire import ModelEvent, Role

type Handle = Callable[[Fact], Awaitable[None]]

log = structlog.get_logger()

START_SECONDS = 8.0
"""Longest silence of the model at the start, whatever is retried meanwhile."""


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many consecutive failures: none, then about 1 and 3."""
    return float(2 ** (failures - 1) - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, hides nothing


@dataclass(slots=True)
class _Talk:
    """A stream in use: its session, the task that reads it, and its age."""

    session: ModelSession
    talking: asyncio.Task[None]
    clock: RenewalClock


class Compose(Protocol):
    """Writes what the stream of a stage receives first."""

    def __call__(self, said: str, *, heard: bool) -> str:
        """Return it.

        Args:
            said: What was said since the stream learned of the conversation.
            heard: Whether the caller has heard the result that led to the stage.
        """


@dataclass(slots=True)
class _Entered:
    """A stage that the conversation has reached."""

    stage: str
    compose: Compose
    tool_use_id: str
    since: float
    has_begun: bool = False


class ResilientConnection:
    """Keeps a model session connected under a conversation.

    Args:
        source: Opens the sessions.
        transcript: Holds the conversation so far, for a replacement session.
        stats: Counts the streams, the caller's audio and what of it was lost.
        report: Receives every fact at once; must not block.
        is_quiet: Returns whether neither side is speaking or still heard.
        input_rate: Hz of the caller's audio.
        renew_after: See ``RenewalClock``.
        quirks: What this process has learned about the model.
    """

    def __init__(  # noqa: PLR0913 - what a conversation has one of, each a separate object
        self,
        source: ModelSource,
        transcript: ConversationTranscript,
        stats: SessionStats,
        report: Callable[[Fact], object],
        is_quiet: Callable[[], bool],
        *,
        input_rate: int,
        renew_after: float,
        quirks: Quirks | None = None,
    ) -> None:
        self._source = source
        self._transcript = transcript
        self._stats = stats
        self._report = report
        self._renew_after = renew_after
        self._quirks = quirks or Quirks()
        self.turns = Turns()
        self._replay_buffer = ReplayBuffer(input_rate)
        self._watchdog = StreamWatchdog(self.turns, self._replay_buffer, report, is_quiet, input_rate)
        self._session: ModelSession | None = None
        self._old: _Talk | None = None
        self._broken: asyncio.Future[ModelError] | None = None
        self._leaving = RetiringStream(self.turns)
        self._input_rate = input_rate
        self._bytes_per_ms = input_rate * 2 / 1000
        self._waiting_audio: deque[bytes] = deque()
        self._stage = StageChange(source, self.turns, self._known_history, self._leaving, self._stage_is_due)
        self._stage_due: asyncio.Future[None] | None = None
        self._entered: _Entered | None = None
        """How the present stage begins; None once the model has replied to that."""
        self._asked: str | None = None
        self._torn_off = False
        self._start_deadline: asyncio.Timeout | None = None
        self._failures = Failures()
        # A resumed conversation has worked in an earlier session: a refusal concerns its history, or is temporary.
        self._failures.lived = bool(transcript.history)
        self._begun_with_history = False
        self._stream_lived = False
        self._history_refused = False
        self._nudged = False
        self._since_hand_over = 0
        self._asked_since_hand_over = False
        self._closed = False

    @property
    def quirks(self) -> Quirks:
        """What this process has learned about the model."""
        return self._quirks

    @property
    def caller_speaks(self) -> bool:
        """Whether the caller is in the middle of a sentence, judged by loudness."""
        return self._replay_buffer.speaking

    @property
    def owes_answer(self) -> bool:
        """Whether the caller waits for the model."""
        return self.turns.reply_pending or self.turns.speaking

    def hear(self, pcm: bytes) -> None:
        """Count and send the caller's audio; buffered for a while when there is no session. Never blocks."""
        self._stats.audio_in_ms += len(pcm) * 500 // self._input_rate
        self._watchdog.heard()
        self._pass_on(pcm)

    def _pass_on(self, pcm: bytes) -> None:
        self._replay_buffer.hear(pcm)
        self._since_hand_over += len(pcm)
        if self._session is not None:
            self._session.hear(pcm)
            return
        self._waiting_audio.append(pcm)
        while sum(map(len, self._waiting_audio)) > BACKLOG_SECONDS * 1000 * self._bytes_per_ms:
            self._stats.audio_dropped_ms += round(len(self._waiting_audio.popleft()) / self._bytes_per_ms)

    def read(self, words: str, *, by_caller: bool = False) -> None:
        """Send the model written words to reply to; record them if the caller wrote them. Never blocks."""
        self._asked = words = whole(words)
        self._asked_since_hand_over = True
        self.turns.asked()
        self._report(Asked(by_caller))
        if by_caller:
            self._failures.caller_spoke()
            self._transcript.add(Role.USER, words)
        if self._session is not None:
            self._session.read(words)
            self._watchdog.expect(ANSWER_SECONDS)

    def nudge(self, words: str) -> bool:
        """Ask the model to say something while it waits for a tool; return False if it cannot be asked now.

        This is not a question: no reply becomes pending, and a replacement stream does not receive it again. Never
        blocks.
        """
        if self._session is None or self.turns.speaking or not self.turns.working or not self._quirks.takes_nudges:
            return False
        self._session.read(words)
        self._nudged = True
        return True

    def answer_tool(self, tool_use_id: str, result: dict[str, Any]) -> bool:
        """Send a tool result, unless the session that requested it is gone."""
        # The stream of the next stage gets it instead, unless it takes too long to open.
        if self._stage.hold_back(tool_use_id, partial(self.answer_tool, tool_use_id, result)):
            return True
        sessions = (self._session, self._leaving.session)
        if not any(session and session.answer_tool(tool_use_id, result) for session in sessions):
            return False
        self._nudged = False
        self.turns.tool_answered(tool_use_id)
        # Also if something was said while the tool ran: if the stream breaks now, the question has no reply yet.
        self._torn_off = self._torn_off or self.turns.reply_pending
        if self.turns.reply_pending:
            self._watchdog.expect(TURN_SECONDS)
        self._report(ToolAnswered(self.turns.reply_pending))
        return True

    def expect_stage(self, stage: str) -> None:
        """Open the stream of a stage to which the caller's words may lead. Never blocks."""
        if self._session is not None and not self._closed and self._leaving.session is None:
            self._stage.expect(stage)

    def prepare_stage(self, stage: str) -> None:
        """Open the stream of a stage that begins if the tool that runs returns what it should. Never blocks."""
        if self._session is not None and not self._closed:
            self._stage.prepare(stage)

    def stay_in_stage(self) -> None:
        """Close the stream that was prepared: the conversation stays in its stage. Never blocks."""
        self._stage.stay()

    def change_stage(self, stage: str, compose: Compose, tool_use_id: str) -> None:
        """Let the stream of another stage take over after the agent's sentence. Never blocks.

        Args:
            stage: Its name. Sessions that the source opens from now on are for it.
            compose: Returns what its stream receives first.
            tool_use_id: The tool call whose result that contains; the old stream does not get it.
        """
        self._entered = _Entered(stage, compose, tool_use_id, asyncio.get_running_loop().time())
        if self._session is not None and not self._closed:
            self._stage.begin(stage, tool_use_id)

    def _stage_is_due(self) -> None:
        if self._stage_due is not None and not self._stage_due.done():
            self._stage_due.set_result(None)

    def _known_history(self) -> History:
        """Return what a waiting stream learns: what was said, but for words that it will be asked about."""
        return fit_history(self._transcript.waiting[0], self._quirks.history_bytes)

    def break_off(self, error: ModelError) -> None:
        """Replace the current stream: it has not failed, but it is of no use to the caller."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)

    async def run(self, handle: Handle) -> None:
        """Converse until closed.

        Raises:
            ModelRejected: a retry would not help.
            ModelUnavailable: several retries did not help.
        """
        try:
            async with asyncio.timeout(START_SECONDS) as self._start_deadline:
                while not self._closed:
                    try:
                        await self._run_streams(handle)
                    except ModelError as error:
                        await self._recover(error, handle)
        except TimeoutError:
            raise self._counted(ModelUnavailable("NoStart", f"nothing within {START_SECONDS:.0f} s")) from None
        finally:
            self._start_deadline = None

    async def _recover(self, error: ModelError, handle: Handle) -> None:
        if self._closed:
            return
        now = asyncio.get_running_loop().time()
        # Read before anything below changes the state of the lost stream.
        waiting = self.turns.reply_pending or self.turns.working or self._replay_buffer.waits
        self._failures.count(now, waiting=waiting or self.turns.speaking)
        log.warning("model_stream_failed", error=error.reason, failures=self._failures.in_a_row, **causes.fields(error))
        pointless = self._failures.pointless(error, now, self._watchdog.waited(now))
        self._adapt(error)
        await self._tear_off(error, handle, waiting=waiting, more=not pointless)
        self._keep_sentence()
        if pointless:
            raise error
        await asyncio.sleep(backoff(self._failures.in_a_row))

    def _adapt(self, error: ModelError) -> None:
        """Adapt the next stream to what the model has refused, or seems to have refused."""
        complaint = complaint_of(error.kind, error.reason)
        if complaint is Complaint.BLOCKED_WORDS:
            self._forget_words()
        elif complaint is Complaint.INPUT and self.turns.tools and self._nudged:
            log.warning("model_refuses_nudges")
            self._quirks.takes_nudges = False
        elif complaint is Complaint.INPUT and self.turns.tools and not self._quirks.holds_audio:
            log.warning("model_refuses_audio_during_tools")
            self._quirks.holds_audio = True
        elif complaint is Complaint.HISTORY or self._history_suspected(error):
            log.warning("model_refuses_history", kept_bytes=self._quirks.history_bytes)
            self._quirks.shorten_history()
            self._history_refused = True

    def _history_suspected(self, error: ModelError) -> bool:
        """Return whether a refusal probably concerns the history: the stream was sent one, and never sent an event."""
        return error.kind == "ValidationException" and self._begun_with_history and not self._stream_lived

    def _forget_words(self) -> None:
        """Drop the caller's last words, which would be blocked again, and have the agent ask for different ones."""
        self._transcript.forget_last(Role.USER)
        self._replay_buffer.understood()
        self._replay_buffer.signed()
        self._asked = prompts.load("blocked")
        self._torn_off = False

    async def _tear_off(self, error: ModelError, handle: Handle, *, waiting: bool, more: bool = True) -> None:
        """Discard what the lost session still had to say; announce a retry to a caller who waits."""
        silently = remedy_for(error.kind, error.reason) is RetryPolicy.RECOVER
        self._torn_off = self.turns.speaking or self.turns.working or self._torn_off
        if more:
            self._report(StreamLost(waiting, self.turns.speaking, silently))
        if self.turns.speaking:
            # Observers count this reply as finished; it will be started again.
            await self._tell(self.turns.cut_off(), handle)
        self._transcript.add(Role.ASSISTANT, self.turns.lose())
        self._watchdog.expect_nothing()

    def _keep_sentence(self) -> None:
        """Keep the audio that the lost session had not understood, for the next one."""
        lost, self._session = self._session, None
        self._stage.drop()  # the next stream is for the present stage, whichever that is now
        self._leaving.end()
        if lost is not None:
            self._stats.audio_dropped_ms += lost.dropped_audio_ms
            self._waiting_audio.extend(self._replay_buffer.unheard(lost.unsent_audio))

    async def _run_streams(self, handle: Handle) -> None:
        talk = self._begin(self._session or await self._open(), handle)
        while True:
            talk = await self._run_one(talk, handle)

    def _begin(self, session: ModelSession, handle: Handle) -> _Talk:
        talking = asyncio.create_task(session.run(partial(self._take, session, handle)), name="model-talk")
        return _Talk(session, talking, RenewalClock(self._renew_after, session.opened_at))

    async def _run_one(self, talk: _Talk, handle: Handle) -> _Talk:
        """Run one stream until another is to take over, and return that one."""
        looking_after = self._watchdog.run(talk.clock, self._source, self._pass_on, self._has_room)
        watchdog = asyncio.create_task(looking_after, name="model-tend")
        self._broken = broken = asyncio.get_running_loop().create_future()
        self._stage_due = stage_due = asyncio.get_running_loop().create_future()
        self._stage.look()  # it may have become ready for the stream before
        goes_on = False
        try:
            # Wait for whichever comes first: the stream ends, its successor is ready, or it is given up as useless.
            while not (talk.talking.done() or watchdog.done() or broken.done() or stage_due.done()):
                leaving = self._leaving.talking if not self._closed else None
                awaited: set[asyncio.Future[Any]] = {talk.talking, watchdog, broken, stage_due}
                if leaving is not None:
                    awaited.add(leaving)
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                await self._answer_again(talk.session, handle)
            if broken.done():
                raise self._counted(broken.result())
            if talk.talking.done():
                error = self._counted(why(talk.talking))
                # A renewal that the model refuses at once costs nothing: the old stream is still open.
                old = self._go_back(error)
                if old is None:
                    raise error
                return old
            if watchdog.done() and watchdog.exception() is not None:
                raise self._counted(why(watchdog))
            entered = self._take_stage() if stage_due.done() else None
            goes_on = True
        finally:
            self._leaving.release(talk.talking, cancel=not goes_on)
            if not goes_on:
                await close_unused(watchdog)
        if entered is not None:
            # In the background: closing a successor takes a moment, which the caller would hear.
            self._leaving.release(asyncio.create_task(close_unused(watchdog)))
            return await self._enter_stage(talk, *entered, handle)
        return self._hand_over(talk, watchdog.result(), handle)

    async def _answer_again(self, session: ModelSession, handle: Handle) -> None:
        """Ask the session that took over for the reply in which the old session broke."""
        talking = self._leaving.talking
        if talking is None or not talking.done() or self._closed:
            return
        if self.turns.settled or self._asked_since_hand_over:
            self._leaving.end()  # the old session had nothing left to say
            return
        error = self._counted(why(talking))
        log.warning("model_stream_failed", error=error.reason, failures=self._failures.in_a_row, **causes.fields(error))
        waiting = self.turns.reply_pending or self.turns.working
        unfinished = waiting or self.turns.speaking
        await self._tear_off(error, handle, waiting=waiting)
        self._leaving.end()
        if unfinished:
            self._ask(session, self._unfinished()[1])

    def _counted(self, error: ModelError) -> ModelError:
        if not self._closed:
            self._stats.count_model_error(error.kind)
        return error

    def _hand_over(self, old: _Talk, session: ModelSession, handle: Handle) -> _Talk:
        self._leaving.end()
        sentence = self._replay_buffer.unheard(old.session.unsent_audio)
        # Planned words are not final, but the caller will hear them, so the new session must know them.
        planned = ((Role.ASSISTANT, self.turns.pending_text),) if self.turns.pending_text else ()
        history = fit_history(self._transcript.history + planned, self._quirks.history_bytes)
        session.begin(history)
        for pcm in sentence:
            session.hear(pcm)
        fresh = self._begin(session, handle)
        self._use(session, history)
        self._since_hand_over = 0
        self._asked_since_hand_over = False
        self._stats.audio_dropped_ms += old.session.dropped_audio_ms
        self._stats.model_streams += 1
        self._stats.renewals += 1
        log.info("model_session_renewed", settled=self.turns.settled, repeated_bytes=sum(map(len, sentence)))
        self._old = old
        self._leaving.begin(old.session, old.talking)
        return fresh

    def _take_stage(self) -> tuple[ModelSession, StageStart]:
        try:
            return self._stage.take()
        except ModelError as error:
            raise self._counted(error) from error

    async def _enter_stage(self, old: _Talk, session: ModelSession, start: StageStart, handle: Handle) -> _Talk:
        """Let the stream of another stage take over, and ask it to begin."""
        self._leaving.end()
        if self.turns.replying:
            # Planned and not spoken yet, such as "one moment": the new stream has something better to say.
            await self._tell(self.turns.cut_off(), handle)
            self.turns.lose()
        if not start.is_bridged:
            self._report(ToolAnswered(pending=True))
        self.turns.hand_on(start.tool_use_id)
        # The audio of the agent's last sentence is complete, so the caller hears it, though it is not final yet.
        self._transcript.add(Role.ASSISTANT, self.turns.lose())
        sentence = self._replay_buffer.unheard(old.session.unsent_audio)
        session.begin(() if start.recalled else self._known_history())
        fresh = self._begin(session, handle)
        self._use(session, self._known_history())
        said = start.since(self._transcript.history) if start.recalled else self._transcript.waiting[1] or ""
        self._ask(session, None if self._entered is None else self._entered.compose(said, heard=start.is_bridged))
        for pcm in sentence:
            session.hear(pcm)
        self._asked_since_hand_over = True
        self._stats.audio_dropped_ms += old.session.dropped_audio_ms
        self._stats.model_streams += 1
        self._stage_has_begun(old.session.dropped_audio_ms)
        # The old stream has nothing left to say: it waits for a result that it will not get.
        self._leaving.release(asyncio.create_task(old.session.close()))
        return fresh

    def _stage_has_begun(self, lost_ms: int) -> None:
        if self._entered is not None and not self._entered.has_begun:
            self._entered.has_begun = True
            self._stats.stages += 1
            waited = asyncio.get_running_loop().time() - self._entered.since
            self._report(StageEntered(self._entered.stage, waited, lost_ms))

    def _has_room(self) -> bool:
        return self._leaving.is_empty and self._stage.give_way()

    def _go_back(self, error: ModelError) -> _Talk | None:
        """Continue with the old stream if the new one was refused; return None if the old one is gone."""
        old = self._leaving.take_back()
        if old is None or self._old is None:
            return None
        talk, self._old = self._old, None
        log.warning("model_renewal_refused", error=error.reason, **causes.fields(error))
        # The renewal did not happen: undo what it counted, and repeat what only the new stream heard.
        self._stats.renewals -= 1
        self._stats.audio_dropped_ms -= talk.session.dropped_audio_ms
        self._adapt(error)
        talk.clock.failed(asyncio.get_running_loop().time())
        self._use(talk.session, ())
        for pcm in self._replay_buffer.newest(self._since_hand_over):
            talk.session.hear(pcm)
        if self._asked_since_hand_over and self.turns.reply_pending:
            self._ask(talk.session, self._asked)
        return talk

    def _use(self, session: ModelSession, history: History) -> None:
        session.holds_audio = self._quirks.holds_audio
        self._begun_with_history, self._stream_lived = bool(history), False
        self._session = session

    async def _take(self, session: ModelSession, handle: Handle, event: ModelEvent) -> None:
        # The first event of a new stream proves it; a late event of a discarded stream is ignored.
        if session is self._session:
            self._failures.lived = self._stream_lived = True
            if not self._leaving.proven:
                self._leaving.prove()
            if self._leaving.session is not None and isinstance(event, wire.ContentStarted):
                await self._overtake(handle)
        elif session is not self._leaving.session:
            return
        facts = self.turns.take(event)
        self._note(facts)
        for fact in facts:
            self._transcript.take(fact)
        await self._tell(facts, handle)
        if session is self._leaving.session and isinstance(event, wire.ContentEnded):
            self._leaving.end_if_settled()
        self._stage.look()

    async def _tell(self, facts: Facts, handle: Handle) -> None:
        # Decisions first: what observers do with a fact may take a moment.
        for fact in facts:
            self._report(fact)
        for fact in facts:
            await handle(fact)

    async def _overtake(self, handle: Handle) -> None:
        """End the old session's reply: the new session has something to say, so the caller has spoken."""
        if self.turns.speaking:
            await self._tell(self.turns.interrupt(), handle)
        self._leaving.end()

    def _note(self, facts: Facts) -> None:
        self._watchdog.note(facts)
        for fact in facts:
            match fact:
                case StreamStarted():
                    return
                case ReplyAudio():
                    self._torn_off = False
                case AnswerOver(spoken):
                    if spoken:
                        self._failures.answered()
                        self._history_refused = False
                        # The old stream may speak once more before the stage begins.
                        if self._entered is not None and self._entered.has_begun:
                            self._entered = None
                    self._asked = None
                case CallerWords():
                    self._failures.caller_spoke()
        # Any event but the first proves that the model is working, so the start deadline no longer applies.
        if self._start_deadline is not None:
            self._start_deadline.reschedule(None)
            self._start_deadline = None

    async def _open(self) -> ModelSession:
        await self._leaving.room()
        history, question = self._unfinished()
        entered = self._entered
        # After the first refusal half of the history is sent, after the second only the question.
        none_left = self._history_refused and self._failures.in_a_row > 1
        history = fit_history(history, 0 if none_left else self._quirks.history_bytes)
        # Assigned before the next await, so that it is closed whatever happens.
        self._session = session = await self._source.first() or await self._source.open(history)
        self._stats.model_streams += 1
        self._use(session, history)
        if self._closed:
            await self._drop_session()
            raise ModelUnavailable("Closed")
        self._ask(session, question or self._asked)  # a question may have arrived while the session was being opened
        while self._waiting_audio:
            session.hear(self._waiting_audio.popleft())
        if self._entered is entered:
            self._stage_has_begun(0)
        elif self._entered is not None:
            # A tool has led to another stage while the session was being opened, with the old one's prompt.
            self._stage.begin(self._entered.stage, self._entered.tool_use_id)
        return session

    def _ask(self, session: ModelSession, question: str | None) -> None:
        if question is not None:
            session.read(question)
            self.turns.asked()
            self._watchdog.expect(ANSWER_SECONDS)

    def _unfinished(self) -> tuple[History, str | None]:
        """Return the history and the question for a new session: words without a reply, or whose reply was cut off."""
        history, words = self._transcript.waiting
        # A stage whose beginning was cut off begins again.
        if self._entered is not None:
            return history, self._entered.compose(words or "", heard=False)
        unheard = prompts.load("say_again") if self._replay_buffer.waits or self.turns.reply_pending else None
        if words is not None or self._asked is not None or not self._torn_off:
            return history, words or self._asked or unheard
        last = max((at for at, (role, _) in enumerate(history) if role is Role.USER), default=None)
        return (history, None) if last is None else (history[:last], history[last][1])

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._stats.audio_dropped_ms += session.dropped_audio_ms
            await session.close()

    async def close(self) -> None:
        """Release the sessions and open no more; bounded, idempotent."""
        self._closed = True
        self._report(ConnectionClosed())
        failed: Exception | None = None
        self._stage.drop()
        for release in (self._source.discard, self._drop_session, self._leaving.gone):
            try:
                await release()
            except Exception as error:  # noqa: BLE001 - raised below: a defect in one must not leave the others open
                failed = failed or error
        if failed is not None:
            raise failed
