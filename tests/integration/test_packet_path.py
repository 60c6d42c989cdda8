"""One packet each way through a phone call: the files that it passes are named, and few.

The model's stream is the product's own, over a scripted duplex in place of the AWS SDK's. Both paths begin and end at
a socket's message: the WebSocket frames below are the server's, the event stream below is the SDK's.
"""

import random
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from aws_sdk_bedrock_runtime.models import (
    BidirectionalOutputPayloadPart,
    InvokeModelWithBidirectionalStreamOutputChunk,
)
from websockets.asyncio.client import ClientConnection

from agent_core.nova.sdk import SdkModelStream
from standins.twilio import mulaw
from standins.twilio.media import Announcer
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import scripted_model as say
from tests.support.packet_trace import following
from tests.support.phone_in_process import phone_in_process
from tests.support.scripted_model import ScriptedModel, ScriptedStream
from tests.support.stranger import Stranger, next_event
from tests.support.waiting import until

SOCKET = "phone_agent/live_call.py"
MODEL = "agent_core/nova/sdk.py"
MOST_TO_MODEL = 6
MOST_TO_CALLER = 8
CODES = random.Random(3).randbytes(320)  # noqa: S311 - audio, not a secret
"""40 ms of µ-law, which resemble nothing else in the call."""


class _Duplex:
    """The AWS SDK's side of one stream."""

    clock_off = 0.0

    def __init__(self, stream: ScriptedStream) -> None:
        self._stream = stream
        self.input_stream = self

    async def send(self, chunk: Any) -> None:  # noqa: ANN401 - the SDK's
        await self._stream.send(chunk.value.bytes_)

    async def await_output(self) -> tuple[None, "_Duplex"]:
        await self._stream.ready()
        return None, self

    async def receive(self) -> InvokeModelWithBidirectionalStreamOutputChunk | None:
        payload = await self._stream.receive()
        if payload is None:
            return None
        return InvokeModelWithBidirectionalStreamOutputChunk(value=BidirectionalOutputPayloadPart(bytes_=payload))

    async def close(self) -> None:
        await self._stream.close()

    def expect_no_more(self) -> None:
        """Have no connection that is still being opened."""

    async def aclose(self) -> None:
        """Have no connection of its own."""

    async def end_waiting(self) -> None:
        """Have no waiting tasks."""


class _ModelOverSdk(ScriptedModel):
    async def open(self, model_id: str) -> ScriptedStream:
        duplex = cast("Any", _Duplex(await super().open(model_id)))
        return cast("ScriptedStream", SdkModelStream(duplex, duplex, ""))


@asynccontextmanager
async def _call() -> AsyncIterator[tuple[ClientConnection, Announcer, ScriptedStream]]:
    """Run the service with one call, whose caller has been greeted."""
    async with (
        TwilioExchange(ExchangeSettings()) as exchange,
        phone_in_process(exchange, _ModelOverSdk()) as phone,
    ):
        stranger = Stranger(phone.url, exchange.settings)
        invitation = await stranger.ring()
        async with await stranger.open_stream() as socket:
            announcer = await stranger.begin(socket, invitation.ticket)
            stream = await phone.model.stream()
            stream.say(*say.answer("Hello.", bytes(640)))
            await next_event(socket, "mark")
            yield socket, announcer, stream
            await socket.send(announcer.stop())
        await stranger.aclose()
        await until(lambda: len(phone.records) == 1)


async def test_a_packet_passes_few_files_to_the_model() -> None:
    """40 ms of the caller's audio pass the named files, and no other one carries, converts or looks at them."""
    async with _call() as (socket, announcer, stream):
        # Base64 of a multiple of three bytes is the beginning of the base64 of more.
        codes, pcm = CODES[:159], mulaw.decode(CODES)[:318]
        with following(codes, b64encode(codes), pcm, b64encode(pcm)) as trace:
            for at in range(0, len(CODES), 160):
                await socket.send(announcer.media(CODES[at : at + 160]))
            await until(lambda: pcm in stream.sound(), 5)
    assert trace.carriers(SOCKET, MODEL) == [
        "phone_agent/live_call.py",
        "agent_core/nova/resilient_connection.py",
        "agent_core/nova/model_session.py",
        "agent_core/nova/sdk.py",
    ]
    assert len(trace.carriers(SOCKET, MODEL)) <= MOST_TO_MODEL
    assert trace.converters(SOCKET, MODEL) == [
        "phone_agent/media_stream.py",
        "phone_agent/ulaw.py",
        "agent_core/nova/wire.py",
    ]
    assert trace.observers(SOCKET, MODEL) == ["phone_agent/stream_guard.py", "agent_core/nova/replay_buffer.py"]


async def test_a_packet_passes_few_files_to_the_caller() -> None:
    """40 ms of the agent's audio pass the named files, and no other one carries, converts or looks at them."""
    async with _call() as (socket, _, stream):
        pcm = mulaw.decode(CODES)
        codes = mulaw.encode(pcm)
        stream.say(*say.text_block("ASSISTANT", "More.", speculative=True), say.audio_start())
        with following(pcm, b64encode(pcm), codes, b64encode(codes)) as trace:
            stream.say(say.audio(pcm))
            message = cast("dict[str, Any]", await next_event(socket, "media"))
        assert b64decode(message["media"]["payload"]) == codes
    assert trace.carriers(MODEL, SOCKET) == [
        "agent_core/nova/sdk.py",
        "agent_core/nova/model_session.py",
        "agent_core/nova/resilient_connection.py",
        "agent_core/nova/service.py",
        "agent_core/nova/audio_output.py",
        "phone_agent/twilio_audio_sink.py",
        "phone_agent/live_call.py",
    ]
    assert len(trace.carriers(MODEL, SOCKET)) <= MOST_TO_CALLER
    assert trace.converters(MODEL, SOCKET) == [
        "agent_core/nova/wire.py",
        "agent_core/nova/turns.py",
        "phone_agent/ulaw.py",
        "phone_agent/media_stream.py",
    ]
    assert trace.observers(MODEL, SOCKET) == [
        "agent_core/nova/stream_watchdog.py",
        "agent_core/nova/transcript.py",
        "agent_core/conversation/session.py",
        "agent_core/conversation/waits.py",
        "agent_core/conversation/state.py",
    ]
