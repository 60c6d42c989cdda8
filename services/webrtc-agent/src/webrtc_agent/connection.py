"""Adapt Pipecat's peer-to-peer connection: audio and messages only, and one kind of error."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
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
from webrtc_agent.rtp_sender import RtpSender
from webrtc_agent.rtp_shortcut import RtpShortcut

ANSWER_SECONDS = 5.0
"""Longest time to make an answer; without a STUN server of our own it takes milliseconds."""
CONNECT_SECONDS = 15
"""Longest time from the answer to connected audio; a permissive network needs less than two."""
LOOKUP_SECONDS = 1.0
"""Deadline for resolving mDNS names, all in parallel. A client in the same network responds in milliseconds."""
CLOSE_SECONDS = 2.0
QUIET_SECONDS = 7.5
"""Longest time between two datagrams of a browser: it checks its path at least every six seconds (RFC 7675)."""
MAX_PENDING = 20
"""Most messages kept until the pipeline accepts them: as many as a client may send at once."""


class AudioOnlyConnection(SmallWebRTCConnection):
    """Accepts no video: aiortc would decode any camera or screen that a client sends, and keep it."""

    def __init__(self, connection_timeout_secs: int) -> None:
        super().__init__(connection_timeout_secs=connection_timeout_secs)
        self._closing: tuple[object, asyncio.Future[None]] | None = None
        self._lookups: set[asyncio.Task[None]] = set()
        self.candidates = Candidates()
        self.hear: Hear = _forget
        """Receives the visitor's audio, 16-bit mono PCM at ``INPUT_RATE``."""

    def _initialize(self) -> None:
        super()._initialize()  # type: ignore[no-untyped-call]
        # Pipecat takes a client without pings for lost, and would keep its messages for as long as audio arrives.
        self._pending_app_messages: deque[Any] = deque(maxlen=MAX_PENDING)  # type: ignore[assignment]
        self._channel_door: DataChannelLimiter | None = None
        self._doors: tuple[object, ...] = ()
        self._inbound: InboundAudio | None = None
        self._outbound: Any = None

    async def _create_answer(self, sdp: str, kind: str) -> None:
        await super()._create_answer(sdp, kind)
        # Installed once: a renegotiation keeps the transports.
        if self.pc.sctp is not None and self._channel_door is None:
            self._channel_door = DataChannelLimiter(self.pc.sctp, time.monotonic)
        if not self._doors:
            # Audio is the first medium; there is no public access to the path of its packets.
            transport: Any = self.pc.getTransceivers()[0].receiver.transport
            shortcut = _shortcut(transport, self._inbound)
            self._doors = (
                RtpLimiter(transport._rtp_router, time.monotonic),  # noqa: SLF001 - see above
                ReportDoor(transport, time.monotonic),
                *(DatagramDoor(each, time.monotonic, shortcut) for each in transport.transport._connection._protocols),  # noqa: SLF001
            )

    def is_connected(self) -> bool:
        """Return whether the visitor is alive: judged by pings, or by any datagram if no ping has arrived yet.

        Pipecat would trust a connection without pings until WebRTC gives it up, after half a minute.
        """
        heard_at = [door.heard_at for door in self._doors if isinstance(door, DatagramDoor)]
        if self._last_received_time is None and heard_at and time.monotonic() - max(heard_at) >= QUIET_SECONDS:
            return False
        return bool(super().is_connected())

    async def _close(self) -> None:
        """Close completely, even if the waiting task is cancelled.

        Pipecat closes a connection that takes too long, and is cancelled by that. aiortc never resumes a close that it
        has started, so sockets and tasks would remain.
        """
        for lookup in self._lookups:
            lookup.cancel()
        if self._outbound is not None:
            self._outbound.stop()  # releases the tasks that wait for their audio to be sent
        if self._closing is None or self._closing[0] is not self._pc:
            closing = asyncio.ensure_future(super()._close())  # type: ignore[no-untyped-call]
            self._closing = self._pc, closing
        await asyncio.shield(self._closing[1])

    async def attempt(self, addresses: list[CandidateAddress]) -> None:
        """Try addresses of the client; names are resolved in the background."""
        for address in addresses:
            if not address.is_name:
                await self.add_ice_candidate(_candidate(address))  # type: ignore[no-untyped-call]
        # In the background: an mDNS lookup must not delay the addresses that are known.
        names = [address for address in addresses if address.is_name]
        if names:
            lookup = asyncio.create_task(self._look_up(names), name=f"lookup-{self.pc_id}")
            self._lookups.add(lookup)
            lookup.add_done_callback(self._lookups.discard)

    async def _look_up(self, names: list[CandidateAddress]) -> None:
        """Resolve names in parallel. One without an answer is dropped: the client may still reach us on its own."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOKUP_SECONDS):
                added = (self.add_ice_candidate(_candidate(name)) for name in names)  # type: ignore[no-untyped-call]
                await asyncio.gather(*added, return_exceptions=True)  # the mDNS port may be unavailable here

    def send_app_message(self, message: Any) -> None:  # noqa: ANN401 - JSON
        """Send a message, unless it is longer than the client accepts.

        Pipecat would report that error to the client, in a message that is too long as well, and so on endlessly.
        """
        with suppress(ValueError):
            super().send_app_message(message)

    def force_transceivers_to_send_recv(self) -> None:
        """Send and receive on the first medium, which is audio by Pipecat's convention; decline all others."""
        for number, transceiver in enumerate(self.pc.getTransceivers()):
            # Declined media keep their place in the answer, as SDP requires.
            is_sound = number == 0 and transceiver.kind == "audio"
            transceiver.direction = "sendrecv" if is_sound else "inactive"
            if is_sound and self._inbound is None:
                _hear_soon(transceiver.receiver)
                self._inbound = InboundAudio(transceiver.receiver, INPUT_RATE, self._heard)
                RtpSender(transceiver.sender)

    def _heard(self, pcm: bytes) -> None:
        self.hear(pcm)

    def replace_audio_track(self, track: Any) -> None:  # noqa: ANN401 - Pipecat's
        """Send from a track of our own, the same one for the connection's lifetime.

        Pipecat creates another after each reconnection, whose timestamps restart; its track serves clients without
        Opus.
        """
        if self._outbound is None:
            self._outbound = OutboundTrack(OUTPUT_RATE) if self._is_opus() else track
            super().replace_audio_track(self._outbound)  # type: ignore[no-untyped-call]

    def _is_opus(self) -> bool:
        transceiver: Any = self.pc.getTransceivers()[0]
        codecs = transceiver._codecs  # noqa: SLF001 - there is no public access to the negotiated codec
        return bool(codecs) and codecs[0].mimeType.lower() == "audio/opus"

    async def play(self, pcm: bytes) -> bool:
        """Send audio, 16-bit mono PCM at ``OUTPUT_RATE``; return when the last of it is on its way.

        Returns:
            False if no connection could carry it.
        """
        if self._outbound is None or not self.is_connected():
            return False
        await self._outbound.add_audio_bytes(pcm)
        return True

    def silence(self) -> None:
        """Drop audio that has not been sent."""
        if isinstance(self._outbound, OutboundTrack):
            self._outbound.clear()

    def audio_input_track(self) -> None:
        """Return None: Pipecat's track would disable the receiver, because nothing reads from it."""

    def video_input_track(self) -> None:
        """Return None."""

    def screen_video_input_track(self) -> None:
        """Return None."""


def _forget(_pcm: bytes) -> None:
    """Drop audio that arrives before there is a conversation."""


def _shortcut(transport: object, inbound: InboundAudio | None) -> Callable[[bytes], bool]:
    """Return what takes the visitor's packets of audio from the socket; nothing does without audio."""
    return (lambda _: False) if inbound is None else RtpShortcut(transport, inbound.is_opus, inbound.take).accept


def _hear_soon(receiver: object) -> None:
    """Pass audio of the telephone codecs on as soon as the next packet has arrived.

    aiortc 1.16 holds back four packets, 80 ms of every turn, for smooth playback to people. A model does not need that,
    and the buffer reorders packets in any case. There is no public setting.
    """
    buffer: Any = getattr(receiver, "_RTCRtpReceiver__jitter_buffer", None)
    if buffer is not None and hasattr(buffer, "_prefetch"):
        buffer._prefetch = 1  # noqa: SLF001 - see above


async def answer(offer: OfferRequest) -> AudioOnlyConnection:
    """Return a connection that has answered an offer.

    Raises:
        MalformedOffer: it cannot be answered; everything has been released.
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
    except Exception as error:  # noqa: BLE001 - aiortc's parser raises many different exceptions
        raise MalformedOffer(type(error).__name__) from None
    connection.candidates = candidates
    await connection.attempt(names)


async def add(connection: AudioOnlyConnection, candidates: list[Candidate]) -> None:
    """Try further ICE candidates of the client, as far as they are usable.

    Raises:
        MalformedOffer: one of them is invalid.
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
    """Close; Pipecat leaves a connection open that it takes for lost. Bounded, idempotent."""
    # AttributeError: aiortc fails on media that had no transport, and so no socket, when an offer was aborted.
    with suppress(TimeoutError, ConnectionError, AttributeError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.disconnect()  # type: ignore[no-untyped-call]
