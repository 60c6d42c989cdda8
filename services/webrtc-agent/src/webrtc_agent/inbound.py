"""Decode a visitor's audio where it arrives.

aiortc decodes in one thread per visitor, and passes every 20 ms from the event loop to the thread and back. With eight
visitors it was the switching, not the decoding, that overloaded a process.
"""

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import structlog
from aiortc.codecs import get_decoder
from av import AudioFrame, AudioResampler

from webrtc_agent.opus import OpusError, OpusToPcm

log = structlog.get_logger()

_OPUS_CLOCK = 48
"""Ticks of RTP's clock per millisecond (RFC 7587)."""
_MOST_CONCEALED = 120
"""Milliseconds: a longer gap is silence that the browser did not send, or an interrupted network."""

type Hear = Callable[[bytes], None]


class InboundAudio:
    """Receives a visitor's packets in place of a receiver's thread.

    Args:
        receiver: aiortc's; its queue is replaced, for lack of a public way. The thread that it starts waits until the
            end.
        rate: Hz of the decoded audio.
        hear: Receives the audio, 16-bit mono PCM, on the event loop.
    """

    def __init__(self, receiver: Any, rate: int, hear: Hear) -> None:  # noqa: ANN401 - aiortc's
        self._rate = rate
        self._hear = hear
        self._end: SimpleQueue[None] = SimpleQueue()
        self.get = self._end.get
        """Keeps the receiver's thread waiting; aiortc calls it there."""
        self._opus: OpusToPcm | None = None
        self._expected: int | None = None
        self._others = _Others(rate)
        self._failed = False
        receiver._RTCRtpReceiver__decoder_queue = self  # noqa: SLF001 - see above

    def put(self, item: tuple[Any, Any] | None) -> None:
        """Process one packet in order, or None at the end; aiortc calls it on the event loop."""
        if item is None:
            self._end.put(None)
            return
        codec, encoded = item
        try:
            self._take(codec, encoded)
        except (OpusError, ValueError):
            log.debug("audio_not_decoded", codec=codec.name)
        except Exception:
            # An exception here would end the whole connection.
            if not self._failed:
                log.exception("audio_failed")
            self._failed = True

    def _take(self, codec: Any, encoded: Any) -> None:  # noqa: ANN401 - aiortc's
        if codec.mimeType.lower() != "audio/opus":
            self._hear(self._others.decode(codec, encoded))
            return
        # Created with the first packet: a client without Opus never needs it.
        if self._opus is None:
            self._opus = OpusToPcm(self._rate)
        missing = 0 if self._expected is None else (encoded.timestamp - self._expected) // _OPUS_CLOCK
        # `conceal` accepts multiples of 10 ms only; another gap is not a lost frame.
        if 0 < missing <= _MOST_CONCEALED and missing % 10 == 0:
            self._hear(self._opus.conceal(missing))
        pcm = self._opus.decode(encoded.data)
        self._expected = encoded.timestamp + len(pcm) // 2 * _OPUS_CLOCK * 1000 // self._rate
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
