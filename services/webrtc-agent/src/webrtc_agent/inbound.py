"""Decode a visitor's audio where it arrives.

aiortc decodes in one thread per visitor, and passes every 20 ms from the event loop to the thread and back. With eight
visitors it was the switching, not the decoding, that overloaded a process. Its jitter buffer delays what follows a lost
packet, see `reorder_buffer`.
"""

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import structlog
from aiortc.codecs import get_decoder
from aiortc.rtcrtpreceiver import StreamStatistics
from av import AudioFrame, AudioResampler

from webrtc_agent.opus import OpusError, OpusToPcm
from webrtc_agent.reorder_buffer import ReorderBuffer

log = structlog.get_logger()

_OPUS_RATE = 48_000
"""RTP's clock for Opus, in Hz (RFC 7587)."""
_OPUS_CLOCK = _OPUS_RATE // 1000
_CLOCK_RANGE = 1 << 32
_MOST_CONCEALED = 120
"""Milliseconds: a longer gap is silence that the browser did not send, or an interrupted network."""

type Hear = Callable[[bytes], None]


class InboundAudio:
    """Receives a visitor's packets in place of a receiver's jitter buffer and thread.

    Args:
        receiver: aiortc's; its handler and its queue are replaced, for lack of a public way. The thread that it starts
            waits until the end.
        rate: Hz of the decoded audio.
        hear: Receives the audio, 16-bit mono PCM, on the event loop.
    """

    def __init__(self, receiver: Any, rate: int, hear: Hear) -> None:  # noqa: ANN401 - aiortc's
        self._receiver = receiver
        self._rate = rate
        self._hear = hear
        self._end: SimpleQueue[None] = SimpleQueue()
        self.get = self._end.get
        """Keeps the receiver's thread waiting; aiortc calls it there."""
        self._source: int | None = None
        self._order: ReorderBuffer[Any] = ReorderBuffer()
        self._opus: OpusToPcm | None = None
        self._expected: int | None = None
        self._others = _Others(rate)
        self._failed = False
        receiver._RTCRtpReceiver__decoder_queue = self  # noqa: SLF001 - see above
        self._pass_on, receiver._handle_rtp_packet = receiver._handle_rtp_packet, self._handle  # noqa: SLF001

    def is_opus(self, payload_type: int) -> bool:
        """Return whether packets of this type are Opus."""
        codec = self._receiver._RTCRtpReceiver__codecs.get(payload_type)  # noqa: SLF001 - there is no public access
        return codec is not None and codec.mimeType.lower() == "audio/opus"

    def take(self, packet: Any) -> None:  # noqa: ANN401 - anything with the fields of aiortc's packet
        """Process one packet of Opus, which may be out of order; never raises."""
        if not self._receiver._enabled:  # noqa: SLF001 - there is no public access
            return
        self._count(packet)
        # A client that changes its microphone may start another source, with numbers of its own.
        if packet.ssrc != self._source:
            self._source, self._order, self._expected = packet.ssrc, ReorderBuffer(), None
        for each in self._order.add(packet.sequence_number, packet):
            self._guard(self._decode, each.timestamp, each.payload)

    def put(self, item: tuple[Any, Any] | None) -> None:
        """Process one packet of another codec, or None at the end; aiortc calls it on the event loop."""
        if item is None:
            self._end.put(None)
            return
        self._guard(self._decode_other, *item)

    async def _handle(self, packet: Any, arrival_time_ms: int) -> None:  # noqa: ANN401 - aiortc's
        """Take a packet from aiortc's router."""
        if self.is_opus(packet.payload_type):
            self.take(packet)
        else:
            await self._pass_on(packet, arrival_time_ms=arrival_time_ms)

    def _count(self, packet: Any) -> None:  # noqa: ANN401 - aiortc's
        """Count a packet for the reports that aiortc sends to the browser."""
        streams = self._receiver._RTCRtpReceiver__remote_streams  # noqa: SLF001 - there is no public access
        if packet.ssrc not in streams:
            streams[packet.ssrc] = StreamStatistics(_OPUS_RATE)
        streams[packet.ssrc].add(packet)

    def _guard(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except (OpusError, ValueError):
            log.debug("audio_not_decoded")
        except Exception:
            # An exception here would end the whole connection.
            if not self._failed:
                log.exception("audio_failed")
            self._failed = True

    def _decode_other(self, codec: Any, encoded: Any) -> None:  # noqa: ANN401 - aiortc's
        self._hear(self._others.decode(codec, encoded))

    def _decode(self, timestamp: int, payload: bytes) -> None:
        # Created with the first packet: a client without Opus never needs it.
        if self._opus is None:
            self._opus = OpusToPcm(self._rate)
        missing = 0 if self._expected is None else (timestamp - self._expected) % _CLOCK_RANGE // _OPUS_CLOCK
        # `conceal` accepts multiples of 10 ms only; another gap is not a lost frame.
        if 0 < missing <= _MOST_CONCEALED and missing % 10 == 0:
            self._hear(self._opus.conceal(missing))
        pcm = self._opus.decode(payload) if payload else b""  # libopus would make up the longest packet instead
        self._expected = timestamp + len(pcm) // 2 * _OPUS_RATE // self._rate
        self._hear(pcm)


class _Others:
    """Decodes the telephone codecs, for clients without Opus."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._decoder: Any = None
        self._resampler = AudioResampler("s16", "mono", rate)

    def decode(self, codec: Any, encoded: Any) -> bytes:  # noqa: ANN401 - aiortc's
        """Decode one packet to 16-bit mono PCM."""
        if self._decoder is None:
            self._decoder = get_decoder(codec)
        return b"".join(self._pcm(frame) for frame in self._decoder.decode(encoded))

    def _pcm(self, frame: AudioFrame) -> bytes:
        parts = self._resampler.resample(frame)
        return b"".join(bytes(part.planes[0])[: part.samples * 2] for part in parts)
