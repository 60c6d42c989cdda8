"""Adapt Pipecat's peer-to-peer transport: filter messages, and pass audio directly in both directions."""

from collections.abc import Awaitable, Callable
from typing import Any

from pipecat.frames.frames import Frame, InterruptionFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.transport import SmallWebRTCOutputTransport, SmallWebRTCTransport

from webrtc_agent.connection import AudioOnlyConnection
from webrtc_agent.inbound import Hear
from webrtc_agent.rates import OUTPUT_RATE

type Believe = Callable[[Any], Awaitable[bool]]
type IsTextOnly = Callable[[], bool]


def silenced(frame: OutputAudioRawFrame) -> OutputAudioRawFrame:
    """Return silence of the same length: turns, interruptions and reports keep the timing of speech."""
    return OutputAudioRawFrame(bytes(len(frame.audio)), frame.sample_rate, frame.num_channels)


class _Output(SmallWebRTCOutputTransport):
    """Passes the agent's audio to the connection's own track; silence while the visitor only reads."""

    def __init__(
        self,
        transport: SmallWebRTCTransport,
        params: TransportParams,
        connection: AudioOnlyConnection,
        is_text_only: IsTextOnly,
    ) -> None:
        super().__init__(transport._client, params)  # noqa: SLF001 - as the transport creates its own output
        self._connection = connection
        self._is_text_only = is_text_only

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Process a frame; at a barge-in drop what Pipecat has handed over already, up to 40 ms."""
        if isinstance(frame, InterruptionFrame):
            self._connection.silence()
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send audio; return when the last of it is on its way, or False if there is no connection."""
        return await self._connection.play((silenced(frame) if self._is_text_only() else frame).audio)


class VisitorTransport(SmallWebRTCTransport):
    """Carries audio and messages of one visitor.

    Args:
        connection: The peer. Its audio goes to ``hear`` without passing the pipeline's queues every 20 ms.
        hear: Receives the visitor's audio, 16-bit PCM at ``INPUT_RATE``.
        accept_message: Returns whether a message enters the pipeline.
        is_text_only: Returns whether the visitor must hear nothing.
    """

    def __init__(
        self, connection: AudioOnlyConnection, hear: Hear, accept_message: Believe, is_text_only: IsTextOnly
    ) -> None:
        params = TransportParams(
            audio_in_enabled=False,
            audio_out_enabled=True,
            audio_out_sample_rate=OUTPUT_RATE,
            audio_out_end_silence_secs=0,
        )
        super().__init__(connection, params)
        connection.hear = hear
        self._output = _Output(self, params, connection, is_text_only)
        self._authenticate = accept_message

    async def _on_app_message(self, message: Any, sender: str) -> None:  # noqa: ANN401 - JSON
        if await self._authenticate(message):
            await super()._on_app_message(message, sender)
