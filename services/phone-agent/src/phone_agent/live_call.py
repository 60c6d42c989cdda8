"""Run one phone call: its WebSocket on one side, its conversation on the other."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus

import structlog
from fastapi import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from agent_core import causes
from agent_core.call_state import CallState
from agent_core.call_state_writer import CallStateWriter
from agent_core.conversation.session import Session
from agent_core.errors import AgentError
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.resumption import OVER
from agent_core.session_request import AudioRoute, SessionRequest
from agent_core.uvicorn_protocols import pongs_of
from phone_agent import media_stream
from phone_agent.call_control import RestRefused
from phone_agent.media_stream import Dtmf, Inbound, MalformedMessage, MarkReturned, StreamStarted, StreamStopped
from phone_agent.phone_service import PhoneService
from phone_agent.stream_guard import GuardDecision, StreamGuard
from phone_agent.twilio_audio_sink import SAMPLE_RATE, TwilioAudioSink
from phone_agent.twilio_transfer import TwilioTransfer
from phone_agent.ulaw import Packetizer

log = structlog.get_logger()

START_SECONDS = 5.0
"""Longest wait for ``start`` on a new socket."""
ASK_SECONDS = 5.0
"""Twilio sends audio 50 times a second. After this long without input the peer is sent a mark to echo, in addition to
the regular pings.
"""
STALL_SECONDS = 10.0
"""A peer that has sent nothing for this long, no audio, no mark and no pong, is lost. Missing audio alone proves
nothing: callers mute themselves, are put on hold, or use phones with silence suppression.
"""
_LOOK_SECONDS = 1.0
LAST_WORD_SECONDS = 1.0
"""Time to read what was sent before a socket was closed."""
SEND_SECONDS = 5.0
"""A socket that accepts nothing for this long is dead."""


async def receive(socket: WebSocket) -> str:
    """Wait for a message; return a non-text message as an empty string, which fails to decode.

    Raises:
        WebSocketDisconnect: the socket is closed.
    """
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    return message.get("text") or ""


async def read_start(socket: WebSocket, guard: StreamGuard) -> StreamStarted:
    """Wait for the message that identifies the stream.

    Raises:
        MalformedMessage: another message arrived, or none in time.
    """
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                message = media_stream.decode(await receive(socket))
                if guard.accept(message) is GuardDecision.CLOSE:
                    raise MalformedMessage("not_a_start")
                if isinstance(message, StreamStarted):
                    return message
    except TimeoutError:
        raise MalformedMessage("no_start") from None


class MediaStreamCall:
    """Moves audio between a WebSocket and a session until one of them ends.

    Args:
        phone: What all calls share.
        socket: Accepted; its ``start`` has been read and authenticated.
        guard: The stream's rules, after ``start``.
        start: Identifies the call and its stream.
        session_request: Slot and model session of the conversation.
        known: The stored state of the call.
    """

    def __init__(  # noqa: PLR0913 - made in one place
        self,
        phone: PhoneService,
        socket: WebSocket,
        *,
        guard: StreamGuard,
        start: StreamStarted,
        session_request: SessionRequest,
        known: CallState,
    ) -> None:
        self._phone = phone
        self._control = phone.control
        self._socket = socket
        self._guard = guard
        self._call_sid = start.call_sid
        self._clock = time.monotonic
        self._heard_at = self._asked_at = self._clock()
        self._pongs = pongs_of(socket.scope)
        self._sending_since: float | None = None
        self._packets = Packetizer(phone.settings.media_frame_ms)
        self._stats = SessionStats(resumed=known.begun - 1)
        self._line = TwilioAudioSink(start.stream_sid, self._stats, self._clock)
        people = TwilioTransfer(
            phone.transfer_service,
            start.call_sid,
            known.began_at,
            known.caller_id,
            transfers=known.transferred,
            agent=known.agent,
            sentences=phone.sentences_for(known),
        )
        media = AudioRoute(SAMPLE_RATE, SAMPLE_RATE, voice=self._line, people=people)
        self._state_writer = CallStateWriter(
            phone.store, replace(known, facts=dict(session_request.facts or {}), note=None)
        )
        self._slot = session_request.slot
        session_request = replace(
            session_request,
            on_words=self._state_writer.on_transcript,
            on_act=self._state_writer.on_act,
            on_stage=self._state_writer.on_stage,
            on_captured=self._state_writer.on_captured,
        )
        self._session = Session(phone.agent, session_request, media, self._stats)
        self._hear = self._session.hear
        self._state_writer.change(session_id=self._session.session_id)

    def lose(self) -> None:
        """End the conversation: Twilio has opened another stream for this call, so this one is no longer heard."""
        self._session.end(EndReason.MEDIA_DISCONNECTED)

    @property
    def is_recorded(self) -> bool:
        """Whether the end record has been written, and with it everything released."""
        return self._session.is_recorded

    async def run(self) -> CallDetailRecord:
        """Carry the call; return its record when everything is released."""
        try:
            # Twilio plays only the newest stream of a call, so an older one here is obsolete.
            if (before := self._phone.live.get(self._call_sid)) is not None:
                before.lose()
            self._phone.live[self._call_sid] = self
            self._state_writer.start()
            # A draining task stops when its last slot is free, and stopping closes this socket: Twilio would then run
            # the verbs after the stream before the hang-up has reached it.
            with self._slot.kept():
                return await self._hold()
        finally:
            if self._phone.live.get(self._call_sid) is self:
                del self._phone.live[self._call_sid]
            try:
                self._state_writer.stop()
            finally:
                await self._session.abandon()

    async def _hold(self) -> CallDetailRecord:
        self._reading = asyncio.create_task(self._read())
        parts = {self._reading, asyncio.create_task(self._write()), asyncio.create_task(self._watch())}
        for part in parts:
            part.add_done_callback(self._note_defect)
        tasks = {*parts, asyncio.create_task(self._control.look(self._call_sid))}
        try:
            record = await self._session.run()
            self._note_end(record.reason)
            hung_up = await self._hang_up(record.reason)
            # Before the socket is closed: Twilio may request this call's next document a moment later.
            await self._state_writer.close(over=hung_up or record.reason is EndReason.CALLER_HUNG_UP)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1.0)
            await self._close()
        return record

    def _note_defect(self, part: asyncio.Task[None]) -> None:
        """End a call if one of its tasks has failed: without it the others would continue without a caller."""
        if not part.cancelled() and (error := part.exception()) is not None:
            log.error("call_failed", call_sid=self._call_sid, error=type(error).__name__)
            self._session.end(EndReason.INTERNAL_ERROR)

    async def _read(self) -> None:
        reason = EndReason.INTERNAL_ERROR
        try:
            reason = await self._read_until_end()
        except (WebSocketDisconnect, RuntimeError):
            reason = EndReason.MEDIA_DISCONNECTED
        finally:
            self._session.end(reason)

    async def _read_until_end(self) -> EndReason:
        while True:
            text = await receive(self._socket)
            self._heard_at = self._clock()
            try:
                message = media_stream.decode(text)
            except MalformedMessage as error:
                verdict = self._guard.malformed()
                # Counted and dropped: one broken message must not end a healthy call.
                self._stats.malformed_messages += 1
                log.debug("message_malformed", call_sid=self._call_sid, reason=error.reason)
            else:
                verdict = self._guard.accept(message)
                self._stats.ignored_messages += verdict is GuardDecision.DROP
                if verdict is GuardDecision.ACCEPT and self._take(message):
                    return await self._why_stopped()
            if verdict is GuardDecision.CLOSE:
                return EndReason.PROTOCOL_ERROR

    def _take(self, message: Inbound) -> bool:
        """Handle a message; return True if it was the last."""
        match message:
            case media_stream.CallerMedia():
                self._stats.missing_packets = self._guard.missing
                for pcm in self._packets.push(message.payload):
                    self._hear(pcm)
            case MarkReturned():
                if self._line.mark_echoed(message.name):
                    self._session.answer_heard()
            case Dtmf():
                self._session.press(message.digit)
            case StreamStopped():
                return True
        return False

    async def _why_stopped(self) -> EndReason:
        """Return why the stream stopped: Twilio stops it for a transfer before it responds to the transfer request."""
        return EndReason.TRANSFERRED if await self._session.handed_over() else EndReason.CALLER_HUNG_UP

    async def _write(self) -> None:
        try:
            while True:
                for text in await self._line.messages():
                    self._sending_since = self._clock()
                    await self._socket.send_text(text)
                    self._sending_since = None
        except (WebSocketDisconnect, RuntimeError):
            # Twilio's last message may still be unread: a caller who hangs up while the agent talks has not been lost.
            await asyncio.sleep(LAST_WORD_SECONDS)
            self._session.end(EndReason.MEDIA_DISCONNECTED)

    async def _watch(self) -> None:
        """Detect a dead peer by polling; cheaper than a timeout per packet."""
        pongs = self._pongs.count
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = self._clock()
            # Pongs count as life, because a muted caller sends nothing else.
            if pongs != self._pongs.count:
                pongs, self._heard_at = self._pongs.count, now
            stuck = self._sending_since is not None and now - self._sending_since > SEND_SECONDS
            if stuck or now - self._heard_at > STALL_SECONDS:
                self._session.end(EndReason.MEDIA_DISCONNECTED)
                return
            if now - max(self._heard_at, self._asked_at) > ASK_SECONDS:
                self._asked_at = now
                self._line.ask()

    async def _hang_up(self, reason: EndReason) -> bool:
        """Hang up if the conversation ended normally; after a failure the verbs after the stream run instead."""
        if reason not in (EndReason.AGENT_ENDED, EndReason.IDLE_TIMEOUT, EndReason.MAX_DURATION):
            return False
        # Twilio takes a while to respond, and this task may be killed meanwhile: another task that receives the call
        # must know that it is over.
        await self._state_writer.write_now()
        try:
            await self._control.hang_up(self._call_sid)
        except RestRefused as error:
            if error.status == HTTPStatus.NOT_FOUND and self._reading.done():
                return True  # its stream has stopped: the caller hung up first
            level = "error" if error.is_misconfiguration else "warning"
            getattr(log, level)("hang_up_failed", call_sid=self._call_sid, error=error.reason, **causes.fields(error))
            return False
        except AgentError as error:
            log.warning("hang_up_failed", call_sid=self._call_sid, error=error.reason, **causes.fields(error))
            return False
        return True

    def _note_end(self, reason: EndReason) -> None:
        """Update the call's stored state: a task that resumes it needs the reason, and perhaps the words."""
        self._phone.ended_as(self._call_sid, reason)
        self._state_writer.change(ended=reason.value)
        if reason is EndReason.TRANSFERRED:
            self._state_writer.change(transferred=self._state_writer.call.transferred + 1)
        if reason in OVER:
            # If Twilio still requests the call, it is hung up.
            self._state_writer.change(history=(), facts={}, known={})

    async def _close(self) -> None:
        if self._socket.client_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, TimeoutError, WebSocketDisconnect):
                async with asyncio.timeout(1.0):
                    await self._socket.close(1000)
