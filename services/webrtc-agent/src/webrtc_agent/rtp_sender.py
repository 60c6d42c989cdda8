"""Send the agent's packets in place of aiortc's loop.

For each packet that loop makes an object with every header extension, keeps it for retransmissions that come too late
for speech, and reads a calendar twice. Here a packet is a header, a constant extension and the payload. aiortc's sender
still reports on them.
"""

import asyncio
import secrets
import struct
import time
from collections.abc import Awaitable
from typing import Any, Final

import structlog
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import HeaderExtensionsMap, RtcpRrPacket, RtcpSrPacket, RtpPacket

from webrtc_agent.outbound import OPUS_TICKS, OutboundTrack

log = structlog.get_logger()

_HEADER: Final = struct.Struct("!BBHLL")
_MARKER: Final = 0x80
_WAIT_SECONDS: Final = 0.02
"""Between two looks for a track, which Pipecat adds once the visitor is connected."""
_NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905)."""


class RtpSender:
    """Runs the sending loop of one of aiortc's senders.

    Args:
        sender: aiortc's; its loop is replaced, for lack of a public way. It keeps its own for other codecs than Opus.
    """

    def __init__(self, sender: Any) -> None:  # noqa: ANN401 - aiortc's
        self._sender = sender
        self._run_other, sender._run_rtp = sender._run_rtp, self._begin  # noqa: SLF001 - see above
        self._read, sender._handle_rtcp_packet = sender._handle_rtcp_packet, self._note  # noqa: SLF001 - the same

    def _begin(self, codec: Any) -> Awaitable[None]:  # noqa: ANN401 - aiortc's
        if codec.mimeType.lower() != "audio/opus":
            return self._run_other(codec)  # type: ignore[no-any-return]  # aiortc has no types for it
        task = asyncio.create_task(self._run(codec.payloadType))
        task.add_done_callback(self._ended)
        self._sender._RTCRtpSender__rtp_started.set()  # noqa: SLF001 - as aiortc's loop does
        return task

    async def _run(self, payload_type: int) -> None:
        try:
            await self._send(payload_type)
        except (asyncio.CancelledError, ConnectionError, MediaStreamError):
            # The ordinary ends: aiortc's sender was stopped, or the visitor is gone.
            pass
        finally:
            self._report_end()

    def _ended(self, task: asyncio.Task[None]) -> None:
        # Also for a task that was cancelled before it began.
        self._report_end()
        if self._sender.track is not None:
            self._sender.track.stop()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("audio_not_sent", exc_info=error)

    def _report_end(self) -> None:
        # aiortc waits for it without a deadline, whatever goes wrong here; so it is reported at two places.
        self._sender._RTCRtpSender__rtp_exited.set()  # noqa: SLF001 - as aiortc's loop does

    async def _note(self, packet: Any) -> None:  # noqa: ANN401 - aiortc's
        """Pass a report of the browser on, and adapt to it."""
        await self._read(packet)
        track = self._sender.track
        if isinstance(track, OutboundTrack) and isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._sender._ssrc:  # noqa: SLF001 - there is no public access
                    track.report(report.fraction_lost)

    async def _send(self, payload_type: int) -> None:
        sender = self._sender
        track = await self._track()
        number, origin = secrets.randbelow(1 << 15), secrets.randbits(32)
        flags, extension = _extension(sender)
        packets = octets = 0
        while True:  # until aiortc cancels it, or the track stops
            frame, payload = await track.next_payload()
            if not sender._enabled:  # noqa: SLF001 - the client receives nothing for now
                continue
            timestamp = (origin + frame * OPUS_TICKS) % (1 << 32)
            header = _HEADER.pack(flags, payload_type | _MARKER, number, timestamp, sender._ssrc)  # noqa: SLF001
            await sender.transport._send_rtp(header + extension + payload)  # noqa: SLF001 - there is no public access
            number = (number + 1) % (1 << 16)
            packets, octets = packets + 1, octets + len(payload)
            # For the sender's reports.
            sender._RTCRtpSender__ntp_timestamp = int((time.time() + _NTP_EPOCH) * (1 << 32))  # noqa: SLF001
            sender._RTCRtpSender__rtp_timestamp = timestamp  # noqa: SLF001
            sender._RTCRtpSender__octet_count = octets  # noqa: SLF001
            sender._RTCRtpSender__packet_count = packets  # noqa: SLF001

    async def _track(self) -> OutboundTrack:
        # Bounded by the sender, which cancels this loop.
        while not isinstance(self._sender.track, OutboundTrack):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(_WAIT_SECONDS)
        return self._sender.track


def _extension(sender: Any) -> tuple[int, bytes]:  # noqa: ANN401 - aiortc's
    """Return the first byte of each packet, and the header extension with the medium's name (RFC 9143)."""
    known: HeaderExtensionsMap = sender._RTCRtpSender__rtp_header_extensions_map  # noqa: SLF001 - no public access
    packet = RtpPacket()
    packet.extensions.mid = sender._RTCRtpSender__mid  # noqa: SLF001 - the same
    data = packet.serialize(known)
    return data[0], data[_HEADER.size :]
