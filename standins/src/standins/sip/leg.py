"""One outgoing call over real sockets: rings, carries audio, and ends."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Final, Self

from standins.sip import rtp, sdp
from standins.sip.address import SipAddress
from standins.sip.dialog import Dialog, reply
from standins.sip.message import MalformedSipError, SipMessage
from standins.sip.sip_transport import Datagrams, SipTransport, connect, open_datagrams

type Hear = Callable[[bytes], None]
type Rings = Callable[[int], None]

FRAME: Final = 160
FRAME_SECONDS: Final = 0.02
_T1: Final = 0.5
"""Initial interval before an INVITE is repeated (RFC 3261, timer A); UDP only."""
_DEAD_SECONDS: Final = 4.0
"""Timeout without any response. The RFC waits 32 s."""
_LAST_SECONDS: Final = 1.0


class NotAnsweredError(Exception):
    """The other side did not answer.

    Args:
        code: The final response; 0 if there was none in time.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"answered with {code}" if code else "not answered in time")
        self.code = code


class Leg:
    """An outgoing call; use it as an asynchronous context, which ends the call."""

    def __init__(self, address: SipAddress, caller: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._address = address
        self._caller = caller
        self._headers = (*address.headers, *headers)
        self._way: SipTransport | None = None
        self._dialog: Dialog | None = None
        self._sound: Datagrams | None = None
        self._packets = rtp.Packets()
        self._to: tuple[str, int] | None = None
        self._answers: asyncio.Queue[SipMessage] = asyncio.Queue()
        self._acknowledgement: SipMessage | None = None
        self._alive = False
        self.ended = asyncio.Event()
        """Set when the other side has hung up."""
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        """DTMF keys that the other side presses."""
        self._keys_heard = rtp.KeysHeard()
        self.hear: Hear = lambda _mulaw: None
        """Called with the other side's audio as it arrives."""
        self.on_ringing: Rings = lambda _code: None
        """Called with the status of each ringing response."""

    @property
    def call_id(self) -> str:
        """Call-ID of the SIP dialog."""
        return self._dialog.call_id if self._dialog else ""

    async def __aenter__(self) -> Self:
        """Open the sockets.

        Raises:
            OSError: Nothing listens there, or the transport is not supported.
        """
        self._way = await connect(self._address.host, self._address.port, self._address.transport, self._take)
        try:
            self._sound = await open_datagrams(self._take_sound, self._way.local[0])
        except OSError:
            self._way.close()
            raise
        self._dialog = Dialog(self._address.uri, self._caller, self._way.local, self._way.transport)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up if the call was answered, and close the sockets."""
        assert self._way is not None  # noqa: S101 - entered
        # Only an answered call is ended with BYE.
        if self._to is not None and not self.ended.is_set():
            assert self._dialog is not None  # noqa: S101 - entered
            self._send(self._dialog.bye())
            await self._final(_LAST_SECONDS)
        if self._sound is not None:
            self._sound.close()
        self._way.close()

    async def ring(self, seconds: float) -> None:
        """Send the INVITE, and wait until the other side answers.

        Raises:
            NotAnsweredError: It does not; the INVITE has been cancelled.
        """
        assert self._dialog is not None  # noqa: S101 - entered
        assert self._way is not None  # noqa: S101 - entered
        assert self._sound is not None  # noqa: S101 - entered
        offer = sdp.describe(self._way.local[0], self._sound.port, secrets.randbits(31))
        invitation = self._dialog.invite(self._headers, offer)
        repeating = asyncio.create_task(self._repeat(invitation))
        try:
            answer = await self._final(seconds)
        except asyncio.CancelledError:
            # A cancelled INVITE would otherwise continue to ring.
            await self._give_up()
            raise
        finally:
            repeating.cancel()
        if answer is None:
            await self._give_up()
            raise NotAnsweredError(0)
        self._accept(answer)

    def _accept(self, answer: SipMessage) -> None:
        assert self._dialog is not None  # noqa: S101 - entered
        self._acknowledgement = self._dialog.acknowledge(answer)
        self._send(self._acknowledgement)
        if answer.status >= 300:  # noqa: PLR2004 - not a 2xx
            raise NotAnsweredError(answer.status)
        try:
            self._to = sdp.where_to_send(answer)
        except MalformedSipError:
            # An accepted call must be ended with BYE even if its audio cannot be used.
            self._send(self._dialog.bye())
            raise NotAnsweredError(488) from None

    async def _repeat(self, invitation: SipMessage) -> None:
        """Send the INVITE, over UDP repeatedly until a response arrives."""
        # Double the interval each time (RFC 3261, timer A).
        wait = _T1
        self._send(invitation)
        while self._way is not None and self._way.transport == "UDP":
            await asyncio.sleep(wait)
            if self._alive:
                return
            wait *= 2
            self._send(invitation)

    async def _final(self, seconds: float) -> SipMessage | None:
        """Return the final response, or None on timeout; a port without any response gets a shorter timeout."""
        until = time.monotonic() + seconds
        while True:
            patience = until - time.monotonic()
            # Without any response, a SIP phone is not there.
            wait = patience if self._alive else min(patience, _DEAD_SECONDS)
            try:
                async with asyncio.timeout(max(0.0, wait)):
                    answer = await self._answers.get()
            except TimeoutError:
                return None
            if answer.status >= 200:  # noqa: PLR2004 - lower ones are provisional
                return answer
            if answer.status >= 180:  # noqa: PLR2004 - 100 Trying is not ringing
                self.on_ringing(answer.status)

    async def _give_up(self) -> None:
        """Cancel the INVITE; the other side may answer at the same moment."""
        assert self._dialog is not None  # noqa: S101 - entered
        self._send(self._dialog.cancel())
        answer = await self._final(_LAST_SECONDS)
        # Skip the response to the CANCEL itself; the INVITE gets its own final response, normally 487.
        while answer is not None and answer.sequence[1] != "INVITE":
            answer = await self._final(_LAST_SECONDS)
        if answer is None:
            return
        self._send(self._dialog.acknowledge(answer))
        if answer.status < 300:  # noqa: PLR2004 - answered at the last moment
            self._send(self._dialog.bye())
            await self._final(_LAST_SECONDS)

    def _take(self, message: SipMessage, way: SipTransport) -> None:
        if self._dialog is None or not self._dialog.owns(message):
            return
        # The other side hangs up.
        if message.method == "BYE":
            way.send(reply(message, 200, "OK"))
            self.ended.set()
        elif message.method and message.method != "ACK":
            way.send(reply(message, 405, "Method Not Allowed"))
        elif message.status >= 200 and message.sequence[1] == "INVITE" and self._acknowledgement is not None:  # noqa: PLR2004
            self._send(self._acknowledgement)  # a repeated response means that the ACK was lost
        elif message.status:
            self._alive = True
            self._answers.put_nowait(message)

    def _take_sound(self, packet: bytes, _: tuple[str, int]) -> None:
        # Audio and keys arrive at the same port.
        if mulaw := rtp.sound_in(packet):
            self.hear(mulaw)
        elif key := self._keys_heard.take(packet):
            self.keys.put_nowait(key)

    def _send(self, message: SipMessage) -> None:
        if self._way is not None:
            self._way.send(message)

    def say(self, mulaw: bytes) -> None:
        """Send 20 ms of audio."""
        if self._to is not None and self._sound is not None:
            self._sound.send(self._packets.next(mulaw), self._to)

    async def play(self, mulaw: bytes) -> None:
        """Send a recording in real time; stop if the other side hangs up."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for start in range(0, len(mulaw), FRAME):
            if self.ended.is_set():
                return
            # Pad the last frame with µ-law silence.
            self.say(mulaw[start : start + FRAME].ljust(FRAME, b"\xff"))
            due += FRAME_SECONDS
            await asyncio.sleep(due - loop.time())
