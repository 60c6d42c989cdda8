"""Pipecat's peer-to-peer transport, with a guard at its door, and a short way for sound in both directions."""

from collections.abc import Awaitable, Callable
from typing import Any

from pipecat.frames.frames import OutputAudioRawFrame
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.transport import SmallWebRTCOutputTransport, SmallWebRTCTransport

from webrtc_agent.connection import AudioOnlyConnection
from webrtc_agent.inbound import Hear
from webrtc_agent.rates import OUTPUT_RATE

type Believe = Callable[[Any], Awaitable[bool]]
type IsTextOnly = Callable[[], bool]


def silenced(frame: OutputAudioRawFrame) -> OutputAudioRawFrame:
    """Return silence that lasts as long: turns, interruptions and reports keep the pace of the speech."""
    return OutputAudioRawFrame(bytes(len(frame.audio)), frame.sample_rate, frame.num_channels)


class _Output(SmallWebRTCOutputTransport):
    """Hands the agent's audio to the connection's own track; silence while the visitor reads only."""

    def __init__(
        self,
        transport: SmallWebRTCTransport,
        params: TransportParams,
        connection: AudioOnlyConnection,
        is_text_only: IsTextOnly,
    ) -> None:
        super().__init__(transport._client, params)  # noqa: SLF001 - the transport makes its own output just so
        self._connection = connection
        self._is_text_only = is_text_only

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send some audio; returns when the last of it is on its way, or False when there is no connection."""
        return await self._connection.play((silenced(frame) if self._is_text_only() else frame).audio)


class VisitorTransport(SmallWebRTCTransport):
    """Carries sound and messages of one visitor.

    Args:
        connection: The peer. Its sound goes to ``hear`` without passing the pipeline's queues every 20 ms.
        hear: Takes the visitor's sound, 16-bit PCM at ``INPUT_RATE``.
        accept_message: Says of each message whether it goes on into the pipeline.
        is_text_only: Says whether the visitor is to hear nothing.
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
