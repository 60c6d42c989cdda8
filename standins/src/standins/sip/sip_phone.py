"""A SIP phone on this machine that answers, is busy, declines, or keeps ringing, as its script says."""

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from standins.sip import rtp, sdp
from standins.sip.dialog import reply
from standins.sip.leg import FRAME, FRAME_SECONDS
from standins.sip.message import MalformedSipError, SipMessage, parse
from standins.sip.sip_transport import Datagrams, SipTransport, TcpWay, UdpWay, open_both, open_datagrams

type Behaviour = Literal["answers", "voicemail", "hangs_up", "busy", "declines", "silent", "dead"]

_QUIET: Final = b"\xff" * FRAME
_COMFORT_NOISE: Final = 300
"""Amplitude (of 32124) up to which a silent line may carry noise."""
_PAUSE_SECONDS: Final = 1.2
"""Silence after which the other side has finished speaking."""
_MAX_WAIT_SECONDS: Final = 30.0
_ANSWER_REPEAT: Final = 0.5
_AFTER_A_KEY: Final = 50
"""Frames between a key press and speech: one second, in which the calls are bridged."""
_REFUSALS: Final = {"busy": (486, "Busy Here"), "declines": (603, "Decline")}


@dataclass(frozen=True)
class PersonScript:
    """How the phone behaves."""

    behaviour: Behaviour = "answers"
    """``voicemail`` answers, speaks at once, and listens to the end; ``hangs_up`` answers and hangs up at the first
    audio; ``silent`` rings and is never answered; ``dead`` sends no response at all."""
    ring_seconds: float = 0.5
    """How long it rings before anything else."""
    words: bytes = field(default=b"", repr=False)
    """Speech as µ-law, sent after the other side's first words."""
    presses: str = ""
    """DTMF keys to press after the other side's first words, a second before speaking."""
    talk_seconds: float = 60.0
    """How long to stay on the call after that."""


@dataclass
class IncomingCall:
    """One incoming call and its outcome."""

    headers: dict[str, str]
    heard: bytearray = field(default_factory=bytearray)
    """All received audio, µ-law."""
    answered: bool = False
    outcome: str = ""
    """``hung_up`` (by this phone), ``left`` (by the other side), ``cancelled``, ``busy``, ``declines``; empty during
    the call."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    spoke: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the phone has said its words."""


type Tell = Callable[[str, IncomingCall], None]


class SipPhone:
    """A SIP phone on one port; use it as an asynchronous context.

    Args:
        script: Its behaviour; may be replaced at any time.
        port: 0 selects a free one.
        tcp: Whether to accept TCP besides UDP.
        tell: Called with events: ``invited``, ``answered``, ``heard``, ``said``, ``over``.
    """

    def __init__(
        self,
        script: PersonScript | None = None,
        *,
        port: int = 0,
        tcp: bool = True,
        tell: Tell = lambda _n, _t: None,
    ) -> None:
        self.script = script or PersonScript()
        self.port = port
        self._tcp = tcp
        self.calls: list[IncomingCall] = []
        self._tell = tell
        self._live: dict[str, _Answering] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ways: set[TcpWay] = set()
        self._datagrams: Datagrams | None = None
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Address to call."""
        return f"sip:person@127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Bind the port.

        Raises:
            OSError: The port is in use.
        """
        if self._tcp:
            self._datagrams, self._server = await open_both(self._take_datagram, self._serve, self.port)
        else:
            self._datagrams = await open_datagrams(self._take_datagram, port=self.port)
        self.port = self._datagrams.port
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up and close the port."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
        for way in list(self._ways):
            way.close()
        if self._server is not None:
            self._server.close()
        if self._datagrams is not None:
            self._datagrams.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = TcpWay(writer)
        self._ways.add(way)
        try:
            await way.read(reader, self._take)
        finally:
            self._ways.discard(way)
            writer.close()

    def _take_datagram(self, raw: bytes, sender: tuple[str, int]) -> None:
        assert self._datagrams is not None  # noqa: S101 - this method is its callback
        with contextlib.suppress(MalformedSipError):
            # Replies go to the sender, whatever its Via says.
            way = UdpWay(self._datagrams, ("127.0.0.1", self.port), sender, owned=False)
            self._take(parse(raw), way)

    def _take(self, message: SipMessage, way: SipTransport) -> None:
        call_id = message.header("call-id")
        known = self._live.get(call_id)
        if known is not None:
            known.take(message, way)
        elif message.method == "INVITE":
            self._invited(message, way)
        # An unknown call: a request gets an error, a late response or ACK is ignored.
        elif message.method not in ("", "ACK"):
            way.send(reply(message, 481, "Call/Transaction Does Not Exist"))

    def _invited(self, message: SipMessage, way: SipTransport) -> None:
        taken = IncomingCall({name.lower(): value for name, value in message.headers})
        self.calls.append(taken)
        self._tell("invited", taken)
        if self.script.behaviour == "dead":
            # Simulates a phone that is switched off.
            return
        call_id = message.header("call-id")
        answering = self._live[call_id] = _Answering(message, way, self.script, taken, self._tell)
        task = asyncio.create_task(answering.run())
        self._tasks.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._live.pop(call_id, None)

        task.add_done_callback(over)


def _loudness(code: int) -> int:
    """Return the amplitude of a µ-law sample (ITU-T G.711)."""
    # µ-law is stored inverted, without its sign here.
    plain = ~code & 0x7F
    return ((((plain & 15) << 3) + 132) << (plain >> 4)) - 132


class _Answering:
    """One incoming call."""

    def __init__(
        self, invitation: SipMessage, way: SipTransport, script: PersonScript, taken: IncomingCall, tell: Tell
    ) -> None:
        self._invitation = invitation
        self._way = way
        self._script = script
        self._taken = taken
        self._tell = tell
        self._tag = secrets.token_hex(6)
        self._packets = rtp.Packets()
        self._ended = asyncio.Event()
        self._confirmed = asyncio.Event()
        self._bye_answered = asyncio.Event()
        self._loud_at = 0.0
        self._sound: Datagrams | None = None

    def take(self, message: SipMessage, way: SipTransport) -> None:
        """Handle a further message of this call."""
        match message.method:
            case "ACK":
                self._confirmed.set()
            case "BYE":
                way.send(reply(message, 200, "OK", tag=self._tag))
                self._finish("left")
            case "CANCEL":
                way.send(reply(message, 200, "OK", tag=self._tag))
                # After the answer it is too late to cancel.
                if not self._taken.answered:
                    way.send(reply(self._invitation, 487, "Request Terminated", tag=self._tag))
                    self._finish("cancelled")
            case "":
                self._bye_answered.set()

    def _finish(self, outcome: str) -> None:
        # The first outcome counts.
        self._taken.outcome = self._taken.outcome or outcome
        self._ended.set()

    async def run(self) -> None:
        try:
            self._reply(100, "Trying")
            self._reply(180, "Ringing")
            await self._unless_ended(self._script.ring_seconds)
            # Ring first, then refuse, like a person.
            refusal = _REFUSALS.get(self._script.behaviour)
            if self._ended.is_set():
                return
            if refusal is not None:
                await self._refuse(*refusal)
            elif self._script.behaviour == "silent":
                await self._ended.wait()
            else:
                await self._talk()
        finally:
            self._taken.over.set()
            self._tell("over", self._taken)
            if self._sound is not None:
                self._sound.close()

    async def _unless_ended(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def _reply(self, status: int, reason: str, description: tuple[str, bytes] | None = None) -> None:
        tag = self._tag if status > 100 else ""  # noqa: PLR2004 - 100 Trying does not create a dialog
        self._way.send(reply(self._invitation, status, reason, tag=tag, description=description))

    async def _refuse(self, status: int, reason: str) -> None:
        self._taken.outcome = self._script.behaviour
        # Over UDP, repeat the response until its ACK arrives.
        for _ in range(4):
            self._reply(status, reason)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_REPEAT):
                    await self._confirmed.wait()
                    return

    async def _talk(self) -> None:
        self._sound = await open_datagrams(self._hear)
        try:
            to = sdp.where_to_send(self._invitation)
        except MalformedSipError:
            await self._refuse(488, "Not Acceptable Here")
            return
        host, port = self._way.local
        contact = f"<sip:person@{host}:{port};transport={self._way.transport.lower()}>"
        description = contact, sdp.describe(host, self._sound.port, secrets.randbits(31))
        self._taken.answered = True
        self._tell("answered", self._taken)
        confirming = asyncio.create_task(self._until_confirmed(description))
        speaking = asyncio.create_task(self._speak(self._sound, to))
        try:
            await self._ended.wait()
        finally:
            confirming.cancel()
            speaking.cancel()
            await asyncio.wait({confirming, speaking})
        # Only if this side hung up.
        if self._taken.outcome == "hung_up":
            await self._bye()

    async def _until_confirmed(self, description: tuple[str, bytes]) -> None:
        while not self._confirmed.is_set():
            self._reply(200, "OK", description)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_REPEAT):
                    await self._confirmed.wait()

    def _hear(self, packet: bytes, _: tuple[str, int]) -> None:
        mulaw = rtp.sound_in(packet)
        self._taken.heard += mulaw
        # Every seventh sample: with every eighth, a 1500 Hz tone would be sampled at its zero crossings.
        if any(_loudness(code) >= _COMFORT_NOISE for code in mulaw[::7]):
            self._loud_at = time.monotonic()

    async def _speak(self, sound: Datagrams, to: tuple[str, int]) -> None:
        """Send audio continuously, as phones do: silence, then the words when it is this side's turn, then silence."""
        waiting = bytearray()
        keys: deque[bytes] = deque()
        loop = asyncio.get_running_loop()
        began = due = loop.time()
        turn: float | None = None
        while not self._ended.is_set():
            if self._script.behaviour == "hangs_up" and self._taken.heard:
                self._finish("hung_up")
            if turn is None and self._is_my_turn(loop.time() - began):
                turn = loop.time()
                keys += [packet for key in self._script.presses for packet in self._packets.key(key)]
                # Some phones drop audio directly behind a key.
                waiting += _QUIET * (_AFTER_A_KEY if keys else 0) + self._script.words
                self._tell("heard", self._taken)
            if keys:
                sound.send(keys.popleft(), to)
            else:
                frame, waiting = bytes(waiting[:FRAME]), waiting[FRAME:]
                # Silence is sent too: a phone without packets looks broken.
                sound.send(self._packets.next(frame.ljust(FRAME, b"\xff") if frame else _QUIET), to)
            if turn is not None and not waiting and not self._taken.spoke.is_set():
                self._taken.spoke.set()
                self._tell("said", self._taken)
                turn = loop.time()
            if self._taken.spoke.is_set() and turn is not None and loop.time() - turn > self._script.talk_seconds:
                self._finish("hung_up")
            # Absolute times, so that a late wake-up does not slow the audio down.
            due += FRAME_SECONDS
            await asyncio.sleep(due - loop.time())

    def _is_my_turn(self, seconds: float) -> bool:
        if self._script.behaviour == "voicemail":
            return True
        quiet = time.monotonic() - self._loud_at
        return (self._loud_at > 0 and quiet > _PAUSE_SECONDS) or seconds > _MAX_WAIT_SECONDS

    async def _bye(self) -> None:
        host, port = self._way.local
        contact = self._invitation.header("contact")
        target = contact[contact.find("<") + 1 : contact.find(">")] if "<" in contact else contact
        headers = (
            ("Via", f"SIP/2.0/{self._way.transport} {host}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport"),
            ("Max-Forwards", "70"),
            # From and To change places, because this side starts the request.
            ("From", f"{self._invitation.header('to')};tag={self._tag}"),
            ("To", self._invitation.header("from")),
            ("Call-ID", self._invitation.header("call-id")),
            ("CSeq", "1 BYE"),
        )
        for _ in range(4):
            self._way.send(SipMessage(f"BYE {target} SIP/2.0", headers))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_REPEAT):
                    await self._bye_answered.wait()
                    return
