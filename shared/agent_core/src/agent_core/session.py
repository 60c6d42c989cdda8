"""Run one conversation on any channel, from its admission to exactly one end record."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import structlog

from agent_core import causes, prompts
from agent_core.agent_runtime import AgentRuntime
from agent_core.announcements import Announcement
from agent_core.closing import GracefulHangup
from agent_core.errors import ModelError, UpstreamError
from agent_core.events import CallDetailRecord, EndReason, SessionStats, VisitorConsent
from agent_core.failure_exit import FailureExit
from agent_core.hold_announcements import HoldAnnouncer
from agent_core.idle_monitor import IdleMonitor
from agent_core.keypad import CutVoice, Keypad, Typed
from agent_core.nova.resilient_connection import ResilientConnection
from agent_core.nova.service import NovaSonicService
from agent_core.nova.transcript import ConversationTranscript
from agent_core.nova.wire import Role
from agent_core.pipeline import ConversationPipeline, RecentContext, SoundInFrames
from agent_core.session_request import AudioRoute, ModelSessionFactory, SessionRequest
from agent_core.summary import summarise
from agent_core.tools.goodbye import END_CALL
from agent_core.tools.registry import ToolRecord, ToolRegistry
from agent_core.transfer_controller import TransferController
from agent_core.units import known_region

GREETING_SECONDS = 1.5
"""Longest wait for a page's ready message; a client that sends no such message is greeted then."""
OVERTIME_SECONDS = 5.0
"""How soon a caller past the time limit is wished goodbye after a transfer, which had precedence, has failed."""
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
        self.stats = stats
        self._agent = agent
        self._session_request = session_request
        self._media = media
        self._started = self._connected_at = time.monotonic()
        # A future, because only the first reason counts.
        self._reason: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self._hangup = GracefulHangup(stats, self._end_when_heard)
        self._hold_announcer = HoldAnnouncer(self._say, self._is_quiet, self._nudge)
        self._voice = CutVoice(media.voice) if media.voice is not None else None
        self._keypad = Keypad(self._take_keys)
        self._kept_keys: list[str] = []
        self.ready = asyncio.Event()
        """Set when the pipeline accepts messages."""
        self._connected = asyncio.Event()
        self._greeted = False
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
        }
        self._telemetry = agent.telemetry(stats, labels)
        self._log = structlog.get_logger().bind(session_id=self.session_id, call_sid=session_request.call_sid)
        self._tools = ToolRegistry(agent.tools, conversation=self, on_call=self._note_tool)
        self._context = RecentContext()
        self._transcript = ConversationTranscript(session_request.history, session_request.on_words)
        self._transfers = TransferController(
            media.people,
            stats=stats,
            summary=lambda reason: summarise(self._transcript.history, reason),
            succeeded=lambda: self.end(EndReason.TRANSFERRED),
            failed=self._not_handed_over,
            transfers=session_request.transfers,
            log=self._log,
        )
        self._failure_exit = FailureExit(self._transfers, self._say_sorry, self.end)
        self._connection = ResilientConnection(
            ModelSessionFactory(agent, session_request, media),
            self._transcript,
            self.stats,
            self._hold_announcer,
            input_rate=media.input_rate,
            renew_after=agent.settings.nova_sonic_renew_seconds,
            quirks=agent.quirks,
        )
        self._idle_monitor = IdleMonitor(
            agent.settings.idle_prompt_seconds,
            is_busy=lambda: self._transfers.under_way or self._connection.owes_answer or not self._is_quiet(),
            turns=lambda: self._connection.caller_turns,
            ask=lambda: self._connection.read(prompts.load("still_there")),
            give_up=lambda: self.say_goodbye(EndReason.IDLE_TIMEOUT),
        )
        self._service = NovaSonicService(self._connection, self, output_rate=media.output_rate, voice=self._voice)
        self._pipeline = ConversationPipeline(self._service, self._context, self._sound_in_frames())

    def connected(self) -> None:
        """Open the model: the caller is connected. They are greeted when ``greet`` is called, or a little later."""
        if not self._connected.is_set():
            self._connected_at = time.monotonic()
            self._connected.set()
            self._idle_monitor.start()
            asyncio.get_running_loop().call_later(GREETING_SECONDS, self.greet)

    @property
    def region(self) -> str:
        """Region whose weather units the caller is used to, ISO 3166; empty if unknown."""
        return self._session_request.region or known_region(self._session_request.facts.get("country", ""))

    async def somebody_there(self) -> None:
        """Wait for ``connected``."""
        await self._connected.wait()

    def greet(self) -> None:
        """Let the agent speak first; only the first call counts."""
        if not self._greeted and not self._reason.done():
            self._greeted = True
            words = self._session_request.first_words
            if words != "":
                self._connection.read(words or prompts.load("greeting"))

    def hear(self, pcm: bytes) -> None:
        """Send the caller's audio: 16-bit PCM at the media's input rate. Never blocks."""
        self.stats.audio_in_ms += len(pcm) * 500 // self._media.input_rate
        self._connection.hear(pcm)

    def press(self, digit: str) -> None:
        """Handle a key press. It stops the agent at once; `agent_core.keypad` interprets it."""
        if self._reason.done():
            return
        self._idle_monitor.noticed()
        # The goodbye, the announcement of a transfer and the apology are heard out: the call ends or changes with them.
        leaving = self._hangup.under_way or self._transfers.under_way or self._failure_exit.reason is not None
        if not leaving:
            self._cut_off()
        self._keypad.press(digit)
        if self._failure_exit.reason is not None:
            self._keypad.finish()  # without a model no number can be wanted: key 0 calls at once

    def _take_keys(self, typed: Typed) -> None:
        """Call a person, or inform the model; keys too late for both stay in the transcript."""
        words = prompts.load("keys_typed", keys=typed.keys)
        if self._reason.done():
            self._transcript.add(Role.USER, words)  # for the task that continues this conversation, if one does
        elif self._transfers.under_way:
            if not typed.wants_person:
                self._kept_keys.append(words)
        elif typed.wants_person and self._transfers.by_key is not None:
            self._call_by_key(self._transfers.by_key)
        else:
            self._connection.read(words, by_caller=True)

    def _call_by_key(self, person: str) -> None:
        self._cut_off()
        self._transfers.press()
        self._make_way()
        if self._failure_exit.reason is None:
            self._connection.read(prompts.load("transfer_by_key", destination=person))

    def _cut_off(self) -> None:
        if self._voice is not None:
            self._voice.cut()

    async def hand_over(self, destination: str, reason: str) -> dict[str, Any]:
        """Connect a person at the model's request.

        Raises:
            ToolFailure: no person can be reached this way, or not again.
        """
        result = await self._transfers.ask(destination, reason)
        if self._transfers.under_way:
            self._make_way()
        return result

    async def handed_over(self) -> bool:
        """Wait for a transfer in progress; return True if the person has taken over."""
        return await self._transfers.done()

    def end(self, reason: EndReason) -> None:
        """End the conversation; the first reason counts."""
        if not self._reason.done():
            self._reason.set_result(reason)

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
        self._hangup.answer_heard()
        self._transfers.answer_heard()

    def _end_when_heard(self, reason: EndReason) -> None:
        under_way = self._transfers.under_way
        self._keypad.finish()
        if self._transfers.under_way and not under_way:
            return  # key 0 was pressed during the goodbye: its pause is cut short
        # The last words are still on their way to the visitor.
        if self._media.way_to_ear:
            asyncio.get_running_loop().call_later(self._media.way_to_ear, self.end, reason)
        else:
            self.end(reason)

    def say_goodbye(self, reason: EndReason) -> None:
        """Let the agent say goodbye, then end; not twice, nor during a transfer, except to drain."""
        if self._hangup.under_way or (self._transfers.under_way and reason is not EndReason.DRAINED):
            return
        self._begin_farewell(reason)
        self._connection.read(prompts.load("goodbye"))

    def _begin_farewell(self, reason: EndReason) -> None:
        self._hold_announcer.stop()
        self._idle_monitor.pause()
        self._hangup.begin(reason)

    def _make_way(self) -> None:
        """Withdraw the goodbye for a caller who is transferred, and watch them again: the transfer may fail."""
        self._hangup.withdraw()
        if self._failure_exit.reason is not None:
            self._transfers.call_at_once()
        else:
            self._hold_announcer.resume()
            self._idle_monitor.start()

    def _not_handed_over(self, destination: str) -> None:
        if self._failure_exit.reason is not None:
            self.end(self._failure_exit.reason)
            return
        # Keys pressed during the transfer were meant for the agent, so it learns of them now.
        self._keypad.finish()
        kept, self._kept_keys = self._kept_keys, []
        for words in kept:
            self._transcript.add(Role.USER, words)
        self._connection.read(" ".join([*kept, prompts.load("transfer_failed", destination=destination)]))

    def _say(self, phrase: Announcement) -> None:
        self._log.info("announcement_played", phrase=phrase.value)
        recordings = self._agent.recordings
        self._service.say(recordings.pcm(phrase, self._media.output_rate), recordings.words(phrase))

    def _nudge(self) -> bool:
        return self._agent.takes_nudges and self._connection.nudge(prompts.looking_up())

    def _say_sorry(self) -> float:
        self._say(Announcement.SORRY)
        return self._service.sounds_for() + self._media.way_to_ear

    def _is_quiet(self) -> bool:
        return not (self._service.sounding() or self._connection.caller_speaks)

    async def run(self) -> CallDetailRecord:
        """Greet, converse, end, release everything and return the one record of it.

        A defect of ours becomes a record too. Cancellation passes through, after its record.
        """
        reason = EndReason.INTERNAL_ERROR
        try:
            began = "session_started" if self._session_request.session_id is None else "session_resumed"
            self._log.info(began, channel=self._session_request.channel)
            self._agent.sessions.add(self)
            self._telemetry.began()
            self._running = asyncio.create_task(self._pipeline.run(), name=f"pipeline-{self.session_id}")
            self._running.add_done_callback(self._pipeline_stopped)
            # A phone caller is already connected; a page's visitor connects later.
            if self._media.source is None:
                self.connected()
                self.greet()
            reason = await self._wait_for_end()
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
        await self._step(self._keep_last_keys)
        await self._step(lambda: self._say_the_end(reason))
        try:
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
        if self._session_request.goes_on is not None and self._session_request.goes_on(record):
            self._agent.counting.paused(self.stats)
        else:
            self._agent.keep(record, self.stats)
        self.is_recorded = True
        self._telemetry.ended(record)
        return record

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

    def _keep_last_keys(self) -> None:
        """Keep what was being typed when the conversation ended; a cancelled one has no reason yet."""
        self.end(EndReason.DRAINED)
        self._keypad.finish()
        for words in self._kept_keys:
            self._transcript.add(Role.USER, words)

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
        shown = [tool.spec.name for tool in self._agent.tools if tool.shown]
        return SoundInFrames(source, sink, shown, self.ready.set, self._note_sound)

    async def _wait_for_end(self) -> EndReason:
        left = self._session_request.seconds_left
        seconds: float = self._agent.settings.max_call_seconds if left is None else left
        while True:
            try:
                async with asyncio.timeout(seconds):
                    # Shielded: the timeout must not cancel the reason that others set later.
                    return await asyncio.shield(self._reason)
            except TimeoutError:
                # A limit that is reached ends politely; if the goodbye cannot start now, it is tried again.
                self.say_goodbye(EndReason.MAX_DURATION)
                seconds = OVERTIME_SECONDS

    async def _release(self) -> None:
        pipeline = self._running
        # Timers first: none may act on a conversation that is being released.
        for stop in (self._hangup.cancel, self._transfers.cancel, self._idle_monitor.stop, self._hold_announcer.stop):
            await self._step(stop)
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
            cost_usd=self._agent.counting.cost_of(stats),
            consent=None if self.consent is None else self.consent.version,
            consented_at=None if self.consent is None else self.consent.at,
        )

    async def call_tool(self, name: str, arguments: dict[str, Any] | None, call_id: str) -> dict[str, Any]:
        """Run a tool for the model; every failure is returned as a result."""
        filler = self._tools.filler(name)
        self._hold_announcer.work_began(filler)
        return (await self._tools.call(name, arguments, call_id)).value

    def _note_tool(self, record: ToolRecord) -> None:
        failed = record.outcome != "ok"
        self.stats.count_tool(record.tool, failed=failed)
        self._telemetry.tool_called(record.tool, record.outcome, record.elapsed_ms, record.call_id)
        fields = {"tool": record.tool, "elapsed_ms": round(record.elapsed_ms)}
        if failed:
            why = causes.fields(record.cause) if isinstance(record.cause, UpstreamError) else {}
            self._log.warning("tool_failed", **fields, outcome=record.outcome, error=record.error, **why)
            return
        self._log.info("tool_called", **fields)
        if record.tool == END_CALL and not self._transfers.under_way:
            self._begin_farewell(EndReason.AGENT_ENDED)

    def caller_took_turn(self) -> None:
        """Discard cached tool results: the caller may ask for something else."""
        self._tools.new_turn()

    def caller_turn_ended(self) -> None:
        """Record when the caller stopped talking."""
        self._telemetry.turn_ended()

    def answer_began(self) -> None:
        """Record how long the caller waited for the reply."""
        self._telemetry.answer_began()

    def model_session_started(self, model_session_id: str) -> None:
        """Log the model's own id of a session, so that AWS can find it."""
        self._agent.model_state = "ok"
        self._telemetry.stream_began(model_session_id)
        self._log.info("model_session_started", model_session_id=model_session_id)

    def model_failed(self, error: ModelError) -> None:
        """Apologize, then end: the model is lost for good."""
        self._agent.model_state = error.kind
        self._log.error("model_lost", error=error.reason, **causes.fields(error))
        self._keypad.finish()  # a pending key 0 takes precedence over the apology
        self._hold_announcer.stop()
        self._idle_monitor.stop()
        self._failure_exit.begin(error)

    def _note_sound(self, milliseconds: int) -> None:
        self.stats.audio_out_ms += milliseconds
        self.sounded_at = time.monotonic()
        # The greeting is the first reply, so earlier audio is a recording and does not count.
        if self.stats.first_audio_ms is None and self.stats.agent_turns:
            self.stats.first_audio_ms = round((time.monotonic() - self._connected_at) * 1000)

    def _pipeline_stopped(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("pipeline_failed", error=type(error).__name__)
        self.end(EndReason.INTERNAL_ERROR)
