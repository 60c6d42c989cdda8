"""A visitor of the web service: a Pipecat client on aiortc, with a microphone, an ear and a network to disconnect."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcsctptransport import WEBRTC_STRING
from av import AudioFrame

from tests.support.leaks import in_answer
from tests.support.waiting import until
from webrtc_agent import ice

RATE = 48_000
FRAME = RATE // 50
AUDIBLE = 500
"""Amplitude above which audio counts as heard."""

type Json = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One message of the service, and its time."""

    kind: str
    data: Json
    message_id: str = ""
    at: float = field(default_factory=time.monotonic)


class Microphone(MediaStreamTrack):
    """Silence, and noise on request."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames = 0
        self._began = 0.0
        self._noise = np.random.default_rng(7)
        self.loud_frames = 0

    async def recv(self) -> AudioFrame:
        """Return 20 ms when they are due."""
        now = time.monotonic()
        self._began = self._began or now
        await asyncio.sleep(self._began + self._frames * 0.02 - now)
        samples = np.zeros((1, FRAME), np.int16)
        if self.loud_frames > 0:
            self.loud_frames -= 1
            samples = self._noise.integers(-12_000, 12_000, (1, FRAME)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._frames * FRAME, Fraction(1, RATE)
        self._frames += 1
        return frame


class Visitor:
    """One visitor, over loopback only; leaves at the end of its block.

    The tests' network guard treats the machine's other addresses as other machines.

    Args:
        url: The service.
        pings: Whether it sends the keepalives that Pipecat's clients send.
    """

    def __init__(self, url: str, *, pings: bool = True) -> None:
        ice.offer_only([ip_address("127.0.0.1")])
        self.http = httpx.AsyncClient(base_url=url, trust_env=False)
        self.messages: list[Message] = []
        self.states: list[str] = []
        self.sound_changes: list[tuple[bool, float]] = []
        """When audio began (True) and ended (False)."""
        self.microphone = Microphone()
        self.session_id = ""
        self.pc_id = ""
        self._pings = pings
        self._tasks: list[asyncio.Task[None]] = []
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._channel = self._prepare(self._peer)

    async def __aenter__(self) -> Self:
        """Do nothing yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        await self.leave()
        await self.http.aclose()

    def _prepare(self, peer: RTCPeerConnection) -> RTCDataChannel:
        peer.addTransceiver(self.microphone, direction="sendrecv")
        channel = peer.createDataChannel("chat", ordered=True)
        channel.on("message", self._take)
        channel.on("open", self._opened)
        peer.on("track", lambda track: self._run(self._listen(track)))
        peer.on("connectionstatechange", lambda: self.states.append(peer.connectionState))
        return channel

    async def offer(self, **changes: object) -> Json:
        """Return an offer as clients send it."""
        await self._peer.setLocalDescription(await self._peer.createOffer())
        description = self._peer.localDescription
        return {"sdp": description.sdp, "type": description.type, "requestData": {}, **changes}

    async def start(self, **wishes: object) -> httpx.Response:
        """Request a session."""
        wishes = {"transport": "webrtc", "enableDefaultIceServers": True, **wishes}
        answer = await self.http.post("/start", json=wishes)
        self.session_id = answer.json().get("sessionId", "")
        return answer

    async def connect(self, **wishes: object) -> None:
        """Start a session and connect to it."""
        (await self.start(**wishes)).raise_for_status()
        await self.join(f"/sessions/{self.session_id}/api/offer")

    async def join(self, path: str, offer: Json | None = None) -> None:
        """Connect, and wait until the data channel is open."""
        await self.accept(await self.ask(path, offer))

    async def ask(self, path: str, offer: Json | None = None) -> Json:
        """Send an offer, and return the answer."""
        answer: Json = (await self.http.post(path, json=offer or await self.offer())).raise_for_status().json()
        self.pc_id = answer["pc_id"]
        return answer

    async def accept(self, answer: Json) -> None:
        """Accept an answer, and wait until the data channel is open."""
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await until(lambda: self._channel.readyState == "open", 8)

    async def reconnect(self) -> None:
        """Reconnect in the same session, as Pipecat's client does when its network comes back."""
        old = self._peer
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._channel = self._prepare(self._peer)
        path = f"/sessions/{self.session_id}/api/offer"
        offer = await self.offer(pc_id=self.pc_id, restart_pc=True)
        answer = (await self.http.post(path, json=offer)).raise_for_status().json()
        self.pc_id = answer["pc_id"]
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await until(lambda: self._channel.readyState == "open", 8)
        await old.close()

    def say(self, kind: str, data: Json, identifier: str = "1") -> None:
        """Send a message."""
        self._channel.send(json.dumps({"label": "rtvi-ai", "type": kind, "id": identifier, "data": data}))

    def send_raw(self, text: str) -> None:
        """Send any JSON."""
        self._channel.send(text)

    def send_text(self, content: bytes) -> None:
        """Send bytes as a text message, also bytes that are not valid text."""
        sctp: Any = self._channel.transport
        sctp._data_channel_queue.append((self._channel, WEBRTC_STRING, content))
        self._run(sctp._data_channel_flush())

    def speak(self, milliseconds: int = 400) -> None:
        """Make noise from now on for so many seconds."""
        self.microphone.loud_frames = milliseconds // 20

    def of(self, kind: str) -> list[Message]:
        """Return the messages of a kind."""
        return [message for message in self.messages if message.kind == kind]

    async def until(self, kind: str, count: int = 1, seconds: float = 8.0) -> Message:
        """Wait for the n-th message of a kind."""
        await until(lambda: len(self.of(kind)) >= count, seconds)
        return self.of(kind)[count - 1]

    async def greeted(self) -> None:
        """Wait until the first answer has been spoken, and it is quiet again."""
        await self.until("bot-stopped-speaking")
        await self.until_sound(sounding=False)

    async def until_sound(self, *, sounding: bool, seconds: float = 8.0) -> float:
        """Wait until the agent is audible, or silent; return the time of the change."""
        await until(lambda: bool(self.sound_changes) and self.sound_changes[-1][0] is sounding, seconds)
        return self.sound_changes[-1][1]

    def pull_network(self) -> Callable[[], None]:
        """Block all traffic without notice; return the function that restores it."""
        gates = [_Gate(protocol) for protocol in _protocols(self._peer)]

        def put_back() -> None:
            for gate in gates:
                gate.open()

        return put_back

    async def leave(self) -> None:
        """Hang up as a page does when it is closed."""
        for task in self._tasks:
            task.cancel()
        await self._peer.close()

    def _run(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        self._tasks.append(asyncio.create_task(work))

    def _opened(self) -> None:
        about = {"library": "test"}
        self.say("client-ready", {"version": "2.1.0", "about": about}, "ready")
        if self._pings:
            self._run(self._ping(self._channel))

    async def _ping(self, channel: RTCDataChannel) -> None:
        while channel.readyState == "open":
            channel.send(f"ping: {time.time()}")
            await asyncio.sleep(1)

    def _take(self, text: str) -> None:
        assert list(in_answer(text.encode())) == []
        message = json.loads(text)
        data = message.get("data") or message.get("message") or {}
        self.messages.append(Message(message["type"], data, message.get("id", "")))

    async def _listen(self, track: MediaStreamTrack) -> None:
        sounding = False
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            loud = bool(np.abs(frame.to_ndarray().astype(int)).max() > AUDIBLE)
            if loud is not sounding:
                sounding = loud
                self.sound_changes.append((loud, time.monotonic()))


class _Gate:
    """A closed gate between a UDP socket and everything else."""

    def __init__(self, protocol: Any) -> None:  # noqa: ANN401 - aioice's class is private
        self._protocol, self._transport = protocol, protocol.transport
        protocol.transport = self
        protocol.datagram_received = lambda _data, _address: None

    def sendto(self, data: bytes, address: object = None) -> None:
        """Drop the packet."""

    def open(self) -> None:
        """Remove the gate."""
        self._protocol.transport = self._transport
        del self._protocol.datagram_received

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


def _protocols(peer: RTCPeerConnection) -> list[Any]:
    dtls = peer.getTransceivers()[0].receiver.transport
    protocols: list[Any] = dtls.transport._connection._protocols
    return protocols
