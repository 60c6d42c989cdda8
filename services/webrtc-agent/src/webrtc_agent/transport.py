"""Pipecat's peer-to-peer transport, with a guard at its door and a short way for the visitor's sound."""

from collections.abc import Awaitable, Callable
from typing import Any

from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import (
    SmallWebRTCInputTransport,
    SmallWebRTCOutputTransport,
    SmallWebRTCTransport,
)

INPUT_RATE = 16_000
OUTPUT_RATE = 24_000
"""Hz: the best that Nova Sonic takes and gives."""

type Hear = Callable[[bytes], None]
type Believe = Callable[[Any], Awaitable[bool]]
type IsTextOnly = Callable[[], bool]


def silenced(frame: OutputAudioRawFrame) -> OutputAudioRawFrame:
    """Return silence that lasts as long: turns, interruptions and reports keep the pace of the speech."""
    return OutputAudioRawFrame(bytes(len(frame.audio)), frame.sample_rate, frame.num_channels)


class _Input(SmallWebRTCInputTransport):
    """Hands the visitor's sound to the conversation directly: as frames it would pass four queues every 20 ms."""

    def __init__(self, transport: SmallWebRTCTransport, params: TransportParams, hear: Hear) -> None:
        super().__init__(transport._client, params)  # noqa: SLF001 - the transport makes its own input just so
        self._hear = hear

    async def push_audio_frame(self, frame: InputAudioRawFrame) -> None:
        """Take 20 ms of sound."""
        self._hear(frame.audio)


class _Output(SmallWebRTCOutputTransport):
    """Sends silence in place of the agent's audio while the visitor reads only."""

    def __init__(self, transport: SmallWebRTCTransport, params: TransportParams, is_text_only: IsTextOnly) -> None:
        super().__init__(transport._client, params)  # noqa: SLF001 - the transport makes its own output just so
        self._is_text_only = is_text_only

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send 40 ms of audio."""
        return await super().write_audio_frame(silenced(frame) if self._is_text_only() else frame)


class VisitorTransport(SmallWebRTCTransport):
    """Carries sound and messages of one visitor.

    Args:
        connection: The peer.
        hear: Takes the visitor's sound, 16-bit PCM at ``INPUT_RATE``.
        believe: Says of each message whether it goes on into the pipeline.
        is_text_only: Says whether the visitor is to hear nothing.
    """

    def __init__(
        self, connection: SmallWebRTCConnection, hear: Hear, believe: Believe, is_text_only: IsTextOnly
    ) -> None:
        params = TransportParams(
            audio_in_enabled=True,
            audio_in_sample_rate=INPUT_RATE,
            audio_out_enabled=True,
            audio_out_sample_rate=OUTPUT_RATE,
            audio_out_end_silence_secs=0,
        )
        super().__init__(connection, params)
        self._input = _Input(self, params, hear)
        self._output = _Output(self, params, is_text_only)
        self._believe = believe

    async def _on_app_message(self, message: Any, sender: str) -> None:  # noqa: ANN401 - JSON
        if await self._believe(message):
            await super()._on_app_message(message, sender)
