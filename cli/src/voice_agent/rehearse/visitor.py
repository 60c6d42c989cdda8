"""A visitor of the web service: an RTVI client on WebRTC that types, listens and keeps what it hears."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import aioice
import httpx
import numpy as np
import soxr
from aiortc import MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import AudioFrame

from standins.twilio import mulaw

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_RATE: Final = 48_000
_CONNECT_SECONDS: Final = 20.0
_AGAIN_SECONDS: Final = (1.0, 2.0, 4.0)
_PING_SECONDS: Final = 1.0
"""As Pipecat's clients do; the service hangs up on a client that is silent for longer."""
_LONGEST_SECONDS: Final = 1800
"""Most audio that is kept, which bounds the memory of a conversation that does not end."""


class NotConnectedError(Exception):
    """The service did not accept the visit; the message says why."""


@dataclass(frozen=True)
class Message:
    """One message of the service; `at` is monotonic time."""

    kind: str
    data: Mapping[str, Any]
    at: float = field(default_factory=time.monotonic)


def _reason(path: str, answer: httpx.Response) -> str:
    """Return the service's own sentence, or the status and the answer of whatever is in between."""
    # A proxy in between answers in a form of its own.
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(answer.json()["error"])
    return f"the web service answered {path} with {answer.status_code}: {answer.text[:200]}"


def _only_loopback(sdp: str) -> str:
    """Drop candidates of other interfaces, if the service offers the loopback one."""
    others = [line for line in sdp.splitlines() if line.startswith("a=candidate:") and " 127.0.0.1 " not in line]
    if " 127.0.0.1 " not in sdp:
        return sdp
    return "".join(line for line in sdp.splitlines(keepends=True) if line.rstrip() not in others)


class WebVisitor:
    """One visit; use it as an asynchronous context, which leaves at its end.

    Args:
        url: The web service.
        agent: Which agent answers; empty for the default agent.
    """

    def __init__(self, url: str, agent: str = "") -> None:
        self._http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=_CONNECT_SECONDS)
        # A service on this machine needs no other interface, which a firewall may close.
        self._is_local = httpx.URL(url).host in _LOOPBACK
        if self._is_local:
            aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
        self._agent = agent
        self.messages: list[Message] = []
        self.session_id = ""
        self.ended = False
        """Whether the service has ended the conversation."""
        self._changed = asyncio.Event()
        self._samples: list[np.ndarray[Any, np.dtype[np.int16]]] = []
        self._first_sample = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        # Silence: the words are typed, and a client without a microphone track is none that a browser would be.
        self._peer.addTransceiver(AudioStreamTrack(), direction="sendrecv")
        # The label that Pipecat's clients use.
        self._channel = self._peer.createDataChannel("chat", ordered=True)
        self._channel.on("message", self._take)
        self._channel.on("open", self._opened)
        self._channel.on("close", self._closed)
        self._peer.on("track", lambda track: self._own(self._listen(track)))

    async def __aenter__(self) -> Self:
        """Start a session, and connect to it.

        Raises:
            NotConnectedError: The service does not answer, or refuses.
        """
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._connect()
                await self.until(lambda: self._channel.readyState == "open", _CONNECT_SECONDS)
        except NotConnectedError:
            await self._leave()
            raise
        except (httpx.HTTPError, TimeoutError, KeyError, ValueError) as error:
            await self._leave()
            raise NotConnectedError(f"the web service did not accept the visit ({error!r})") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        await self._leave()

    async def until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Wait until a condition holds, the conversation ends or the time is over; return whether it holds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition() and not self.ended:
                    changed = self._changed
                    await changed.wait()
        return bool(condition())

    def since(self, kind: str, at: float) -> list[Message]:
        """Return the messages of a kind since a time."""
        return [message for message in self.messages if message.kind == kind and message.at >= at]

    def type_text(self, text: str) -> None:
        """Send typed words."""
        self._send("send-text", {"content": text})

    def heard(self, start: float, stop: float | None = None) -> bytes:
        """Return what was heard between two times as µ-law at 8 kHz."""
        if not self._samples:
            return b""
        # Frames come without gaps from the first one on, so a time is a position.
        whole = np.concatenate(self._samples)
        first = max(0, int((start - self._first_sample) * _RATE))
        last = len(whole) if stop is None else max(first, int((stop - self._first_sample) * _RATE))
        part = whole[first:last]
        return mulaw.encode(soxr.resample(part, _RATE, mulaw.RATE).astype(np.int16).tobytes()) if len(part) else b""

    async def _connect(self) -> None:
        wishes = {"transport": "webrtc", "enableDefaultIceServers": True}
        started = await self._post("/start", wishes | ({"agent": self._agent} if self._agent else {}))
        self.session_id = str(started["sessionId"])
        await self._peer.setLocalDescription(await self._peer.createOffer())
        mine = self._peer.localDescription
        offer = {"sdp": mine.sdp, "type": mine.type, "requestData": {}}
        answer = await self._post(f"/sessions/{self.session_id}/api/offer", offer)
        sdp = _only_loopback(answer["sdp"]) if self._is_local else answer["sdp"]
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, answer["type"]))

    async def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        answer = await self._http.post(path, json=body)
        for pause in _AGAIN_SECONDS:
            # Several visitors have one address, of which a deployment admits two at a time.
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(pause)
            answer = await self._http.post(path, json=body)
        if not answer.is_success:
            raise NotConnectedError(_reason(path, answer))
        made: dict[str, Any] = answer.json()
        return made

    def _opened(self) -> None:
        self._send("client-ready", {"version": "2.1.0", "about": {"library": "voice-agent rehearse"}})
        self._own(self._ping())
        self._wake()

    async def _ping(self) -> None:
        while self._channel.readyState == "open":
            self._channel.send(f"ping: {time.time()}")
            await asyncio.sleep(_PING_SECONDS)

    def _send(self, kind: str, data: Mapping[str, object]) -> None:
        if self._channel.readyState == "open":
            message = {"label": "rtvi-ai", "type": kind, "id": str(len(self.messages)), "data": data}
            self._channel.send(json.dumps(message))

    def _take(self, text: str) -> None:
        # A message that this client does not understand is for others.
        with contextlib.suppress(ValueError, KeyError, AttributeError):
            message = json.loads(text)
            data = message.get("data") or message.get("message") or {}
            self.messages.append(Message(str(message["type"]), data))
            self.ended = self.ended or data.get("type") == "session-ended"
        self._wake()

    def _closed(self) -> None:
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        # A new event for those that wait from now on; the old one wakes only the current waiters.
        self._changed.set()
        self._changed = asyncio.Event()

    async def _listen(self, track: MediaStreamTrack) -> None:
        while len(self._samples) < _LONGEST_SECONDS * 50:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, AudioFrame):
                self._first_sample = self._first_sample or time.monotonic()
                # Opus arrives as interleaved stereo; both channels are the same.
                samples = frame.to_ndarray().reshape(-1)
                self._samples.append(samples[:: len(frame.layout.channels)].astype(np.int16))

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave(self) -> None:
        for task in [*self._tasks]:
            task.cancel()
        await self._peer.close()
        await self._http.aclose()
