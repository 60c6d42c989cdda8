"""A request before its stream opens: checks it, applies faults, then rejects or opens it."""

import asyncio
import uuid

from standins.nova import payload, stream_request
from standins.nova.errors import StreamRefused
from standins.nova.event_log import note
from standins.nova.event_stream_session import EventStreamSession
from standins.nova.faults import ModelFault, note_fault
from standins.nova.h2_request import H2Request
from standins.nova.server_state import ServerState
from standins.nova.session_records import SessionRecord


class PendingStream:
    """Owns an exchange from its headers until it is rejected or its stream opens; buffers early data."""

    def __init__(self, exchange: H2Request, server_state: ServerState) -> None:
        self._exchange = exchange
        self._server_state = server_state
        self._request_id = str(uuid.uuid4())
        self._early: list[bytes] = []
        self._early_end = False
        self._lost = asyncio.Event()

    def received(self, chunk: bytes) -> None:
        """Buffer a chunk of the client's event stream."""
        self._early.append(chunk)

    def ended(self) -> None:
        """Record that the request body ended before the stream opened."""
        self._early_end = True

    def lost(self, _reason: str) -> None:
        """Record that the client disconnected before the stream opened."""
        self._lost.set()

    async def run(self) -> None:
        """Reject the request, or open its stream and serve it until it ends."""
        try:
            opened = await self._open()
        except StreamRefused as refused:
            self._server_state.ledger.streams_refused += 1
            note("stream_refused", request_id=self._request_id, error=refused.kind, detail=refused.detail)
            self._exchange.respond(*stream_request.refusal(refused, self._request_id))
            return
        if opened is not None:
            await self._become(opened)

    async def _open(self) -> stream_request.StreamOpening | None:
        """Apply a fault, then check the request.

        Returns:
            None if the fault has ended the exchange.
        """
        request = stream_request.request_of(self._exchange.headers)
        # Unknown operations and models are rejected first, so that they do not use up a fault.
        stream_request.model_of(request, self._server_state)
        fault = self._server_state.faults.take("open")
        if fault is not None and await self._struck_by(fault):
            self._server_state.ledger.streams_refused += 1
            return None
        return None if self._lost.is_set() else stream_request.admit(request, self._server_state)

    async def _struck_by(self, fault: ModelFault) -> bool:
        note_fault(fault, request_id=self._request_id)
        await asyncio.sleep((fault.delay_ms + fault.after_ms) / 1000)
        if fault.error is not None:
            raise StreamRefused(fault.error[:1].upper() + fault.error[1:], fault.message, "injected")
        match fault.action:
            case "freeze":
                self._exchange.freeze()
                await self._lost.wait()
            case "rst":
                self._exchange.reset(fault.code)
            case "disconnect":
                self._exchange.abort()
            case "close":
                self._exchange.respond(200, stream_request.headers_of(self._request_id, payload.CONTENT_TYPE), b"")
            case _:
                return False
        return True

    async def _become(self, opened: stream_request.StreamOpening) -> None:
        record = SessionRecord(str(uuid.uuid4()), self._request_id, opened.model_id, opened.access_key_id)
        record.sound = bytearray() if self._server_state.keep_sound else None
        stream = EventStreamSession(self._exchange, self._server_state, record, opened.chain)
        self._exchange.respond(200, stream_request.headers_of(self._request_id, payload.CONTENT_TYPE))
        self._exchange.owner = stream
        # Feed what arrived during the checks, before the event loop can deliver more.
        for chunk in self._early:
            stream.received(chunk)
        if self._early_end:
            stream.ended()
        await stream.run()
