"""The model's side of one conversation, across as many streams as it takes.

A stream that breaks is replaced by another with the conversation so far as its history, at most three times in a row,
and one that grows old by another that is ready before it goes (see ``renewal``). What the caller says meanwhile is
kept and handed on.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog

from agent_core import prompts
from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.events import Tally
from agent_core.nova import wire
from agent_core.nova.floor import Floor
from agent_core.nova.leaving import Leaving, why
from agent_core.nova.model_session import BACKLOG_SECONDS, ModelSession
from agent_core.nova.recent import RecentSound
from agent_core.nova.remedies import Remedy, remedy_for
from agent_core.nova.renewal import RenewalClock
from agent_core.nova.source import ModelSource
from agent_core.nova.tending import ANSWER_SECONDS, TURN_SECONDS, Tending, abandon
from agent_core.nova.transcript import History, Transcript, whole
from agent_core.nova.wire import ModelEvent, Role, StopReason
from agent_core.patience import Patience

type Handle = Callable[[ModelEvent], Awaitable[None]]

log = structlog.get_logger()

MAX_TRIES = 3
"""Streams that may fail in a row before we give up; a loop without an end costs money and tells the caller nothing."""
START_SECONDS = 8.0
"""Longest silence of the model at the beginning, whatever is tried meanwhile."""


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: none, then about 1 and 3."""
    return float(2 ** (failures - 1) - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, hides nothing


class ModelLink:
    """Keeps a model session under a conversation.

    Args:
        source: Opens the sessions.
        transcript: Keeps the conversation so far, for a session that replaces another.
        tally: Counts the streams and the audio that was lost.
        patience: Tells the caller to wait.
        input_rate: Hz of the caller's sound.
        renew_after: See ``RenewalClock``.
    """

    def __init__(  # noqa: PLR0913 - what a conversation has one of, each a thing of its own
        self,
        source: ModelSource,
        transcript: Transcript,
        tally: Tally,
        patience: Patience,
        *,
        input_rate: int,
        renew_after: float,
    ) -> None:
        self._source = source
        self._transcript = transcript
        self._tally = tally
        self._patience = patience
        self._renew_after = renew_after
        self._floor = Floor()
        self._recent = RecentSound(input_rate)
        self._tending = Tending(self._floor, self._recent, patience, input_rate)
        self._session: ModelSession | None = None
        self._leaving = Leaving(self._floor)
        self._bytes_per_ms = input_rate * 2 / 1000
        self._waiting_audio: deque[bytes] = deque()
        self._asked: str | None = None
        self._torn_off = False
        self._start_deadline: asyncio.Timeout | None = None
        self._failures = 0
        self._closed = False
        self.caller_turns = 0
        """How often the caller has said or written something."""

    @property
    def caller_speaks(self) -> bool:
        """Whether the caller is in the middle of a sentence, as far as loudness tells."""
        return self._recent.speaking

    @property
    def owes_answer(self) -> bool:
        """Whether somebody waits for the model."""
        return self._floor.owed or self._floor.speaking

    def hear(self, pcm: bytes) -> None:
        """Pass on the caller's sound; kept for a while when there is no session. Never waits."""
        self._tending.heard()
        self._pass_on(pcm)

    def _pass_on(self, pcm: bytes) -> None:
        self._recent.hear(pcm)
        if self._session is not None:
            self._session.hear(pcm)
            return
        self._waiting_audio.append(pcm)
        while sum(map(len, self._waiting_audio)) > BACKLOG_SECONDS * 1000 * self._bytes_per_ms:
            self._tally.audio_dropped_ms += round(len(self._waiting_audio.popleft()) / self._bytes_per_ms)

    def read(self, words: str, *, by_caller: bool = False) -> None:
        """Give the model something to answer in writing; remember it if the caller wrote it. Never waits."""
        self._asked = words = whole(words)
        self._floor.asked()
        self._patience.wait_for_start()
        if by_caller:
            self.caller_turns += 1
            self._transcript.add(Role.USER, words)
        if self._session is not None:
            self._session.read(words)
            self._tending.expect(ANSWER_SECONDS)

    def answer_tool(self, tool_use_id: str, result: dict[str, Any]) -> bool:
        """Answer a tool call, unless the session that asked is gone."""
        sessions = (self._session, self._leaving.session)
        if not any(session and session.answer_tool(tool_use_id, result) for session in sessions):
            return False
        self._floor.tool_answered(tool_use_id)
        if self._floor.owed:
            self._patience.work_ended()
            self._tending.expect(TURN_SECONDS)
        else:
            self._patience.answered()
        return True

    async def run(self, handle: Handle) -> None:
        """Talk until closed.

        Raises:
            ModelRejected: another try would not help.
            ModelUnavailable: three tries in a row did not help.
        """
        try:
            async with asyncio.timeout(START_SECONDS) as self._start_deadline:
                while not self._closed:
                    try:
                        await self._run_streams(handle)
                    except ModelError as error:
                        if isinstance(error, ModelRejected) and not self._closed:
                            raise
                        await self._recover(error, handle)
        except TimeoutError:
            raise self._counted(ModelUnavailable("NoStart", f"nothing within {START_SECONDS:.0f} s")) from None
        finally:
            self._start_deadline = None

    async def _recover(self, error: ModelError, handle: Handle) -> None:
        if self._closed:
            return
        self._failures += 1
        log.warning("model_stream_failed", error=error.reason, failures=self._failures)
        await self._tear_off(error, handle, waiting=self._floor.owed or self._floor.working or self._recent.waits)
        self._keep_sentence()
        if self._failures >= MAX_TRIES:
            raise error
        await asyncio.sleep(backoff(self._failures))

    async def _tear_off(self, error: ModelError, handle: Handle, *, waiting: bool) -> None:
        """Take leave of what the lost session had still to say; the caller is told if they wait for it."""
        silently = remedy_for(error.kind, error.reason) is Remedy.RECOVER
        self._torn_off = self._floor.speaking or self._floor.working or self._torn_off
        if self._failures < MAX_TRIES:
            self._patience.lost(waiting=waiting, cut_off=self._floor.speaking, silently=silently)
        if self._floor.speaking:
            # Whoever counts answers takes this one for finished; it will be begun again.
            await handle(wire.ContentEnded("AUDIO", StopReason.END_TURN))
        self._transcript.add(Role.ASSISTANT, self._floor.lose())
        self._tending.expect_nothing()

    def _keep_sentence(self) -> None:
        """Keep what the lost session had not understood yet, for the next one."""
        lost, self._session = self._session, None
        self._leaving.end()
        if lost is not None:
            self._tally.audio_dropped_ms += lost.dropped_audio_ms
            self._waiting_audio.extend(self._recent.unheard(lost.unsent_audio))

    async def _run_streams(self, handle: Handle) -> None:
        session = self._session or await self._open()
        while True:
            session = await self._run_one(session, handle)

    async def _run_one(self, session: ModelSession, handle: Handle) -> ModelSession:
        """Talk over one stream until another is to take over, which is given back ready."""
        talking = asyncio.create_task(session.run(partial(self._take, session, handle)), name="model-talk")
        clock = RenewalClock(self._renew_after, session.opened_at)
        looking_after = self._tending.run(clock, self._source, self._pass_on, lambda: self._leaving.is_empty)
        tending = asyncio.create_task(looking_after, name="model-tend")
        fresh: ModelSession | None = None
        try:
            while not (talking.done() or tending.done()):
                leaving = self._leaving.talking if not self._closed else None
                awaited = {talking, tending} if leaving is None else {talking, tending, leaving}
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                await self._answer_again(session, handle)
            if talking.done():
                raise self._counted(why(talking))
            if tending.exception() is not None:
                raise self._counted(why(tending))
            fresh = tending.result()
        finally:
            self._leaving.release(talking, cancel=fresh is None)
            if fresh is None:
                await abandon(tending)
        self._hand_over(session, talking, fresh)
        return fresh

    async def _answer_again(self, session: ModelSession, handle: Handle) -> None:
        """Ask the session that took over for the answer that the old one broke in."""
        talking = self._leaving.talking
        if talking is None or not talking.done() or self._closed:
            return
        error = self._counted(why(talking))
        log.warning("model_stream_failed", error=error.reason, failures=self._failures)
        waiting = self._floor.owed or self._floor.working
        unfinished = waiting or self._floor.speaking
        await self._tear_off(error, handle, waiting=waiting)
        self._leaving.end()
        if unfinished:
            self._ask(session, self._unfinished()[1])

    def _counted(self, error: ModelError) -> ModelError:
        if not self._closed:
            self._tally.count_model_error(error.kind)
        return error

    def _hand_over(self, old: ModelSession, talking: asyncio.Task[None], fresh: ModelSession) -> None:
        self._leaving.end()
        sentence = self._recent.unheard(old.unsent_audio)
        planned = ((Role.ASSISTANT, self._floor.unsaid),) if self._floor.unsaid else ()
        fresh.begin(self._transcript.history + planned)
        for pcm in sentence:
            fresh.hear(pcm)
        self._session = fresh
        self._tally.audio_dropped_ms += old.dropped_audio_ms
        self._tally.model_streams += 1
        self._tally.renewals += 1
        log.info("model_session_renewed", settled=self._floor.settled, repeated_bytes=sum(map(len, sentence)))
        self._leaving.begin(old, talking)

    async def _take(self, session: ModelSession, handle: Handle, event: ModelEvent) -> None:
        if session is self._session:
            if self._leaving.session is not None and isinstance(event, wire.ContentStarted):
                await self._overtake(handle)
        elif session is not self._leaving.session:
            return
        self._note(event)
        self._floor.take(event)
        self._transcript.take(event)
        await handle(event)
        if session is self._leaving.session and self._floor.settled and isinstance(event, wire.ContentEnded):
            self._leaving.end()

    async def _overtake(self, handle: Handle) -> None:
        """End an old session's answer: the new one has something to say, so the caller has spoken."""
        if self._floor.speaking:
            await handle(wire.ContentEnded("AUDIO", StopReason.INTERRUPTED))
        self._leaving.end()

    def _note(self, event: ModelEvent) -> None:
        if isinstance(event, wire.CompletionStarted):
            return
        self._tending.note(event, self._floor)
        if self._start_deadline is not None:
            self._start_deadline.reschedule(None)
            self._start_deadline = None
        if isinstance(event, wire.Audio):
            self._failures = 0
            self._torn_off = False
        elif self._floor.answer_ends(event):
            self._asked = None
        elif isinstance(event, wire.Text) and self._floor.block.role == Role.USER:
            self.caller_turns += 1

    async def _open(self) -> ModelSession:
        await self._leaving.room()
        history, question = self._unfinished()
        session = await self._source.first() or await self._source.open(history)
        self._tally.model_streams += 1
        self._session = session
        if self._closed:
            await self._drop_session()
            raise ModelUnavailable("Closed")
        self._ask(session, question or self._asked)  # it may have been asked while the session was being opened
        while self._waiting_audio:
            session.hear(self._waiting_audio.popleft())
        return session

    def _ask(self, session: ModelSession, question: str | None) -> None:
        if question is not None:
            session.read(question)
            self._floor.asked()
            self._tending.expect(ANSWER_SECONDS)

    def _unfinished(self) -> tuple[History, str | None]:
        """What a new session is told, and what it is asked: words without an answer, or whose answer was torn off."""
        history, words = self._transcript.waiting
        unheard = prompts.load("say_again") if self._recent.waits or self._floor.owed else None
        if words is not None or self._asked is not None or not self._torn_off:
            return history, words or self._asked or unheard
        last = max((at for at, (role, _) in enumerate(history) if role is Role.USER), default=None)
        return (history, None) if last is None else (history[:last], history[last][1])

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._tally.audio_dropped_ms += session.dropped_audio_ms
            await session.close()

    async def close(self) -> None:
        """Release the sessions and open no other; bounded, idempotent."""
        self._closed = True
        self._patience.stop()
        await self._source.discard()
        await self._drop_session()
        await self._leaving.gone()
