"""A scripted model that measures times: the wire protocol of Nova Sonic without its rules or intelligence.

It runs beside the callers, off the measured core, so it does as little as possible: it checks no signature, and only
searches the caller's audio for blips. The stand-in checks whether an agent follows the protocol.
"""

import asyncio
import base64
import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from standins.nova.completion import Completion
from standins.nova.errors import StreamFault
from standins.nova.eventstream import FramingError, MessageDecoder, StreamMessage
from standins.nova.h2_request import Answering, H2Request
from standins.nova.http2 import ServerConnection
from standins.nova.local_authority import make_trust
from standins.nova.payload import CONTENT_TYPE, unwrap, wrap
from voice_agent.bench import script, sound
from voice_agent.bench.crossing import CallTimes
from voice_agent.bench.script import Answer

_HEARD: Final = "What is the weather like?"
_SAID: Final = "It is mild, with a light wind and a few clouds over the harbour."


class ScriptedModel:
    """Replaces Bedrock for the agent under test; use it as `async with ScriptedModel(folder) as model`."""

    def __init__(self, folder: Path) -> None:
        self._trust = make_trust(folder)
        self._connections: set[ServerConnection] = set()
        self._streams: set[_Stream] = set()
        self._expected: tuple[CallTimes, int, asyncio.Future[None]] | None = None
        self._server: asyncio.Server | None = None
        self.unexpected = 0
        """Streams without a call: the agent lost a stream and retried."""

    @property
    def url(self) -> str:
        """The URL of the model."""
        if self._server is None:
            raise RuntimeError("the model is not listening")
        return f"https://localhost:{self._server.sockets[0].getsockname()[1]}"

    @property
    def roots(self) -> Path:
        """The certificates for SSL_CERT_FILE."""
        return self._trust.bundle_file

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", 0, ssl=self._trust.server, backlog=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and drop open connections."""
        if self._server is not None:
            self._server.close()
        for stream in list(self._streams):
            stream.lost("the model is leaving")
        for connection in list(self._connections):
            connection.abort()

    def expect(self, times: CallTimes, seed: int) -> asyncio.Future[None]:
        """Assign the next stream to this call, one call at a time; the future is done when the stream is open."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected = (times, seed, opened)
        return opened

    def _connection(self) -> ServerConnection:
        return ServerConnection(self._accept, self._connections)

    def _accept(self, exchange: H2Request) -> Answering:
        # A stream does not name its call, so the harness makes its calls one after the other.
        expected, self._expected = self._expected, None
        if expected is None:
            self.unexpected += 1
            expected = (CallTimes(), 0, asyncio.get_running_loop().create_future())
        times, seed, opened = expected
        if not opened.done():
            opened.set_result(None)
        stream = _Stream(exchange, times, script.answers(seed), self._streams)
        exchange.respond(200, [("content-type", CONTENT_TYPE), ("x-amzn-requestid", str(uuid.uuid4()))])
        return stream


class _Stream:
    """One conversation."""

    def __init__(
        self, exchange: H2Request, times: CallTimes, answers: Iterator[Answer], roster: "set[_Stream]"
    ) -> None:
        self._exchange = exchange
        self._times = times
        self._answers = answers
        self._roster = roster
        self._decoder = MessageDecoder()
        self._blips = sound.BlipFinder(16_000)
        self._rate = 24_000
        self._asked: set[str] = set()
        self._completion: Completion | None = None
        self._talk: asyncio.Task[None] | None = None
        roster.add(self)

    def received(self, chunk: bytes) -> None:
        """Process a chunk of the client's event stream."""
        # The time of arrival, before this process spends any time on decoding.
        at = time.monotonic()
        try:
            for message in self._decoder.feed(chunk):
                if message.payload:
                    self._take(message, at)
        except (FramingError, StreamFault, KeyError, ValueError) as broken:
            self._times.trouble.append(f"the model could not read an event: {broken!r}")
            self._exchange.abort()

    def ended(self) -> None:
        """Close the stream when the client has finished."""
        self._exchange.end()
        self._stop()

    def lost(self, reason: str) -> None:
        """Stop the conversation when the stream is lost."""
        del reason
        self._stop()

    def _stop(self) -> None:
        self._roster.discard(self)
        if self._talk is not None:
            self._talk.cancel()

    def _take(self, message: StreamMessage, at: float) -> None:
        ((name, body),) = json.loads(unwrap(message))["event"].items()
        match name:
            case "audioInput":
                self._hear(body["content"], at)
            case "promptStart":
                self._rate = body["audioOutputConfiguration"]["sampleRateHertz"]
                self._completion = Completion(str(uuid.uuid4()), body["promptName"], self._send)
            case "contentStart":
                self._open(body)
            # The interactive text is the request to greet: the script starts when it is complete.
            case "contentEnd" if body["contentName"] in self._asked:
                self._begin()
            case "sessionEnd":
                self.ended()

    def _open(self, body: dict[str, Any]) -> None:
        if body["type"] == "AUDIO":
            self._blips = sound.BlipFinder(body["audioInputConfiguration"]["sampleRateHertz"])
        elif body["type"] == "TEXT" and body.get("interactive"):
            self._asked.add(body["contentName"])

    def _hear(self, content: str, at: float) -> None:
        if self._blips.feed(base64.b64decode(content)):
            self._times.to_model.arrived(at)

    def _begin(self) -> None:
        if self._talk is None and self._completion is not None:
            self._talk = asyncio.create_task(self._follow_script(self._completion))

    def _send(self, event: dict[str, Any]) -> None:
        self._exchange.send(wrap(json.dumps(event).encode()))

    async def _follow_script(self, completion: Completion) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            for number, answer in enumerate(self._answers):
                await asyncio.sleep(answer.pause)
                if number:
                    completion.user_text(_HEARD)
                await self._say(completion, answer)
                completion.usage()

    async def _say(self, completion: Completion, answer: Answer) -> None:
        completion.speculative(_SAID)
        completion.open_audio(self._rate)
        began = time.monotonic()
        self._times.answer_amplitude = answer.amplitude
        self._times.from_model.left(began)
        # The model generates faster than real time, so a reply is sent before the caller has heard it.
        sent = await self._speak(completion, answer, began)
        if answer.cut_after is None:
            completion.close_audio("END_TURN")
            await _until(began + answer.length)
            completion.final(_SAID, "END_TURN")
            return
        if sent >= answer.length:
            completion.close_audio("END_TURN")
        # The barge-in is at its scheduled time even if all audio has been sent.
        await _until(began + answer.cut_after)
        completion.close_audio("END_TURN")
        completion.final(_SAID[:20], "PARTIAL_TURN")
        self._times.clears.left(time.monotonic())
        completion.interrupted()

    async def _speak(self, completion: Completion, answer: Answer, began: float) -> float:
        """Send the audio up to the caller's barge-in, and return how many seconds were sent."""
        chunk = sound.tone(sound.CHUNK_SECONDS, self._rate, answer.amplitude)
        sent = 0.0
        while sent < answer.length:
            due = sent / script.SPEED
            if answer.cut_after is not None and due >= answer.cut_after:
                break
            await _until(began + due)
            completion.audio(chunk)
            sent += sound.CHUNK_SECONDS
        return sent


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
