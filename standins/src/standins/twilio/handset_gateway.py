"""The server side of one simulated phone.

A phone is a WebSocket. It sends one text `{"dial": {"url": …, "from": …, "to": …}}`, or `{"wait_for_call": "+46…"}` to
be called once at a number: it gets the event `waiting`, then `ringing`, and sends `{"answer": true}`, or
`{"answer": false}` for busy. Then it sends binary frames of µ-law
(20 ms each, in real time) and texts: `{"press": "0"}`, `{"hang_up": true}`, `{"hold": true}`,
`{"break_off": "rst"}`, and `{"raw": "…"}`, which puts any text on the media stream. It receives every event of the call
as a text, and the audio as binary frames: four bytes with the frame's number on the call's 20 ms clock (silent frames
are left out), then 160 bytes of µ-law.
"""

import asyncio
import contextlib
import json
import struct
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from standins.twilio.call_server import CallServer
from standins.twilio.live import DialledCall
from standins.twilio.settings import DialScript
from standins.twilio.timeline import Event
from standins.twilio.waiting_phone import WaitingPhone

_WAITING: Final = 3000
"""Buffer for a phone that reads slowly (a minute of audio); further messages are dropped."""


class Desk:
    """The call of one simulated phone."""

    def __init__(self, exchange: CallServer, socket: WebSocket) -> None:
        self._exchange = exchange
        self._socket = socket
        self._outbox: asyncio.Queue[str | bytes | None] = asyncio.Queue(_WAITING)

    async def serve(self, dial_text: str) -> None:
        """Place the call, and serve it until the phone or the call ends."""
        try:
            wanted = json.loads(dial_text)
            if "wait_for_call" in wanted:
                await self._wait(str(wanted["wait_for_call"]))
                return
            call = self._dial(wanted["dial"])
        except (ValueError, KeyError, TypeError) as error:
            # 1007: invalid payload.
            await self._socket.close(1007, f"cannot dial: {error}"[:120])
            return
        await self._serve(call)

    async def _wait(self, number: str) -> None:
        """Wait until this phone is called, then serve the call."""
        phone: WaitingPhone[DialledCall] = WaitingPhone(self._hear, self._tell)
        self._exchange.waiting[number] = phone
        try:
            self._tell(Event("waiting", 0.0))
            await self._serve(phone)
        finally:
            # Only this phone's own entry: another one may wait at the number by now.
            if self._exchange.waiting.get(number) is phone:
                del self._exchange.waiting[number]

    async def _serve(self, call: DialledCall | WaitingPhone[DialledCall]) -> None:
        sending = asyncio.create_task(self._send())
        receiving = asyncio.create_task(self._receive(call))
        try:
            # Either side may end first: the call by its document, the phone by closing the socket.
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Hang up even if this task is cancelled, or the call would continue without a phone.
            call.hang_up()
            for task in (sending, receiving):
                task.cancel()
            await asyncio.wait({sending, receiving})

    def _dial(self, wanted: dict[str, Any]) -> DialledCall:
        script = DialScript(**wanted["dial_script"]) if wanted.get("dial_script") else None
        call = self._exchange.place_call(
            str(wanted["url"]),
            caller=str(wanted["from"]),
            callee=str(wanted["to"]),
            fallback_url=str(wanted.get("fallback_url", "")),
            dial=script,
            hear=self._hear,
        )
        call.timeline.subscribe(self._tell)
        return call

    def _hear(self, number: int, frame: bytes) -> None:
        # Four bytes of frame number, then the audio.
        self._queue(struct.pack(">I", number) + frame)

    def _tell(self, event: Event) -> None:
        self._queue(json.dumps(event.as_json()))
        if event.name == "ended":
            self._queue(None)

    def _queue(self, message: str | bytes | None) -> None:
        # A phone that does not read must not stop the call.
        with contextlib.suppress(asyncio.QueueFull):
            self._outbox.put_nowait(message)

    async def _send(self) -> None:
        # The phone may be gone in the middle of a message.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (message := await self._outbox.get()) is not None:
                if isinstance(message, bytes):
                    await self._socket.send_bytes(message)
                else:
                    await self._socket.send_text(message)
            await self._socket.close()

    async def _receive(self, given: DialledCall | WaitingPhone[DialledCall]) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if isinstance(given, WaitingPhone) and text and given.decides(text):
                continue
            call = given.call if isinstance(given, WaitingPhone) else given
            if call is None:
                continue  # it does not ring yet
            if message.get("bytes"):
                call.hear_frame(message["bytes"])
            elif text:
                _obey(call, text)


def _obey(call: DialledCall, text: str) -> None:
    try:
        order = json.loads(text)
    except ValueError:
        return
    match order:
        case {"press": str(digits)}:
            call.press(digits)
        case {"hang_up": True}:
            call.hang_up()
        case {"raw": str(raw)} if call.stream is not None:
            call.stream.send_raw(raw)
        case {"hold": bool(held)} if call.stream is not None:
            call.stream.held = held
        case {"break_off": "rst" | "fin" | "stall" as how} if call.stream is not None:
            call.stream.break_off(how)
        # Recorded rather than rejected: a newer phone may know more orders.
        case _:
            call.timeline.record("handset_not_understood")
