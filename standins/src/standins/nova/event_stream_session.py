"""An open stream: its events in both directions, and its end."""

import asyncio
import json
import logging
from typing import Any

from standins.nova import payload
from standins.nova.conversation import PromptConversation, Setting
from standins.nova.effects import (
    AudioClosed,
    AudioOpened,
    CallerAudio,
    CallerText,
    Effect,
    OpenedPrompt,
    PromptClosed,
    PromptOpened,
    SessionClosed,
    ToolAnswered,
)
from standins.nova.errors import INVALID_EVENT_BYTES, StreamFault, invalid, screen
from standins.nova.event_log import note
from standins.nova.eventstream import FramingError, MessageDecoder, StreamMessage
from standins.nova.faults import ModelFault, note_fault
from standins.nova.h2_request import H2Request
from standins.nova.inputs import parse
from standins.nova.protocol_state import ProtocolState
from standins.nova.server_state import ServerState
from standins.nova.session_records import SessionRecord
from standins.nova.sigv4 import ChunkChain
from standins.nova.tasks import TaskPool

CRASHED = "The system encountered an unexpected error during processing. Try your request again."


class EventStreamSession:
    """An open stream; owns all its tasks and state."""

    def __init__(
        self, exchange: H2Request, server_state: ServerState, record: SessionRecord, chain: ChunkChain | None
    ) -> None:
        self._exchange = exchange
        self._server_state = server_state
        self._record = record
        self._chain = chain
        self._decoder = MessageDecoder()
        self._limits = server_state.limits
        self._session = ProtocolState(record.model_id, server_state.limits, server_state.clock.now())
        self._prompt: OpenedPrompt | None = None
        self._conversation: PromptConversation | None = None
        self._over = asyncio.Event()
        self._tasks = TaskPool(self._failed)
        server_state.ledger.open(record)
        note("session_opened", session_id=record.session_id, request_id=record.request_id, model_id=record.model_id)

    def received(self, chunk: bytes) -> None:
        """Process a chunk of the client's event stream."""
        # Bytes may still arrive after the end, until the client notices.
        if self._over.is_set():
            return
        try:
            for message in self._decoder.feed(chunk):
                self._take(message)
        except FramingError as broken:
            self._fail(invalid(INVALID_EVENT_BYTES, str(broken)))
        except Exception as error:  # noqa: BLE001 - a bug in one session must not close the others on its connection
            self._failed(error)

    def ended(self) -> None:
        """End the response: the client has ended the request, as it does after sessionEnd."""
        self._exchange.end()
        self._finish("client_ended")

    def lost(self, reason: str) -> None:
        """Record that the stream is gone."""
        self._finish(reason)

    async def run(self) -> None:
        """Serve the stream until it ends."""
        self._tasks.start(self._watch())
        # Scripts for an open session strike after their delay.
        if fault := self._server_state.faults.take("session"):
            asyncio.get_running_loop().call_later(fault.after_ms / 1000, self._misbehave, fault)
        try:
            await self._over.wait()
        finally:
            # Runs also if the server stops: the record must be closed.
            self._finish("server_stopped")
            if self._conversation is not None:
                self._conversation.turns.stop()
            await self._tasks.aclose()

    async def _watch(self) -> None:
        """End the stream when its lifetime or the idle timeout is over."""
        while True:
            await self._server_state.clock.sleep_until(self._session.deadline)
            self._session.check(self._server_state.clock.now())

    def _take(self, message: StreamMessage) -> None:
        # One chunk may contain several messages, and the first may end the stream.
        if self._over.is_set():
            return
        if self._chain is not None:
            self._chain.verify(message.headers, message.payload)
        if not message.payload:
            return  # the client's last event is signed and empty; END_STREAM follows
        # Two clocks: limits use the scalable one, measured times the real one.
        event, at = parse(payload.unwrap(message)), asyncio.get_running_loop().time()
        for effect in self._session.receive(event, self._server_state.clock.now(), at):
            self._act(effect)

    def _act(self, effect: Effect) -> None:
        match effect:
            case PromptOpened():
                self._prompt = effect.prompt
            case CallerAudio():
                self._begun().hear(effect.pcm)
            case AudioOpened():
                self._begun().open_line(effect.sample_rate)
            case AudioClosed():
                self._begun().close_line()
            case CallerText():
                self._begun().turns.read(effect.text)
            case ToolAnswered():
                self._begun().turns.take_result(effect.tool_use_id, effect.result)
            case PromptClosed():
                self._end_prompt()
            case SessionClosed():
                self._exchange.end()
                self._finish("session_end")

    def _begun(self) -> PromptConversation:
        """Return the prompt's conversation; it starts with the first audio or interactive text, after the history.

        Raises:
            StreamFault: No prompt is open, which the session has already checked.
        """
        if self._conversation is None:
            if self._prompt is None:
                raise invalid(INVALID_EVENT_BYTES, "no prompt")
            self._conversation = PromptConversation(self._prompt, self._setting())
        return self._conversation

    def _setting(self) -> Setting:
        loop, limits = asyncio.get_running_loop(), self._limits
        return Setting(
            backend=self._server_state.backend,
            pace=self._server_state.pace,
            faults=self._server_state.faults,
            record=self._record,
            tasks=self._tasks,
            # Lambdas keep the conversation independent of the stream.
            send=self._send,
            expect_result=lambda tool_use_id: self._session.tool_results.expect(tool_use_id, loop.time()),
            stop_waiting=self._session.tool_results.stop_waiting,
            misbehave=self._misbehave,
            drained=self._exchange.drain,
            screen=lambda text: screen(text, limits.blocked_words),
        )

    def _end_prompt(self) -> None:
        # A prompt may end while the agent is speaking.
        if self._conversation is not None:
            self._conversation.close_line()
            self._conversation.turns.close()
        self._prompt = self._conversation = None

    def _send(self, event: dict[str, Any]) -> None:
        if not self._over.is_set():
            self._exchange.send(payload.wrap(json.dumps(event).encode()))

    def _failed(self, error: BaseException) -> None:
        """End the stream because a task has failed."""
        if not isinstance(error, StreamFault):
            # A bug in the stand-in looks like an internal error of the service to the client.
            note("stream_crashed", logging.ERROR, session_id=self._record.session_id, crash=error)
            error = StreamFault("internalServerException", CRASHED, repr(error))
        self._fail(error)

    def _fail(self, fault: StreamFault) -> None:
        """End the stream with an exception."""
        if self._over.is_set():
            return
        message = fault.message
        # Injected messages are sent as they are, to imitate any text.
        if fault.kind == "validationException" and not fault.literal:
            message = f"{self._prefix}{message}"
        self._exchange.send(payload.exception(fault.kind, message))
        self._exchange.end()
        note("session_failed", session_id=self._record.session_id, error=fault.kind, text=message, detail=fault.detail)
        self._finish(f"{fault.kind}: {fault.message}")

    @property
    def _prefix(self) -> str:
        """Prefix that the service adds to the text of a validation error."""
        return f"RequestId={self._record.request_id} : "

    def _misbehave(self, fault: ModelFault) -> None:
        """Apply a fault to the open stream."""
        if self._over.is_set():
            return
        note_fault(fault, session_id=self._record.session_id)
        match fault.action:
            case "freeze":
                self._exchange.freeze()
            case "close":
                self._exchange.end()
                self._finish("fault: close")
            case "rst":
                self._exchange.reset(fault.code)
            case "disconnect":
                self._exchange.abort()
            case "bad_json":
                self._exchange.send(payload.wrap(b'{"event": {"audioOutput": '))
            case "unknown_event" | "odd_audio" | "empty_audio" if self._conversation is not None:
                self._conversation.write_oddity(fault)
            case "exception" | None if fault.error or fault.action:
                kind = fault.error or "modelStreamErrorException"
                message = f"{self._prefix}{fault.message}" if fault.request_id else fault.message
                # Event streams name exceptions in lower camel case.
                self._fail(StreamFault(kind[:1].lower() + kind[1:], message, "injected", literal=True))

    def _finish(self, reason: str) -> None:
        if self._over.is_set():
            return
        self._over.set()
        self._server_state.ledger.close(self._record, reason)
        note("session_ended", session_id=self._record.session_id, reason=reason)
