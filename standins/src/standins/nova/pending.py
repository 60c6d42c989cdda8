"""A request before its stream is open: checked, perhaps struck by a fault, then refused or opened."""

import asyncio
import uuid

from standins.nova import opening, wrapping
from standins.nova.errors import Refused
from standins.nova.exchange import Exchange
from standins.nova.faults import Fault
from standins.nova.house import House
from standins.nova.journal import note
from standins.nova.records import SessionRecord
from standins.nova.stream import ModelStream


class PendingStream:
    """Owns an exchange from its headers until it is refused or its stream opens; what comes early waits."""

    def __init__(self, exchange: Exchange, house: House) -> None:
        self._exchange = exchange
        self._house = house
        self._request_id = str(uuid.uuid4())
        self._early: list[bytes] = []
        self._early_end = False
        self._lost = asyncio.Event()

    def received(self, chunk: bytes) -> None:
        """Keep a piece of the client's event stream."""
        self._early.append(chunk)

    def ended(self) -> None:
        """The client has said all it will say, before the stream was open."""
        self._early_end = True

    def lost(self, _reason: str) -> None:
        """The client has gone before the stream was open."""
        self._lost.set()

    async def run(self) -> None:
        """Refuse, or open the stream and keep it until it is over."""
        try:
            opened = await self._open()
        except Refused as refused:
            self._house.ledger.streams_refused += 1
            note("stream_refused", request_id=self._request_id, error=refused.kind, detail=refused.detail)
            self._exchange.respond(*opening.refusal(refused, self._request_id))
            return
        if opened is not None:
            await self._become(opened)

    async def _open(self) -> opening.Opening | None:
        """Let a fault strike, then check the request.

        Returns:
            None if the fault has ended the exchange.
        """
        request = opening.request_of(self._exchange.headers)
        opening.model_of(request, self._house)
        fault = self._house.faults.take("open")
        if fault is not None and await self._struck_by(fault):
            self._house.ledger.streams_refused += 1
            return None
        return None if self._lost.is_set() else opening.admit(request, self._house)

    async def _struck_by(self, fault: Fault) -> bool:
        note("fault_struck", request_id=self._request_id, on="open", action=fault.action, error=fault.error)
        await asyncio.sleep((fault.delay_ms + fault.after_ms) / 1000)
        if fault.error is not None:
            raise Refused(fault.error[:1].upper() + fault.error[1:], fault.message, "injected")
        match fault.action:
            case "freeze":
                self._exchange.freeze()
                await self._lost.wait()
            case "rst":
                self._exchange.reset(fault.code)
            case "disconnect":
                self._exchange.abort()
            case "close":
                self._exchange.respond(200, opening.headers_of(self._request_id, wrapping.CONTENT_TYPE), b"")
            case _:
                return False
        return True

    async def _become(self, opened: opening.Opening) -> None:
        record = SessionRecord(str(uuid.uuid4()), self._request_id, opened.model_id, opened.access_key_id)
        record.sound = bytearray() if self._house.keep_sound else None
        stream = ModelStream(self._exchange, self._house, record, opened.chain)
        self._exchange.respond(200, opening.headers_of(self._request_id, wrapping.CONTENT_TYPE))
        self._exchange.owner = stream
        for chunk in self._early:
            stream.received(chunk)
        if self._early_end:
            stream.ended()
        await stream.run()
