"""Audio packets between the socket and the codec. aiortc's RTP and libsrtp's encryption are the other end."""

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any, cast

import pylibsrtp
import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpParameters,
    RTCRtpSendParameters,
)
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtp import HeaderExtensionsMap, RtcpReceiverInfo, RtcpRrPacket, RtpPacket

from tests.support.waiting import until
from webrtc_agent.outbound import OutboundTrack
from webrtc_agent.reorder_buffer import PATIENCE, ReorderBuffer
from webrtc_agent.rtp_sender import RtpSender
from webrtc_agent.rtp_shortcut import AudioPacket, RtpShortcut, parse

KEY = bytes(range(30))
OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=96)
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


def order(*numbers: int) -> list[int]:
    """Return in which order packets leave that arrive in this order."""
    buffer: ReorderBuffer[int] = ReorderBuffer()
    return [due for number in numbers for due in buffer.add(number, number)]


def test_packets_in_order_pass_at_once() -> None:
    """Nothing is held back, also where the numbers begin anew."""
    buffer: ReorderBuffer[int] = ReorderBuffer()
    for number in (65_534, 65_535, 0, 1):
        assert buffer.add(number, number) == [number]


def test_swapped_packets_are_put_in_order() -> None:
    """A packet that was overtaken by two others leaves before them."""
    assert order(1, 2, 4, 5, 3, 6) == [1, 2, 3, 4, 5, 6]
    assert order(65_534, 0, 65_535, 1) == [65_534, 65_535, 0, 1]


def test_what_follows_a_lost_packet_is_soon_in_time_again() -> None:
    """A lost packet holds up the next ones until three are there; from then on nothing is late."""
    buffer: ReorderBuffer[int] = ReorderBuffer()
    buffer.add(1, 1)
    left = [buffer.add(number, number) for number in range(3, 20)]
    assert left[: PATIENCE - 1] == [[]] * (PATIENCE - 1)
    assert left[PATIENCE - 1] == [3, 4, 5]
    assert left[PATIENCE:] == [[number] for number in range(6, 20)]


def test_late_and_repeated_packets_are_left_out() -> None:
    """A packet whose turn has passed, or that is there already, would be heard out of order or twice."""
    assert order(1, 3, 3, 4, 5, 2, 3, 6) == [1, 3, 4, 5, 6]


def test_a_sender_that_starts_anew_is_followed() -> None:
    """Numbers far behind are those of a client that began again, and not late packets."""
    assert order(20_000, 20_001, 500, 501, 502) == [20_000, 20_001, 500, 501, 502]


def test_a_long_gap_is_given_up() -> None:
    """After an interruption of the network what arrives is heard within the same three packets."""
    assert order(1, 2, 5000, 5001, 5002, 5003) == [1, 2, 5000, 5001, 5002, 5003]


def packet_of(**fields: int) -> RtpPacket:
    """Return a packet as aiortc makes it."""
    values: Any = {"payload_type": 96, "sequence_number": 7, "timestamp": 960, "ssrc": 5} | fields
    return RtpPacket(payload=b"opus", **values)


def extensions() -> HeaderExtensionsMap:
    """Return the header extensions that a browser negotiates."""
    known = HeaderExtensionsMap()
    known.configure(RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(id=1, uri=MID)]))
    return known


@pytest.mark.parametrize("padding", [0, 4])
@pytest.mark.parametrize("sources", [[], [1, 2]])
@pytest.mark.parametrize("mid", [None, "0"])
def test_every_header_that_aiortc_writes_is_read(padding: int, sources: list[int], mid: str | None) -> None:
    """Padding, contributing sources and header extensions are not taken for audio."""
    packet = packet_of()
    packet.padding_size, packet.csrc, packet.extensions.mid = padding, sources, mid
    assert parse(packet.serialize(extensions())) == AudioPacket(96, 7, 960, 5, b"opus")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        bytes([0x80]) + bytes(10),
        bytes([0x8F]) + bytes(11),
        bytes([0x90]) + bytes(13),
        bytes([0x90]) + bytes(13) + bytes([0, 9]),
        bytes([0xA0]) + bytes(12),
        bytes([0xA0]) + bytes(11) + bytes([200]),
    ],
)
def test_what_is_no_rtp_is_an_error(data: bytes) -> None:
    """A header that promises more than the packet has is refused, as aiortc refuses it."""
    with pytest.raises(ValueError, match=r"."):
        parse(data)
    with pytest.raises(ValueError, match=r"."):
        RtpPacket.parse(data)


class Socket:
    """A shortcut behind a socket, with aiortc's router and libsrtp's encryption."""

    def __init__(self) -> None:
        policy = {"key": KEY, "srtp_profile": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80}
        self.browser = pylibsrtp.Session(pylibsrtp.Policy(ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND, **policy))
        self.router = cast("Any", RtpRouter())
        self.router.register_receiver(object(), ssrcs=[], payload_types=[96, 0])
        session = pylibsrtp.Session(pylibsrtp.Policy(ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND, **policy))
        self.transport = SimpleNamespace(_rx_srtp=session, _rtp_router=self.router)
        self.taken: list[AudioPacket] = []
        self.shortcut = RtpShortcut(self.transport, lambda kind: kind == 96, self.taken.append)

    def sealed(self, **fields: int) -> bytes:
        """Return an encrypted packet of the browser."""
        return self.browser.protect(packet_of(**fields).serialize())


def test_audio_is_taken_from_the_socket() -> None:
    """An encrypted packet of Opus arrives decrypted and parsed, and aioice does not see it."""
    socket = Socket()
    assert socket.shortcut.accept(socket.sealed())
    assert socket.taken == [AudioPacket(96, 7, 960, 5, b"opus")]


def test_forged_and_repeated_audio_is_dropped() -> None:
    """Nothing is heard that the browser's key has not sealed, or that was heard before."""
    socket = Socket()
    sealed = socket.sealed()
    forged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    assert socket.shortcut.accept(forged)
    assert socket.taken == []
    assert socket.shortcut.accept(sealed)
    assert socket.shortcut.accept(sealed)
    assert len(socket.taken) == 1


def test_the_router_decides_what_is_heard() -> None:
    """The limits on sources and pace are in the router, which this path passes too."""
    socket = Socket()
    socket.router.route_rtp = lambda _: None
    assert socket.shortcut.accept(socket.sealed())
    assert socket.taken == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01" + bytes(18),
        bytes([22]) + bytes(40),
        bytes([0x80, 200]) + bytes(40),
        bytes([0x80, 201]) + bytes(9),
    ],
)
def test_everything_else_is_left_to_aiortc(data: bytes) -> None:
    """STUN, DTLS and reports are not touched."""
    socket = Socket()
    assert not socket.shortcut.accept(data)


def test_other_codecs_and_early_packets_are_left_to_aiortc() -> None:
    """A telephone codec is decoded by aiortc, and before the handshake there is no key."""
    socket = Socket()
    assert not socket.shortcut.accept(socket.sealed(payload_type=0))
    early = socket.sealed(sequence_number=8)
    socket.transport._rx_srtp = None
    assert not socket.shortcut.accept(early)


class Wire:
    """aiortc's sender over a transport that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.state = "connected"
        self._stats_id = "wire"
        self.sender: Any = RTCRtpSender("audio", cast("RTCDtlsTransport", self))

    async def _send_rtp(self, data: bytes) -> None:
        self.sent.append(data)
        await asyncio.sleep(0)  # as a transport that is busy, so that the test continues too

    def _register_rtp_sender(self, sender: object, parameters: object) -> None:
        """Do nothing: nothing is received here."""

    def _unregister_rtp_sender(self, sender: object) -> None:
        """Do nothing."""

    def audio(self) -> list[RtpPacket]:
        """Return the packets of audio, as aiortc reads them."""
        return [RtpPacket.parse(data, extensions()) for data in self.sent if data[1] & 0x7F == 96]


async def test_reports_of_the_browser_reach_the_track() -> None:
    """Receiver and sender reports about our source count, and those about another one do not."""
    wire = Wire()
    RtpSender(wire.sender)
    track = OutboundTrack(24_000, itertools.count(100.0, 0.02).__next__)
    wire.sender.replaceTrack(track)
    seen: list[int] = []
    track.report = seen.append  # type: ignore[method-assign, assignment]
    for ssrc, lost in ((wire.sender._ssrc, 0), (wire.sender._ssrc + 1, 3), (wire.sender._ssrc, 7)):
        report = RtcpReceiverInfo(
            ssrc=ssrc, fraction_lost=lost, packets_lost=0, highest_sequence=1, jitter=0, lsr=1, dlsr=0
        )
        await wire.sender._handle_rtcp_packet(RtcpRrPacket(ssrc=1, reports=[report]))
    assert seen == [0, 7]


async def test_aiortc_reads_what_is_sent() -> None:
    """Each packet has the next number, the time of its audio, one source, and the medium's name."""
    wire = Wire()
    RtpSender(wire.sender)
    # Each look at the clock is a packet later, so that none waits.
    track = OutboundTrack(24_000, itertools.count(100.0, 0.02).__next__)
    wire.sender.replaceTrack(track)
    parameters = RTCRtpSendParameters(
        codecs=[OPUS], headerExtensions=[RTCRtpHeaderExtensionParameters(id=1, uri=MID)], muxId="0"
    )
    parameters.rtcp.cname = "test"
    await wire.sender.send(parameters)
    async with asyncio.timeout(10):
        await until(lambda: len(wire.audio()) >= 5, 10)
        await wire.sender.stop()
    packets = wire.audio()
    steps = {(after.sequence_number - before.sequence_number) % 65_536 for before, after in itertools.pairwise(packets)}
    times = {(after.timestamp - before.timestamp) % 2**32 for before, after in itertools.pairwise(packets)}
    assert (steps, times) == ({1}, {960})
    assert {packet.ssrc for packet in packets} == {wire.sender._ssrc}
    assert {packet.extensions.mid for packet in packets} == {"0"}
    assert all(packet.payload for packet in packets)
    assert track.readyState == "ended"
