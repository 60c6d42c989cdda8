"""Run one conversation on any channel, from its admission to exactly one end record.

The session decides nothing: it passes what happens to a `ConversationState` and carries out the actions that follow.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog

from agent_core import causes, prompts
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.stages import StageProgress
from agent_core.announcements import Announcement
from agent_core.capture.values import Captures
from agent_core.conversation import signals
from agent_core.conversation.signals import Action, Input
from agent_core.conversation.state import ConversationRules, ConversationState, Phase
from agent_core.conversation.transfers import Transfers
from agent_core.conversation.waits import DisclosureWatch
from agent_core.errors import ModelError, ModelRejected, UpstreamError
from agent_core.events import CallDetailRecord, EndReason, SessionStats, VisitorConsent
from agent_core.nova import facts
from agent_core.nova.resilient_connection import ResilientConnection
from agent_core.nova.service import NovaSonicService
from agent_core.nova.transcript import ConversationTranscript
from agent_core.open_conversations import OpenConversation
from agent_core.pipeline import ConversationPipeline, RecentContext, SoundInFrames
from agent_core.regions import known_region
from agent_core.sentences import Sentences
from agent_core.session_request import AudioRoute, ModelSessionFactory, SessionRequest
from agent_core.summary import summarise
from agent_core.tools.acts import IdempotencyKeys
from agent_core.tools.goodbye import END_CALL
from agent_core.tools.registry import ToolRecord, ToolRegistry

TEARDOWN_SECONDS = 4.0
"""Everything is released within this time, even if the model has stopped reading."""
LAST_CLOSE_SECONDS = 1.0
"""Then the model's stream is closed within this time, if the pipeline used up all of the above."""


class Session:
    """Runs one conversation. Make it and ``run`` it once; all other methods may be called meanwhile."""

    def __init__(
        self, agent: AgentRuntime, session_request: SessionRequest, media: AudioRoute, stats: SessionStats
    ) -> None:
        self.session_id = session_request.session_id or uuid4().hex
        # A phone call that another task continues, or that returns from a person, gets a session of its own each time.
        self.conversation_id = session_request.call_sid or self.session_id
        """Identifies the conversation with all its parts, for tools: what they did in an earlier part counts."""
        self.stats = stats
        self._agent = agent
        self.agent = session_request.agent or agent.agents.default
        """The agent that speaks in it."""
        self._session_request = session_request
        self._media = media
        self._started = time.monotonic()
        # A future, because only the first reason counts.
        self._reason: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self._connected: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        """When the caller was connected, in monotonic seconds."""
        self.sounded_at: float | None = None
        """When the agent was last heard, in monotonic seconds; only where its audio travels in frames."""
        self._running: asyncio.Task[None] | None = None
        self.consent: VisitorConsent | None = None
        """Which notice the visitor agreed to; part of the end record."""
        self.is_recorded = False
        """Whether the end record has been written, and with it everything released."""
        labels = {
            "session_id": self.session_id,
            "call_sid": session_request.call_sid,
            "channel": session_request.channel,
            "agent": self.agent.id,
            "agent_version": self.agent.version,
        }
        self._owns_record: bool | None = None
        """Whether this task writes the end record, and no other one; None until it has been claimed."""
        self._telemetry = agent.telemetry(stats, labels)
        self._log = structlog.get_logger().bind(session_id=self.session_id, call_sid=session_request.call_sid)
        keys = IdempotencyKeys(self.conversation_id, session_request.acts, session_request.on_act)
        self._stages = StageProgress(self.agent.stages, session_request.at, session_request.on_stage)
        self._tools = ToolRegistry(
            self.agent.tools,
            conversation=self,
            on_call=self._note_tool,
            keys=keys,
            allows=self._stages.allows,
        )
        self.captures = self._captures_of(session_request)
        """The values that the caller has given."""
        self._transcript = ConversationTranscript(session_request.history, session_request.on_words)
        self._transfers = Transfers(media.people, self.on, self._log)
        rules = ConversationRules(
            self._limit("idle_prompt_seconds"), media.way_to_ear, self._transfers.by_key, session_request.transfers
        )
        disclosure = DisclosureWatch(self.agent.wording, session_request.history, cuts=media.voice is None)
        self._state = ConversationState(rules, disclosure)
        self._timer: tuple[float, asyncio.TimerHandle] | None = None
        """When the state is due, and the timer for it; uvloop's handle of a past time does not know when that was."""
        self._connection = ResilientConnection(
            ModelSessionFactory(agent, session_request, media, self._stages, lambda: self.captures.known),
            self._transcript,
            self.stats,
            self.on,
            self._is_quiet,
            input_rate=media.input_rate,
            renew_after=agent.settings.nova_sonic_renew_seconds,
            quirks=agent.quirks,
        )
        self._service = NovaSonicService(
            self._connection, self, output_rate=media.output_rate, voice=media.voice, protects=self._protects
        )
        self._pipeline = ConversationPipeline(
            self._service, RecentContext(), self._sound_in_frames(), agent.extensions_of(self.session_id)
        )

    def connected(self) -> None:
        """Open the model: the caller is connected. They are greeted when ``greet`` is called, or a little later."""
        if not self._connected.done():
            self._connected.set_result(time.monotonic())
            self.on(signals.Connected())

    @property
    def ready(self) -> asyncio.Event:
        """Set when the pipeline accepts messages; only where it carries the audio."""
        return self._pipeline.ready

    @property
    def sentences(self) -> Sentences:
        """What is said and shown apart from the model, in the agent's language."""
        return self.agent.sentences

    @property
    def region(self) -> str:
        """Region whose units the caller is used to, ISO 3166; empty if unknown."""
        return self._session_request.region or known_region(self._session_request.facts.get("country", ""))

    @property
    def facts(self) -> Mapping[str, str]:
        """What tools have found out, for an agent with stages."""
        return self._stages.position.facts

    def _captures_of(self, session_request: SessionRequest) -> Captures:
        zone = self.agent.zone or self._agent.settings.zone
        return Captures(
            self.agent.reader,
            self.agent.sentences,
            lambda: datetime.now(zone).date(),
            has_keypad=session_request.channel == "phone",
            stored=session_request.captured,
            on_change=session_request.on_captured,
            want_keys=lambda awaited: self.on(signals.ValueAwaited(awaited)),
        )

    def _limit(self, name: str) -> float:
        """Return a limit of the agent, or of the operator where the agent sets none or a higher one."""
        own: float | None = getattr(self.agent.file.limits, name)
        common: float = getattr(self._agent.settings, name)
        return common if own is None else min(own or common, common or own)

    async def somebody_there(self) -> None:
        """Wait for ``connected``."""
        # Shielded: a cancelled wait must not cancel what others wait for.
        await asyncio.shield(self._connected)

    def on(self, one: Input) -> list[Action]:
        """Take what has happened and do what follows from it; return what that was. Never blocks."""
        now = asyncio.get_running_loop().time()
        self._observe(one)
        self._state.disclosure.take(one, now, self._audible)
        follows = self._follow(one, now)
        # After what follows from the reply itself, which may be a goodbye.
        if isinstance(one, signals.AnswerHeard):
            self._disclose(now)
        return follows

    def _disclose(self, now: float) -> None:
        """Ask the model for the disclosure, if the caller has listened and not heard it."""
        speaks = self._connection.caller_speaks or self._connection.owes_answer
        owes = not self._session_request.greeted_before and self.phase is Phase.TALKING
        if owes and not speaks and self._state.disclosure.repeat(now):
            self._log.info("disclosure_repeated")
            self._follow(signals.DisclosureOwed(self.agent.wording.sentence), now)

    def _protects(self) -> bool:
        return self._state.disclosure.protects(asyncio.get_running_loop().time())

    def _audible(self) -> float:
        return self._service.sounds_for() + self._media.way_to_ear

    def _observe(self, one: Input) -> None:
        """Measure and log what happens, and let a new turn discard what tools have kept."""
        match one:
            case facts.TurnStarted() | facts.Asked(by_caller=True):
                # Cached results are discarded: the caller may ask for something else.
                self._tools.new_turn()
                self.captures.new_turn()
                self._expect_stage()
            case facts.SpeechEnded():
                self._telemetry.turn_ended()
                self._expect_stage()
            case facts.AnswerOver() if not (self._connection.owes_answer or self._connection.turns.working):
                self._connection.stay_in_stage()
            case facts.ReplyAudio(first=True):
                self._telemetry.answer_began()
            case facts.StreamStarted(model_session_id):
                self._agent.model_state = "ok"
                self._telemetry.stream_began(model_session_id)
                # The model's own id, so that AWS can find the session.
                self._log.info("model_session_started", model_session_id=model_session_id)
            case facts.StageEntered(stage, waited, lost_ms):
                self._telemetry.stage_entered(stage, waited)
                tools = [tool.spec.name for tool in self.agent.stages[stage].tools]
                waited_ms = round(waited * 1000)
                self._log.info("stage_entered", stage=stage, waited_ms=waited_ms, audio_lost_ms=lost_ms, tools=tools)

    def _follow(self, one: Input, now: float) -> list[Action]:
        follows = self._state.on(one, now)
        # An action may cause another input at once, such as a question that the connection reports.
        for action in follows:
            self._do(action)
        self._set_timer()
        return follows

    def _set_timer(self) -> None:
        due = self._state.due
        if self._timer is not None:
            if due == self._timer[0]:
                return
            self._timer[1].cancel()
        self._timer = None if due is None else (due, asyncio.get_running_loop().call_at(due, self._tick, due))

    def _tick(self, due: float) -> None:
        # A timer may fire a clock tick early; what it was set for is due all the same.
        now = max(due, asyncio.get_running_loop().time())
        self._timer = None
        self._follow(signals.Tick(self._is_quiet(), self._connection.owes_answer), now)

    def _do(self, action: Action) -> None:
        match action:
            case signals.PrepareTransfer(destination, reason, by):
                sentences = self.agent.sentences.in_language(self._transfers.language_of(destination))
                self._transfers.prepare(destination, summarise(self._transcript.history, reason, sentences), by=by)
            case signals.CallPerson(destination):
                self._transfers.call(destination)
            case signals.EnterStage():
                self._enter_stage(action)
            case signals.End(reason):
                self._reason.set_result(reason)
            case signals.CutOff() | signals.Play() | signals.Apologize() | signals.Nudge():
                self._sound(action)
            case _:
                self._write(action)

    def _sound(self, action: Action) -> None:
        match action:
            case signals.CutOff():
                self._service.cut()
            case signals.Play(announcement):
                self._say(announcement)
            case signals.Apologize():
                self._say(Announcement.SORRY)
                self.on(signals.ApologyPlaying(self._service.sounds_for() + self._media.way_to_ear))
            case signals.Nudge():
                if self._agent.takes_nudges:
                    self._connection.nudge(prompts.looking_up())

    def _write(self, action: Action) -> None:
        match action:
            case signals.Greet():
                words = self._session_request.first_words
                if words != "":
                    self._connection.read(words or prompts.load("greeting", disclosure=self.agent.wording.sentence))
            case signals.Ask():
                self._ask(action)
            case signals.RememberKeys(keys):
                # For the task that continues this conversation, if one does.
                self._transcript.add_caller(prompts.load("keys_typed", keys=keys))
            case signals.TakeValue(keys):
                self._take_value(keys)

    def _take_value(self, keys: str) -> None:
        """Notify the model of a value that the caller has typed: its handle, and the sentence that reads it back."""
        taken = self.captures.typed(keys)
        if taken is not None:
            said = {name: str(taken.get(name, "")) for name in ("handle", "speak", "next")}
            # Not as the caller's words: they have not heard the value yet, so no tool may receive it.
            self._connection.read(prompts.load("value_typed", **said))

    def _ask(self, ask: signals.Ask) -> None:
        typed = [prompts.load("keys_typed", keys=keys) for keys in ask.after_keys]
        for words in typed:
            self._transcript.add_caller(words)
        self._connection.read(" ".join([*typed, prompts.load(ask.prompt, **ask.values)]), by_caller=ask.by_caller)

    def greet(self) -> None:
        """Let the agent speak first; only the first call counts."""
        self.on(signals.ReadyToListen())

    @property
    def hear(self) -> Callable[[bytes], None]:
        """Sends the caller's audio: 16-bit PCM at the media's input rate. Never blocks."""
        # The connection's own method: a packet every 40 ms needs no stop here.
        return self._connection.hear

    def press(self, digit: str) -> None:
        """Handle a key press. It stops the agent at once; `agent_core.conversation.waits` interprets it."""
        self.on(signals.KeyPressed(digit))

    async def hand_over(self, destination: str, reason: str) -> dict[str, Any]:
        """Connect a person at the model's request.

        Raises:
            ToolFailure: no person can be reached this way, or not again.
        """
        shown = await self._transfers.show(destination)
        if shown is not None:
            return shown
        follows = self.on(signals.TransferWanted(destination, reason))
        refused = [action for action in follows if isinstance(action, signals.RefuseTransfer)]
        return self._transfers.result(destination, refused[0] if refused else None)

    async def handed_over(self) -> bool:
        """Wait for a transfer in progress; return True if the person has taken over."""
        return await self._transfers.done()

    def end(self, reason: EndReason) -> None:
        """End the conversation; the first reason counts."""
        self.on(signals.Ended(reason))

    @property
    def phase(self) -> Phase:
        """Where the conversation is."""
        return self._state.phase

    @property
    def owes_answer(self) -> bool:
        """Whether the caller waits for a reply, or for its end."""
        return self._connection.owes_answer

    @property
    def is_over(self) -> bool:
        """Whether the conversation is ending or has ended; its resources may remain for some seconds."""
        return self._reason.done()

    def answer_heard(self) -> None:
        """Record that the caller has heard the agent's last words."""
        self.on(signals.AnswerHeard())

    def say_goodbye(self, reason: EndReason) -> None:
        """Let the agent say goodbye, then end; not twice, nor during a transfer, except to drain."""
        self.on(signals.GoodbyeWanted(reason))

    def _say(self, phrase: Announcement) -> None:
        self._log.info("announcement_played", phrase=phrase.value)
        recordings = self._agent.recordings
        language = self.agent.sentences.language
        self._service.say(recordings.pcm(phrase, self._media.output_rate, language), recordings.words(phrase, language))

    def _is_quiet(self) -> bool:
        return not (self._service.sounding() or self._connection.caller_speaks)

    async def run(self) -> CallDetailRecord:
        """Greet, converse, end, release everything and return the one record of it.

        A defect of ours becomes a record too. Cancellation passes through, after its record.
        """
        reason = EndReason.INTERNAL_ERROR
        try:
            began = "session_started" if self._session_request.session_id is None else "session_resumed"
            stage = {"stage": self._stages.current.name} if self._stages.current else {}
            self._log.info(began, channel=self._session_request.channel, **stage)
            self._agent.sessions.add(self)
            if self._agent.lost_records is not None:
                self._agent.lost_records.changed()
            self._telemetry.began()
            left = self._session_request.seconds_left
            longest = self._limit("max_call_seconds")
            self.on(signals.Started(longest if left is None else min(left, longest)))
            self._running = asyncio.create_task(self._pipeline.run(), name=f"pipeline-{self.session_id}")
            self._running.add_done_callback(self._pipeline_stopped)
            # A phone caller is already connected; a page's visitor connects later.
            if self._media.source is None:
                self.connected()
                self.greet()
            # Shielded: a cancellation must not cancel the reason that others set later.
            reason = await asyncio.shield(self._reason)
        except asyncio.CancelledError:
            reason = EndReason.DRAINED  # only a server that stops cancels a conversation
            raise
        except Exception as error:  # noqa: BLE001 - the record reports it, and everything is released
            self._note_defect("session_failed", error)
        finally:
            record = await self._finish(reason)
        return record

    async def _finish(self, reason: EndReason) -> CallDetailRecord:
        """Release everything and write the record. Every step runs, even if an earlier one has a defect."""
        await self._step(self._stop)
        await self._step(lambda: self._say_the_end(reason))
        try:
            try:
                await self._step(lambda: self._claim_record(reason))
            finally:
                # Once more if a defect interrupted it: each of its steps may be repeated.
                _ = await self._step(self._release) or await self._step(self._release)
        finally:
            self._session_request.slot.release()
            self._agent.sessions.discard(self)
            record = self._keep_record(reason)
        return record

    def _keep_record(self, reason: EndReason) -> CallDetailRecord:
        record = self._record(reason)
        # A conversation that may be resumed has one record, which its last part writes.
        goes_on = self._session_request.goes_on is not None and self._session_request.goes_on(record)
        if goes_on or self._owns_record is False:
            self._agent.counting.paused(self.stats)
        else:
            self._agent.keep(record, self.stats)
        self.is_recorded = True
        self._telemetry.ended(record)
        return record

    async def _claim_record(self, reason: EndReason) -> None:
        """Claim the end record, unless a later part writes it: a task that was silent for long has lost it."""
        # Once: the second claim of a conversation fails, also after one of our own.
        if self._owns_record is None and not self._returns_within(reason):
            self._owns_record = True
            self._owns_record = await self._agent.may_record(self.session_id)
            if not self._owns_record:
                self._log.warning("recorded_elsewhere", reason=reason.value)

    def _returns_within(self, reason: EndReason) -> float:
        return 0.0 if self._session_request.returns is None else self._session_request.returns(reason)

    @property
    def as_open(self) -> OpenConversation:
        """What another task needs to write the record if this one is killed."""
        return OpenConversation(self._record(EndReason.TASK_LOST), self._returns_within(EndReason.MEDIA_DISCONNECTED))

    @property
    def hands_over(self) -> bool:
        """Whether another task continues this conversation if this one has to stop."""
        return self._session_request.hands_over

    async def abandon(self) -> None:
        """Release what ``run`` has not, and record the conversation as failed if it has no record; idempotent."""
        if not self.is_recorded:
            await self._finish(EndReason.INTERNAL_ERROR)

    async def _step(self, step: Callable[[], Awaitable[None] | None]) -> bool:
        """Run one step of the end and return whether it succeeded: a defect in one must not prevent the others."""
        try:
            if (taking := step()) is not None:
                await taking
        except Exception as error:  # noqa: BLE001 - see above
            self._note_defect("release_failed", error)
            return False
        return True

    def _note_defect(self, event: str, error: Exception) -> None:
        # Log the stack only: a message may quote what was said.
        where = "".join(traceback.format_tb(error.__traceback__))
        self._log.error(event, error=type(error).__name__, stack=where)

    def _stop(self) -> None:
        """Keep what was being typed, and let nothing more happen."""
        self.on(signals.Released())

    def _say_the_end(self, reason: EndReason) -> None:
        if self._media.before_end is None:
            return
        try:
            self._media.before_end(reason)
        except Exception as error:  # noqa: BLE001 - everything is released even if the peer cannot be notified
            self._log.warning("end_notification_failed", error=type(error).__name__)

    def _sound_in_frames(self) -> SoundInFrames | None:
        source, sink = self._media.source, self._media.sink
        if source is None or sink is None:
            return None
        shown = [tool.spec.name for tool in self.agent.tools if tool.shown]
        return SoundInFrames(source, sink, shown, self._note_sound)

    async def _release(self) -> None:
        pipeline = self._running
        await self._step(self._transfers.cancel)
        pipeline_stopped = False
        to_close = True
        try:
            async with asyncio.timeout(TEARDOWN_SECONDS):
                if pipeline is not None:
                    pipeline_stopped = await self._step(self._pipeline.cancel)
                to_close = False  # if it takes too long here, it would take too long again
                to_close = not await self._step(self._connection.close)
                if pipeline is not None and pipeline_stopped:
                    await asyncio.wait({pipeline})
        except TimeoutError:
            pipeline_stopped = False
        finally:
            if pipeline is not None:
                if not pipeline_stopped:
                    await self._step(self._pipeline.abandon)
                pipeline.cancel()
        if to_close:  # an open model stream costs money
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_CLOSE_SECONDS):
                    await self._step(self._connection.close)
        await self._step(self._service.let_go)

    def _record(self, reason: EndReason) -> CallDetailRecord:
        duration = time.monotonic() - self._started
        now, started_at = time.time(), self._session_request.began_at
        if started_at is None:
            started_at = now - duration
        # The record covers all parts of a resumed conversation.
        stats = self.stats if self._session_request.earlier is None else self.stats.after(self._session_request.earlier)
        return CallDetailRecord(
            session_id=self.session_id,
            channel=self._session_request.channel,
            reason=reason,
            started_at=started_at,
            duration_ms=round(
                (duration if self._session_request.began_at is None else max(duration, now - started_at)) * 1000
            ),
            stats=stats,
            call_sid=self._session_request.call_sid,
            agent=self.agent.id,
            agent_version=self.agent.version,
            stage=self._stages.position.stage,
            cost_usd=self._agent.counting.cost_of(stats),
            disclosure=self._state.disclosure.outcome(asyncio.get_running_loop().time()),
            consent=None if self.consent is None else self.consent.version,
            consented_at=None if self.consent is None else self.consent.at,
        )

    async def call_tool(self, name: str, arguments: dict[str, Any] | None, call_id: str) -> dict[str, Any]:
        """Run a tool for the model; every failure is returned as a result."""
        self.on(signals.ToolStarted(self._tools.filler(name)))
        # Another stage than the likely one, or none was expected: opened beside the present stream while the tool runs.
        if (expected := self._stages.expected(name)) is not None:
            self._connection.prepare_stage(expected.name)
        result = await self._tools.call(name, arguments, call_id)
        for_model, reached = self._stages.take(name, result.value, succeeded=result.outcome == "ok")
        changes = reached is not None and self.on(signals.StageWanted(reached.name, call_id, for_model))
        # Otherwise the model may call another tool before its reply is over.
        if not changes and not self._connection.owes_answer:
            self._connection.stay_in_stage()
        return for_model

    def _expect_stage(self) -> None:
        """Open the stream of the next stage when the caller has spoken, so that its opening costs them no silence."""
        if (likely := self._stages.likely) is not None and self._state.phase is Phase.TALKING:
            self._connection.expect_stage(likely.name)

    def _enter_stage(self, entered: signals.EnterStage) -> None:
        stage = self.agent.stages[entered.stage]
        # Now, so that whatever is opened from here on is for it, in this task or in another one.
        self._stages.enter(stage)
        known = self._stages.position.facts

        def compose(said: str, *, heard: bool) -> str:
            return prompts.stage_begins(stage.begin, known, said, None if heard else entered.result)

        self._connection.change_stage(stage.name, compose, entered.call_id)

    def _note_tool(self, record: ToolRecord) -> None:
        failed = record.outcome != "ok"
        self.stats.count_tool(record.tool, failed=failed)
        self._telemetry.tool_called(record.tool, record.outcome, record.elapsed_ms, record.call_id)
        fields: dict[str, Any] = {"tool": record.tool, "elapsed_ms": round(record.elapsed_ms)}
        if record.sources:
            fields["sources"] = list(record.sources)
        if failed:
            why = causes.fields(record.cause) if isinstance(record.cause, UpstreamError) else {}
            self._log.warning("tool_failed", **fields, outcome=record.outcome, error=record.error, **why)
            return
        self._log.info("tool_called", **fields)
        if record.tool == END_CALL:
            self.on(signals.AgentSaidGoodbye())

    def model_failed(self, error: ModelError) -> None:
        """Apologize, then end: the model is lost for good."""
        self._agent.model_state = error.kind
        self._log.error("model_lost", error=error.reason, **causes.fields(error))
        rejected = isinstance(error, ModelRejected)
        self.on(signals.ModelLost(EndReason.MODEL_REJECTED if rejected else EndReason.MODEL_UNAVAILABLE))

    def _note_sound(self, milliseconds: int) -> None:
        self.stats.audio_out_ms += milliseconds
        self.sounded_at = time.monotonic()
        # The greeting is the first reply, so earlier audio is a recording and does not count.
        if self.stats.first_audio_ms is None and self.stats.agent_turns:
            since = self._connected.result() if self._connected.done() else self._started
            self.stats.first_audio_ms = round((self.sounded_at - since) * 1000)

    def _pipeline_stopped(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("pipeline_failed", error=type(error).__name__)
        self.end(EndReason.INTERNAL_ERROR)
