"""Adapt Pipecat's Daily transport: filter messages, and pass the visitor's audio directly."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame, OutputTransportMessageUrgentFrame
from pipecat.transports.daily.transport import (
    DailyInputTransport,
    DailyOutputTransport,
    DailyParams,
    DailyTransport,
)

from webrtc_agent.client_input import ClientInput
from webrtc_agent.daily.native import NativeCall, ReleasedError
from webrtc_agent.rates import INPUT_RATE, OUTPUT_RATE
from webrtc_agent.rooms import DailyRoom
from webrtc_agent.transport import silenced

log = structlog.get_logger()

AGENT_NAME = "Agent"
TELL_SECONDS = 1.0
RELEASE_SECONDS = 2.0


class _Input(DailyInputTransport):
    """Passes the visitor's audio to the conversation directly: frames would go through four queues every 20 ms."""

    def __init__(self, transport: "RoomTransport", client_input: ClientInput) -> None:
        super().__init__(transport, transport._client, transport._params)  # noqa: SLF001 - as Pipecat creates it
        self._client_input = client_input

    async def push_audio_frame(self, frame: InputAudioRawFrame) -> None:
        """Process 20 ms of audio."""
        self._client_input.hear(frame.audio)


class _RoomOutput(DailyOutputTransport):
    """Sends silence instead of the agent's audio while the visitor only reads."""

    def __init__(self, transport: "RoomTransport", client_input: ClientInput) -> None:
        super().__init__(transport, transport._client, transport._params)  # noqa: SLF001 - as Pipecat creates it
        self._client_input = client_input

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send 40 ms of audio."""
        return await super().write_audio_frame(silenced(frame) if self._client_input.text_only else frame)


class RoomTransport(DailyTransport):
    """Carries audio and messages of one visitor through a room.

    Args:
        room: The room, with the agent's token.
        client_input: Receives audio and judges messages.
    """

    def __init__(self, room: DailyRoom, client_input: ClientInput) -> None:
        params = DailyParams(
            audio_in_enabled=True,
            audio_in_sample_rate=INPUT_RATE,
            audio_out_enabled=True,
            audio_out_sample_rate=OUTPUT_RATE,
            audio_out_end_silence_secs=0,
            camera_out_enabled=False,
        )
        super().__init__(room.url, room.agent_token, AGENT_NAME, params)
        self._call = NativeCall(self._client._client)  # noqa: SLF001 - there must be no other reference to the client
        self._client._client = self._call  # type: ignore[assignment]  # noqa: SLF001
        self._input = _Input(self, client_input)
        self._output = _RoomOutput(self, client_input)
        self._client_input = client_input

    async def tell(self, message: dict[str, Any]) -> None:
        """Send the visitor a last message; does not wait long, and ignores a missing peer."""
        with suppress(TimeoutError, ReleasedError):
            async with asyncio.timeout(TELL_SECONDS):
                await self._client.send_message(OutputTransportMessageUrgentFrame(message=message))

    async def let_go(self) -> None:
        """Leave the room if Pipecat has not: a pipeline cancelled during the join forgets the client.

        An unreleased client stays in its room, which costs money. One whose join hangs is released when that ends, in
        the background.
        """
        self._call.release()
        if not await self._call.wait_released(RELEASE_SECONDS):
            log.warning("daily_release_slow", waited_ms=round(RELEASE_SECONDS * 1000))

    async def _on_app_message(self, message: Any, sender: str) -> None:  # noqa: ANN401 - JSON
        if await self._client_input.accept_message(message):
            await super()._on_app_message(message, sender)
