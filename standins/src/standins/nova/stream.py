"""One InvokeModelWithBidirectionalStream request: its opening, its events both ways, its end."""

import asyncio
import base64
import binascii
import json
import logging
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from standins.nova import sigv4
from standins.nova.brain import Brain, ToolSpec
from standins.nova.clock import Clock
from standins.nova.completion import Completion
from standins.nova.errors import INVALID_EVENT_BYTES, UNPARSABLE, Limits, Refused, StreamFault, invalid
from standins.nova.eventstream import Decoder, FramingError, Message, decode, encode
from standins.nova.faults import Fault, FaultPlan
from standins.nova.http2 import Exchange
from standins.nova.inputs import parse
from standins.nova.journal import note
from standins.nova.line import Line
from standins.nova.records import Ledger, SessionRecord
from standins.nova.session import (
    AudioClosed,
    AudioOpened,
    CallerAudio,
    CallerText,
    Effect,
    Prompt,
    PromptClosed,
    PromptOpened,
    Session,
    SessionClosed,
    ToolAnswered,
)
from standins.nova.tasks import TaskPool
from standins.nova.turns import Pace, Surroundings, Turns

EVENT_STREAM = "application/vnd.amazon.eventstream"
EARLY_BYTES = 1024 * 1024
"""What a client may send before its stream is open."""

_PATH = re.compile(r"/model/(?P<model>[^/]+)/invoke-with-bidirectional-stream")
_MODEL = re.compile(r"(arn:aws[\w-]*:bedrock:.+/)?(\w+\.)?amazon\.nova-(\w+-)*sonic(-v\d+)?(:\d+)?")
_ERROR_SUFFIX = ":http://internal.amazon.com/coral/com.amazon.bedrock/"


@dataclass(frozen=True, slots=True)
class House:
    """What all streams of a server share."""

    brain: Brain
    secrets: Mapping[str, str] | None
    """Secret access key by access key id; None takes any credentials."""
    limits: Limits
    pace: Pace
    clock: Clock
    ledger: Ledger = field(default_factory=Ledger)
    faults: FaultPlan = field(default_factory=FaultPlan)


class ModelStream:
    """Owns one exchange from its headers to its end."""

    def __init__(self, exchange: Exchange, house: House) -> None:
        self._exchange = exchange
        self._house = house
        self._request_id = str(uuid.uuid4())
        self._early: list[bytes] | None = []
        self._client_ended = False
        self._decoder = Decoder()
        self._chain: sigv4.ChunkChain | None = None
        self._session: Session
        self._record: SessionRecord
        self._pending_prompt: Prompt
        self._turns: Turns | None = None
        self._line: Line | None = None
        self._completion: Completion | None = None
        self._over = asyncio.Event()
        self._tasks = TaskPool(self._failed)

    def received(self, chunk: bytes) -> None:
        """Take a piece of the client's event stream."""
        if self._early is not None:
            self._early.append(chunk)
            return
        if self._over.is_set():
            return
        try:
            for message in self._decoder.feed(chunk):
                self._take(message)
        except FramingError as broken:
            self._fail(invalid(INVALID_EVENT_BYTES, str(broken)))
        except StreamFault as fault:
            self._fail(fault)

    def ended(self) -> None:
        """The client has ended its half, by the rules after sessionEnd."""
        self._client_ended = True
        if self._early is None and not self._over.is_set():
            self._exchange.end()
            self._finish("client_ended")

    def lost(self, reason: str) -> None:
        """The stream is gone."""
        self._finish(reason)

    async def run(self) -> None:
        """Open the stream and keep it until it is over."""
        try:
            await self._open()
        except Refused as refusal:
            self._refuse(refusal)
            return
        if self._exchange.finished:
            return
        self._tasks.start(self._watch())
        if fault := self._house.faults.take("session"):
            asyncio.get_running_loop().call_later(fault.after_ms / 1000, self._misbehave, fault)
        self._catch_up()
        try:
            await self._over.wait()
        finally:
            self._finish("server_stopped")
            if self._turns is not None:
                self._turns.stop()
            await self._tasks.aclose()

    async def _open(self) -> None:
        """Check the request, let a fault strike, answer with the headers."""
        request = _request_of(self._exchange)
        model_id = _model_of(request)
        fault = self._house.faults.take("open")
        if fault is not None:
            await asyncio.sleep((fault.delay_ms + fault.after_ms) / 1000)
            await self._strike_at_opening(fault)
        key_id = self._authorise(request)
        self._record = SessionRecord(str(uuid.uuid4()), self._request_id, model_id, key_id)
        self._session = Session(model_id, self._house.limits, self._house.clock.now())
        self._house.ledger.open(self._record)
        self._exchange.respond(200, [*self._headers(), ("content-type", EVENT_STREAM)])
        note("session_opened", session_id=self._record.session_id, request_id=self._request_id, model_id=model_id)

    async def _strike_at_opening(self, fault: Fault) -> None:
        if fault.error is not None:
            raise Refused(fault.error[:1].upper() + fault.error[1:], fault.message, "injected")
        match fault.action:
            case "freeze":
                self._exchange.freeze()
                await self._over.wait()
            case "rst":
                self._exchange.reset(fault.code)
            case "disconnect":
                self._exchange.abort()
            case "close":
                self._exchange.respond(200, [*self._headers(), ("content-type", EVENT_STREAM)], b"")

    def _authorise(self, request: sigv4.Request) -> str:
        if self._house.secrets is None:
            found = request.headers.get("authorization", "")
            return sigv4.authorization_of(request).access_key_id if found else "anonymous"
        self._chain = sigv4.verify(request, self._house.secrets, datetime.now(UTC))
        return sigv4.authorization_of(request).access_key_id

    def _refuse(self, refusal: Refused) -> None:
        self._house.ledger.streams_refused += 1
        note("stream_refused", request_id=self._request_id, error=refusal.kind, detail=refusal.detail)
        headers = [
            *self._headers(),
            ("content-type", "application/json"),
            ("x-amzn-errortype", refusal.kind + _ERROR_SUFFIX),
        ]
        self._exchange.respond(refusal.status, headers, json.dumps({"message": refusal.message}).encode())

    def _headers(self) -> list[tuple[str, str]]:
        return [("date", formatdate(usegmt=True)), ("x-amzn-requestid", self._request_id)]

    def _catch_up(self) -> None:
        early, self._early = self._early or [], None
        for chunk in early:
            self.received(chunk)
        if self._client_ended:
            self.ended()

    async def _watch(self) -> None:
        """End the stream when its time or the caller's silence runs out."""
        while True:
            await self._house.clock.sleep_until(self._session.deadline)
            self._session.check(self._house.clock.now())

    def _take(self, message: Message) -> None:
        if self._over.is_set():
            return
        if self._chain is not None:
            self._chain.verify(message.headers, message.payload)
        if not message.payload:
            return  # the signed, empty end of the client's events; END_STREAM follows
        for effect in self._session.receive(parse(_event_text(message)), self._house.clock.now()):
            self._act(effect)

    def _act(self, effect: Effect) -> None:
        match effect:
            case PromptOpened():
                self._pending_prompt = effect.prompt
            case AudioOpened():
                self._open_line(effect.sample_rate)
            case CallerAudio():
                self._hear(effect.pcm)
            case AudioClosed():
                self._close_line()
            case CallerText():
                self._conversation().read(effect.text)
            case ToolAnswered():
                self._conversation().take_result(effect.tool_use_id, effect.result)
            case PromptClosed():
                self._end_prompt()
            case SessionClosed():
                self._exchange.end()
                self._finish("session_end")

    def _conversation(self) -> Turns:
        """Give the prompt's conversation; it begins with the first audio or interactive text, when the history is known."""
        if self._turns is None:
            self._turns = self._begin_conversation()
        return self._turns

    def _begin_conversation(self) -> Turns:
        prompt = self._pending_prompt
        record = self._record
        tools = [
            ToolSpec(tool.tool_spec.name, tool.tool_spec.input_schema.schema_)
            for tool in prompt.start.tool_configuration.tools
        ]
        record.system, record.history = prompt.system, prompt.history
        record.output_rate = prompt.start.audio_output_configuration.sample_rate_hertz
        self._completion = Completion(record.session_id, prompt.name, self._send)
        self._completion.input.read(prompt.system + "".join(text for _, text in prompt.history))
        self._completion.start()
        around = Surroundings(
            dialogue=self._house.brain.dialogue(tools=tools, system=prompt.system, history=prompt.history),
            voice=self._house.brain.voice,
            pace=self._house.pace,
            faults=self._house.faults,
            tasks=self._tasks,
            record=record,
            expect_result=self._session.expect_result,
            misbehave=self._misbehave,
            drained=self._exchange.drain,
        )
        return Turns(self._completion, record.output_rate, around)

    def _open_line(self, sample_rate: int) -> None:
        self._record.input_rate = sample_rate
        self._line = Line(self._house.brain.hearing.listen(sample_rate), sample_rate, self._conversation().notice)
        self._tasks.start(self._line.run())

    def _hear(self, pcm: bytes) -> None:
        if self._line is not None and self._record.input_rate and self._completion is not None:
            seconds = len(pcm) / 2 / self._record.input_rate
            self._record.audio_seconds_in += seconds
            self._completion.input.hear(seconds)
            self._line.hear(pcm)

    def _close_line(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _end_prompt(self) -> None:
        if self._turns is not None:
            self._turns.close()
        self._turns = self._completion = None

    def _send(self, event: dict[str, Any]) -> None:
        self._send_bytes(json.dumps(event).encode())

    def _send_bytes(self, text: bytes) -> None:
        if self._over.is_set():
            return
        headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
        payload = b'{"bytes":"%b"}' % base64.b64encode(text)
        self._exchange.send(encode(Message(headers, payload)))

    def _failed(self, error: BaseException) -> None:
        """A task of this stream has failed."""
        if isinstance(error, StreamFault):
            self._fail(error)
            return
        note("stream_crashed", logging.ERROR, request_id=self._request_id, error=repr(error))
        message = "The system encountered an unexpected error during processing. Try your request again."
        self._fail(StreamFault("internalServerException", message, repr(error)))

    def _fail(self, fault: StreamFault, *, literal: bool = False) -> None:
        """End the stream with an exception."""
        if self._over.is_set():
            return
        message = fault.message
        if fault.kind == "validationException" and not literal:
            message = f"RequestId={self._request_id} : {message}"
        headers = {":exception-type": fault.kind, ":content-type": "application/json", ":message-type": "exception"}
        self._exchange.send(encode(Message(headers, json.dumps({"message": message}).encode())))
        self._exchange.end()
        note("session_failed", session_id=self._record.session_id, error=fault.kind, text=message, detail=fault.detail)
        self._finish(f"{fault.kind}: {fault.message}")

    def _misbehave(self, fault: Fault) -> None:
        """Let a fault of an open stream strike."""
        if self._over.is_set() or (fault.action is None and fault.error is None):
            return
        note("fault_struck", session_id=self._record.session_id, on=fault.on, action=fault.action or "exception")
        match fault.action:
            case None | "exception":
                kind = fault.error or "modelStreamErrorException"
                self._fail(StreamFault(kind[:1].lower() + kind[1:], fault.message, "injected"), literal=True)
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
                self._send_bytes(b'{"event": {"audioOutput": ')
            case "unknown_event" | "odd_audio" | "empty_audio":
                self._write_oddity(fault)

    def _write_oddity(self, fault: Fault) -> None:
        if self._completion is None or self._turns is None:
            return
        if fault.action == "unknown_event":
            self._completion.unknown()
            return
        self._turns.open_audio_if_closed()
        self._completion.audio(b"\x00\x01\x02" if fault.action == "odd_audio" else b"")

    def _finish(self, reason: str) -> None:
        if self._over.is_set():
            return
        self._over.set()
        if hasattr(self, "_record"):
            self._house.ledger.close(self._record, reason)
            note("session_ended", session_id=self._record.session_id, reason=reason)


def _request_of(exchange: Exchange) -> sigv4.Request:
    headers: dict[str, str] = {}
    for name, value in exchange.headers:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    path, _, query = headers.get(":path", "/").partition("?")
    headers.setdefault("host", headers.get(":authority", ""))
    return sigv4.Request(headers.get(":method", ""), path, query, headers)


def _model_of(request: sigv4.Request) -> str:
    """Give the model that a request's path names.

    Raises:
        Refused: another operation, or a model that is no Nova Sonic.
    """
    found = _PATH.fullmatch(request.path)
    if found is None or request.method != "POST":
        raise Refused("UnknownOperationException", "The stand-in knows only InvokeModelWithBidirectionalStream.")
    model_id = unquote(found["model"])
    if not _MODEL.fullmatch(model_id):
        raise Refused("ValidationException", "The provided model identifier is invalid.", model_id)
    return model_id


def _event_text(message: Message) -> bytes:
    """Take the client's JSON out of its wrappings.

    Raises:
        StreamFault: they are not what the API model says.
    """
    inner = decode(message.payload) if ":chunk-signature" in message.headers else message
    if inner.headers.get(":event-type") != "chunk":
        raise invalid(INVALID_EVENT_BYTES, "event type is not chunk")
    try:
        return base64.b64decode(json.loads(inner.payload)["bytes"], validate=True)
    except (ValueError, TypeError, KeyError, binascii.Error) as broken:
        raise invalid(UNPARSABLE, "no base64 under `bytes`") from broken
