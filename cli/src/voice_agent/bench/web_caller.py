"""A benchmark visitor: simulates a browser for one visit with as little work as possible.

Both directions are Opus over aiortc. The visitor's audio is encoded once for all visits, and the agent's is decoded
where it arrives: aiortc's own encoder and decoder would hand each packet to a thread and saturate the visitors' core.
"""

import asyncio
import contextlib
import fractions
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from functools import cache
from queue import SimpleQueue
from typing import Any, Final

import aioice
import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from voice_agent.bench import script, sound
from voice_agent.bench.caller import OPEN_SECONDS, WEBHOOK_SECONDS, CallFailed, first_audio
from voice_agent.bench.crossing import CallTimes

_RATE: Final = 48_000
_FRAME_SECONDS: Final = 0.02
_FRAME: Final = round(_RATE * _FRAME_SECONDS)
_TIME_BASE: Final = fractions.Fraction(1, _RATE)
_BITRATE: Final = 32_000
"""Bits per second: what browsers use for one channel of speech."""
_BLIP_AMPLITUDE: Final = 16_000
_TAIL: Final = 15
"""Packets from a blip until Opus is quiet again: no more than from one blip to the next."""
_LEAD: Final = 50
"""Quiet packets until the encoder repeats itself."""
_PING_SECONDS: Final = 1.0
"""As Pipecat's clients do."""
_CLOSE_SECONDS: Final = 2.0


@cache
def microphone() -> tuple[bytes, tuple[bytes, ...]]:
    """Return a quiet Opus packet of 20 ms, and those of a blip with its decay."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = _RATE, "mono", "s16"
    encoder.bit_rate, encoder.time_base = _BITRATE, _TIME_BASE
    encoder.options = {"application": "voip"}
    quiet = bytes(2 * _FRAME)
    blip = sound.tone(_FRAME_SECONDS, _RATE, _BLIP_AMPLITUDE)
    packets: list[bytes] = []
    for number, pcm in enumerate([quiet] * _LEAD + [blip] + [quiet] * _TAIL):
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[None, :], layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, number * _FRAME, _TIME_BASE
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets[_LEAD - 1], tuple(packets[_LEAD : _LEAD + _TAIL])


def _nothing() -> Iterator[bytes]:
    yield from ()


class _Microphone(MediaStreamTrack):
    """Silence until the agent is heard, then silence with blips; finished packets, one every 20 ms."""

    kind = "audio"

    def __init__(self, seed: int, times: CallTimes, heard: asyncio.Event) -> None:
        super().__init__()
        self._blips = script.blips(seed)
        self._times = times
        self._heard = heard
        self._began: float | None = None
        self._numbers = itertools.count()
        self._coming = _nothing()

    async def recv(self) -> "av.Packet[Any]":
        """Wait for the next packet."""
        number = next(self._numbers)
        if self._began is None:
            self._began = time.monotonic()
        # Each packet has its own due time: sleeping 20 ms after each one would add up the delays.
        await asyncio.sleep(max(0.0, self._began + number * _FRAME_SECONDS - time.monotonic()))
        if self.readyState != "live":
            raise MediaStreamError
        quiet, blip = microphone()
        if self._heard.is_set() and next(self._blips):
            self._coming = iter(blip)
            self._times.to_model.left(time.monotonic())
        packet: av.Packet[Any] = av.Packet(next(self._coming, quiet))
        packet.pts, packet.time_base = number * _FRAME, _TIME_BASE
        return packet


class _NoThread:
    """Takes the place of the queue of aiortc's decoding thread, which then waits until the end."""

    def __init__(self) -> None:
        self._end: SimpleQueue[None] = SimpleQueue()
        self.get = self._end.get

    def put(self, item: object) -> None:
        """Drop a packet, which has been decoded already; None ends the thread."""
        if item is None:
            self._end.put(None)


class WebCaller:
    """One visit: `dial`, then `hang_up`. Visitor and model both write into `times`.

    Args:
        base_url: URL of the agent under test.
        seed: Determines when the visitor sends blips.
        times: Receives the measurements.
    """

    def __init__(self, base_url: str, seed: int, times: CallTimes) -> None:
        # A benchmark must not send traffic off this machine. aioice has no setting for it.
        aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
        self._url = base_url
        self._times = times
        self._heard = asyncio.Event()
        self._open = asyncio.Event()
        self._pings: asyncio.Task[None] | None = None
        self._hanging_up = False
        self._decoder: Any = av.CodecContext.create("libopus", "r")
        self._decoder.sample_rate, self._decoder.layout, self._decoder.format = _RATE, "mono", "s16"
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        transceiver = self._peer.addTransceiver(_Microphone(seed, times, self._heard), direction="sendrecv")
        receiver: Any = transceiver.receiver
        receiver._RTCRtpReceiver__decoder_queue = _NoThread()  # noqa: SLF001 - there is no public way
        self._take, receiver._handle_rtp_packet = receiver._handle_rtp_packet, self._hear  # noqa: SLF001 - the same
        # The label that Pipecat's clients use.
        self._channel = self._peer.createDataChannel("chat", ordered=True)
        self._channel.on("open", self._opened)
        self._channel.on("close", self._closed)

    async def dial(self, client: httpx.AsyncClient) -> None:
        """Start a session, exchange the descriptions, and wait for the data channel.

        Raises:
            CallFailed: the agent did not accept the visit.
        """
        self._times.started_at = began = time.monotonic()
        try:
            session = (await self._post(client, "/start", {"transport": "webrtc"}))["sessionId"]
            await self._peer.setLocalDescription(await self._peer.createOffer())
            mine = self._peer.localDescription
            offer = {"sdp": mine.sdp, "type": mine.type, "requestData": {}}
            answer = await self._post(client, f"/sessions/{session}/api/offer", offer)
            self._times.webhook = time.monotonic() - began
            await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
            async with asyncio.timeout(OPEN_SECONDS):
                await self._open.wait()
        except (httpx.HTTPError, TimeoutError, KeyError, ValueError) as error:
            raise CallFailed(f"visit: {error!r}") from error

    async def greeted(self) -> None:
        """Wait for the agent's first audio.

        Raises:
            CallFailed: no audio arrived in time.
        """
        await first_audio(self._heard)

    async def hang_up(self) -> None:
        """Leave as a closed page does, within a time limit."""
        # From here on a closed channel is expected, and is not recorded as trouble.
        self._hanging_up = True
        if self._pings is not None:
            self._pings.cancel()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._peer.close()

    async def _post(self, client: httpx.AsyncClient, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        answer = await client.post(f"{self._url}{path}", json=body, timeout=WEBHOOK_SECONDS)
        made: dict[str, Any] = answer.raise_for_status().json()
        return made

    async def _hear(self, packet: Any, arrival_time_ms: int) -> None:  # noqa: ANN401 - aiortc's
        at = time.monotonic()
        for frame in self._decoder.decode(av.Packet(packet.payload)):
            self._judge(bytes(frame.planes[0])[: 2 * frame.samples], at)
        # aiortc counts the packet, for the reports that a browser would send too.
        await self._take(packet, arrival_time_ms=arrival_time_ms)

    def _judge(self, pcm: bytes, at: float) -> None:
        crossing, clears = self._times.from_model, self._times.clears
        if crossing.awaited and sound.is_answer(pcm, self._times.answer_amplitude):
            crossing.arrived(at)
            if self._times.first_audio_at is None:
                self._times.first_audio_at = at
                self._heard.set()
        # A browser plays what has arrived: the agent has stopped when the packets are silent.
        elif clears.awaited and sound.first_loud(pcm) is None:
            clears.arrived(at)

    def _opened(self) -> None:
        about = {"version": "2.1.0", "about": {"library": "voice-agent bench"}}
        self._channel.send(json.dumps({"label": "rtvi-ai", "type": "client-ready", "id": "0", "data": about}))
        self._pings = asyncio.create_task(self._ping())
        self._open.set()

    async def _ping(self) -> None:
        while self._channel.readyState == "open":
            self._channel.send(f"ping: {time.time()}")
            await asyncio.sleep(_PING_SECONDS)

    def _closed(self) -> None:
        if not self._hanging_up:
            self._times.trouble.append("the agent closed the data channel")
