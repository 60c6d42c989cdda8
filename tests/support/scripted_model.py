"""A model in memory: a `ModelClient` whose streams say what a test scripts, and break when it says so."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.support.waiting import until

type Json = dict[str, Any]
type Script = Callable[["ScriptedStream"], None]

GREETING = "Hello, this is the AI assistant of the agent."
"""A first sentence that says what the law asks for. After any other the model is asked for it."""
_IDS = {"sessionId": "model-session", "promptName": "prompt", "completionId": "completion"}


def event(name: str, **fields: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return one event as the model sends it."""
    return json.dumps({"event": {name: {**_IDS, **fields}}}).encode()


def text_block(role: str, words: str, *, speculative: bool, stop: str = "PARTIAL_TURN") -> list[bytes]:
    """Return a block of text, three events."""
    stage = json.dumps({"generationStage": "SPECULATIVE" if speculative else "FINAL"})
    return [
        event("contentStart", contentId="text", type="TEXT", role=role, additionalModelFields=stage),
        event("textOutput", contentId="text", role=role, content=words),
        event("contentEnd", contentId="text", type="TEXT", stopReason=stop),
    ]


def audio_block(pcm: bytes, *, stop: str = "END_TURN") -> list[bytes]:
    """Return a block of audio, three events."""
    return [audio_start(), audio(pcm), event("contentEnd", contentId="sound", type="AUDIO", stopReason=stop)]


def audio_start() -> bytes:
    """Return the start of a block of audio."""
    return event("contentStart", contentId="sound", type="AUDIO", role="ASSISTANT")


def audio(pcm: bytes) -> bytes:
    """Return a piece of audio."""
    return event("audioOutput", contentId="sound", content=base64.b64encode(pcm).decode())


def answer(words: str, pcm: bytes) -> list[bytes]:
    """Return a whole answer of one sentence: planned words, then their audio."""
    return [*text_block("ASSISTANT", words, speculative=True), *audio_block(pcm)]


def heard(words: str) -> list[bytes]:
    """Return what the model understood of the caller."""
    return text_block("USER", words, speculative=False)


def interruption() -> list[bytes]:
    """Return the event of a barge-in."""
    return text_block("ASSISTANT", '{ "interrupted" : true }', speculative=False, stop="INTERRUPTED")


def tool_use(name: str, tool_use_id: str, arguments: Json) -> list[bytes]:
    """Return a tool use, three events."""
    return [
        event("contentStart", contentId="tool", type="TOOL", role="TOOL"),
        event("toolUse", contentId="tool", toolName=name, toolUseId=tool_use_id, content=json.dumps(arguments)),
        event("contentEnd", contentId="tool", type="TOOL", stopReason="TOOL_USE"),
    ]


class ScriptedStream:
    """One stream: `say` sends events to the product, `sent` holds what the product sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Json]] = []
        """Name and body of each event, in order."""
        self.closed = False
        self.uses = 0
        """Tool uses that a script has counted."""
        self.takes_events = asyncio.Event()
        """Cleared, every send blocks."""
        self.takes_events.set()
        self.closes = asyncio.Event()
        """Cleared, closing blocks."""
        self.closes.set()
        self.is_ready = asyncio.Event()
        """Cleared, the model has not accepted the stream yet."""
        self.is_ready.set()
        self.refusal: Exception | None = None
        """The error with which the model rejects the stream."""
        self.on_event: Callable[[str, Json], None] = lambda _name, _body: None
        self._coming: deque[bytes | Exception | None] = deque()
        self._work = asyncio.Event()

    def say(self, *events: bytes) -> None:
        """Send events to the product."""
        self._put(*events)

    def fail(self, error: Exception) -> None:
        """Break with an error after the events so far."""
        self._put(error)

    def end(self) -> None:
        """Close the stream from the model's side."""
        self._put(None)

    def _put(self, *coming: bytes | Exception | None) -> None:
        self._coming.extend(coming)
        self._work.set()

    def names(self) -> list[str]:
        """Return the names of the events that were sent."""
        return [name for name, _ in self.sent]

    def texts(self, role: str) -> list[str]:
        """Return the texts that were sent in blocks of a role."""
        roles = {body["contentName"]: body["role"] for name, body in self.sent if name == "contentStart"}
        return [
            body["content"] for name, body in self.sent if name == "textInput" and roles[body["contentName"]] == role
        ]

    def sound(self) -> bytes:
        """Return the caller's audio that was sent, as PCM."""
        return b"".join(base64.b64decode(body["content"]) for name, body in self.sent if name == "audioInput")

    async def until_sent(self, name: str, *, count: int = 1, seconds: float = 5.0) -> Json:
        """Wait until so many events of a name were sent; return the body of that one."""
        await until(lambda: self.names().count(name) >= count, seconds)
        return [body for known, body in self.sent if known == name][count - 1]

    async def send(self, event: bytes) -> None:
        """Accept an event of the product."""
        await self.takes_events.wait()
        ((name, body),) = json.loads(event)["event"].items()
        self.sent.append((name, body))
        self.on_event(name, body)

    async def ready(self) -> None:
        """Accept the stream, when the test lets it."""
        await self.is_ready.wait()
        if self.refusal is not None:
            raise self.refusal

    async def receive(self) -> bytes | None:
        """Return the next event to the product."""
        while not self._coming:
            self._work.clear()
            await self._work.wait()
        coming = self._coming.popleft()
        if isinstance(coming, Exception):
            raise coming
        return coming

    async def close(self) -> None:
        """Record that the product closed it, and end pending receives."""
        self.closed = True
        self._put(None)
        await self.closes.wait()


class ScriptedModel:
    """A client that opens scripted streams.

    Args:
        script: Is called with each opened stream.
    """

    def __init__(self, script: Script = lambda _stream: None) -> None:
        self.streams: list[ScriptedStream] = []
        self.models: list[str] = []
        self.refusals: deque[Exception] = deque()
        """Errors that the next attempts to open raise."""
        self._script = script

    @property
    def open_streams(self) -> int:
        """Return the streams that the product still holds."""
        return sum(not stream.closed for stream in self.streams)

    async def open(self, model_id: str) -> ScriptedStream:
        """Open a stream."""
        self.models.append(model_id)
        if self.refusals:
            raise self.refusals.popleft()
        stream = ScriptedStream()
        self.streams.append(stream)
        self._script(stream)
        return stream

    async def stream(self, number: int = 0, *, seconds: float = 5.0) -> ScriptedStream:
        """Wait until a stream is opened."""
        await until(lambda: len(self.streams) > number, seconds)
        return self.streams[number]
