"""Pipecat's peer-to-peer connection, for sound and messages only, and with one kind of error."""

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import Any

from aiortc import RTCIceCandidate
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection

from webrtc_agent.audio_packets import ReportDoor, RtpLimiter
from webrtc_agent.candidates import CandidateAddress, Candidates, MalformedCandidate
from webrtc_agent.channel import DataChannelLimiter
from webrtc_agent.datagrams import DatagramDoor
from webrtc_agent.errors import MalformedOffer
from webrtc_agent.inbound import Hear, InboundAudio
from webrtc_agent.offer import check_offer
from webrtc_agent.outbound import OutboundTrack
from webrtc_agent.rates import INPUT_RATE, OUTPUT_RATE
from webrtc_agent.request_schemas import Candidate, OfferRequest

ANSWER_SECONDS = 5.0
"""Longest time to make an answer; without a STUN server of our own it takes milliseconds."""
CONNECT_SECONDS = 15
"""Longest time from the answer to connected sound; a network that lets it through does so within two."""
LOOKUP_SECONDS = 1.0
"""Until names of mDNS, all looked up at once, are given up. A client in the same network answers in milliseconds."""
CLOSE_SECONDS = 2.0
QUIET_SECONDS = 7.5
"""Longest time between two datagrams of a browser: it checks its way every six seconds at least (RFC 7675)."""
MAX_PENDING = 20
"""Messages that are kept until the pipeline takes some: as many as anybody may send at once."""


class AudioOnlyConnection(SmallWebRTCConnection):
    """Takes no pictures: aiortc would decode whatever camera or screen a client chose to send, and keep it."""

    def __init__(self, connection_timeout_secs: int) -> None:
        super().__init__(connection_timeout_secs=connection_timeout_secs)
        self._closing: tuple[object, asyncio.Future[None]] | None = None
        self._lookups: set[asyncio.Task[None]] = set()
        self.candidates = Candidates()
        self.hear: Hear = _forget
        """Takes the visitor's sound, 16-bit mono PCM at ``INPUT_RATE``."""

    def _initialize(self) -> None:
        super()._initialize()  # type: ignore[no-untyped-call]
        # Whoever sends no pings is taken for lost, and what they write would be kept for as long as they are heard.
        self._pending_app_messages: deque[Any] = deque(maxlen=MAX_PENDING)  # type: ignore[assignment]
        self._channel_door: DataChannelLimiter | None = None
        self._doors: tuple[object, ...] = ()
        self._inbound: InboundAudio | None = None
        self._outbound: Any = None

    async def _create_answer(self, sdp: str, kind: str) -> None:
        await super()._create_answer(sdp, kind)
        if self.pc.sctp is not None and self._channel_door is None:
            self._channel_door = DataChannelLimiter(self.pc.sctp, time.monotonic)
        if not self._doors:
            # Sound is the first medium; there is no public way to what its packets pass.
            transport: Any = self.pc.getTransceivers()[0].receiver.transport
            self._doors = (
                RtpLimiter(transport._rtp_router, time.monotonic),  # noqa: SLF001 - see above
                ReportDoor(transport, time.monotonic),
                *(DatagramDoor(each, time.monotonic) for each in transport.transport._connection._protocols),  # noqa: SLF001
            )

    def is_connected(self) -> bool:
        """Tell whether the visitor is still heard of: by pings, or by anything where no ping has come yet.

        Pipecat would believe a connection without pings until WebRTC gives it up, after half a minute.
        """
        heard_at = [door.heard_at for door in self._doors if isinstance(door, DatagramDoor)]
        if self._last_received_time is None and heard_at and time.monotonic() - max(heard_at) >= QUIET_SECONDS:
            return False
        return bool(super().is_connected())

    async def _close(self) -> None:
        """Close whole, whoever gives up waiting for it.

        Pipecat closes a connection that takes too long, and is cancelled by that. What aiortc has begun to close it
        never closes again, so sockets and tasks would stay.
        """
        for lookup in self._lookups:
            lookup.cancel()
        if self._outbound is not None:
            self._outbound.stop()  # which lets go of what waits for its sound to be sent
        if self._closing is None or self._closing[0] is not self._pc:
            closing = asyncio.ensure_future(super()._close())  # type: ignore[no-untyped-call]
            self._closing = self._pc, closing
        await asyncio.shield(self._closing[1])

    async def attempt(self, addresses: list[CandidateAddress]) -> None:
        """Try addresses of the client; those that are names are looked up meanwhile, and nothing waits for them."""
        for address in addresses:
            if not address.is_name:
                await self.add_ice_candidate(_candidate(address))  # type: ignore[no-untyped-call]
        names = [address for address in addresses if address.is_name]
        if names:
            lookup = asyncio.create_task(self._look_up(names), name=f"lookup-{self.pc_id}")
            self._lookups.add(lookup)
            lookup.add_done_callback(self._lookups.discard)

    async def _look_up(self, names: list[CandidateAddress]) -> None:
        """Look up names all at once. One without an answer is forgotten: the client may find us by itself."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOKUP_SECONDS):
                added = (self.add_ice_candidate(_candidate(name)) for name in names)  # type: ignore[no-untyped-call]
                await asyncio.gather(*added, return_exceptions=True)  # the port of mDNS may not be had here

    def send_app_message(self, message: Any) -> None:  # noqa: ANN401 - JSON
        """Send a message, or none where the client has said that it takes none so long.

        Pipecat would tell the client of that error, in a message that is too long as well, and so on without end.
        """
        with suppress(ValueError):
            super().send_app_message(message)

    def force_transceivers_to_send_recv(self) -> None:
        """Send and receive on the first medium, which is sound by Pipecat's convention; decline all others."""
        for number, transceiver in enumerate(self.pc.getTransceivers()):
            is_sound = number == 0 and transceiver.kind == "audio"
            transceiver.direction = "sendrecv" if is_sound else "inactive"
            if is_sound and self._inbound is None:
                _hear_soon(transceiver.receiver)
                self._inbound = InboundAudio(transceiver.receiver, INPUT_RATE, self._heard)

    def _heard(self, pcm: bytes) -> None:
        self.hear(pcm)

    def replace_audio_track(self, track: Any) -> None:  # noqa: ANN401 - Pipecat's
        """Send from a track of our own, the same one for as long as the connection lasts.

        Pipecat makes another whenever the connection has come back, whose time begins anew; it serves clients that do
        not know Opus.
        """
        if self._outbound is None:
            self._outbound = OutboundTrack(OUTPUT_RATE) if self._is_opus() else track
            super().replace_audio_track(self._outbound)  # type: ignore[no-untyped-call]

    def _is_opus(self) -> bool:
        transceiver: Any = self.pc.getTransceivers()[0]
        codecs = transceiver._codecs  # noqa: SLF001 - there is no public way to what was agreed on
        return bool(codecs) and codecs[0].mimeType.lower() == "audio/opus"

    async def play(self, pcm: bytes) -> bool:
        """Send sound, 16-bit mono PCM at ``OUTPUT_RATE``; returns when the last of it is on its way.

        Returns:
            False if there is no connection that could carry it.
        """
        if self._outbound is None or not self.is_connected():
            return False
        await self._outbound.add_audio_bytes(pcm)
        return True

    def audio_input_track(self) -> None:
        """There is none: Pipecat's would switch the receiver off, because nothing reads from it."""

    def video_input_track(self) -> None:
        """There is none."""

    def screen_video_input_track(self) -> None:
        """There is none."""


def _forget(_pcm: bytes) -> None:
    """Take sound that came before there is a conversation."""


def _hear_soon(receiver: object) -> None:
    """Pass sound on when the next packet is there.

    aiortc 1.16 holds back four packets, 80 ms of every turn, to smooth what a person hears. A model is in no hurry
    between packets, and the buffer waits for one that comes out of order either way. There is no public way to say so.
    """
    buffer: Any = getattr(receiver, "_RTCRtpReceiver__jitter_buffer", None)
    if buffer is not None and hasattr(buffer, "_prefetch"):
        buffer._prefetch = 1  # noqa: SLF001 - see above


async def answer(offer: OfferRequest) -> AudioOnlyConnection:
    """Make a connection that has answered an offer.

    Raises:
        MalformedOffer: it cannot be answered; nothing of it is left.
    """
    connection = AudioOnlyConnection(connection_timeout_secs=CONNECT_SECONDS)
    try:
        await _negotiate(connection, offer, again=False)
    except BaseException:
        await close(connection)
        raise
    return connection


async def answer_again(connection: AudioOnlyConnection, offer: OfferRequest) -> None:
    """Answer another offer of the same client.

    Raises:
        MalformedOffer: it cannot be answered.
    """
    await _negotiate(connection, offer, again=True)


async def _negotiate(connection: AudioOnlyConnection, offer: OfferRequest, *, again: bool) -> None:
    anew = not again or bool(offer.restart_pc)
    candidates = Candidates() if anew else connection.candidates
    sdp, names = candidates.of_offer(offer.sdp)
    check_offer(sdp)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            if again:
                await connection.renegotiate(sdp, offer.type, bool(offer.restart_pc))
            else:
                await connection.initialize(sdp, offer.type)
    except Exception as error:  # noqa: BLE001 - aiortc's parser raises whatever its first stumble was
        raise MalformedOffer(type(error).__name__) from None
    connection.candidates = candidates
    await connection.attempt(names)


async def add(connection: AudioOnlyConnection, candidates: list[Candidate]) -> None:
    """Try further ICE candidates of the client, as far as they can work.

    Raises:
        MalformedOffer: one of them is no candidate.
    """
    try:
        await connection.attempt(connection.candidates.further(candidates))
    except MalformedCandidate:
        raise MalformedOffer("candidate") from None


def _candidate(address: CandidateAddress) -> RTCIceCandidate:
    return RTCIceCandidate(
        component=1,
        foundation=address.foundation,
        ip=address.host,
        port=address.port,
        priority=address.priority,
        protocol="udp",
        type=address.kind,
        sdpMid=address.mid,
        sdpMLineIndex=address.medium,
    )


async def close(connection: AudioOnlyConnection) -> None:
    """Close; Pipecat itself leaves a connection open that it takes for lost. Bounded, may be repeated."""
    # AttributeError: aiortc stumbles over media that had no transport yet when an offer broke off, and so no socket.
    with suppress(TimeoutError, ConnectionError, AttributeError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.disconnect()  # type: ignore[no-untyped-call]
