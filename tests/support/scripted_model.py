"""A model in memory: a `ModelClient` whose streams say what a test tells them, and break as it wants."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.support.waiting import until

type Json = dict[str, Any]
type Script = Callable[["ScriptedStream"], None]

_IDS = {"sessionId": "model-session", "promptName": "prompt", "completionId": "completion"}


def event(name: str, **fields: Any) -> bytes:  # noqa: ANN401 - JSON
    """Make one event as the model sends it."""
    return json.dumps({"event": {name: {**_IDS, **fields}}}).encode()


def text_block(role: str, words: str, *, speculative: bool, stop: str = "PARTIAL_TURN") -> list[bytes]:
    """Make a block of text, three events."""
    stage = json.dumps({"generationStage": "SPECULATIVE" if speculative else "FINAL"})
    return [
        event("contentStart", contentId="text", type="TEXT", role=role, additionalModelFields=stage),
        event("textOutput", contentId="text", role=role, content=words),
        event("contentEnd", contentId="text", type="TEXT", stopReason=stop),
    ]


def audio_block(pcm: bytes, *, stop: str = "END_TURN") -> list[bytes]:
    """Make a block of sound, three events."""
    return [audio_start(), audio(pcm), event("contentEnd", contentId="sound", type="AUDIO", stopReason=stop)]


def audio_start() -> bytes:
    """Begin a block of sound."""
    return event("contentStart", contentId="sound", type="AUDIO", role="ASSISTANT")


def audio(pcm: bytes) -> bytes:
    """Make a piece of sound."""
    return event("audioOutput", contentId="sound", content=base64.b64encode(pcm).decode())


def answer(words: str, pcm: bytes) -> list[bytes]:
    """Make a whole answer of one sentence: planned words, then their sound."""
    return [*text_block("ASSISTANT", words, speculative=True), *audio_block(pcm)]


def heard(words: str) -> list[bytes]:
    """Make what the model understood of the caller."""
    return text_block("USER", words, speculative=False)


def interruption() -> list[bytes]:
    """Make the sign that the caller cut in."""
    return text_block("ASSISTANT", '{ "interrupted" : true }', speculative=False, stop="INTERRUPTED")


def tool_use(name: str, tool_use_id: str, arguments: Json) -> list[bytes]:
    """Make a tool use, three events."""
    return [
        event("contentStart", contentId="tool", type="TOOL", role="TOOL"),
        event("toolUse", contentId="tool", toolName=name, toolUseId=tool_use_id, content=json.dumps(arguments)),
        event("contentEnd", contentId="tool", type="TOOL", stopReason="TOOL_USE"),
    ]


class ScriptedStream:
    """One stream: `say` puts events where the product will receive them, `sent` holds what the product sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Json]] = []
        """Name and body of each event, in order."""
        self.closed = False
        self.uses = 0
        """Tool uses that a script has counted."""
        self.takes_events = asyncio.Event()
        """Cleared, the stream blocks whoever sends."""
        self.takes_events.set()
        self.closes = asyncio.Event()
        """Cleared, the stream blocks whoever closes it."""
        self.closes.set()
        self.is_ready = asyncio.Event()
        """Cleared, the model has not taken the stream yet."""
        self.is_ready.set()
        self.refusal: Exception | None = None
        """What it says instead of taking it."""
        self.on_event: Callable[[str, Json], None] = lambda _name, _body: None
        self._coming: deque[bytes | Exception | None] = deque()
        self._work = asyncio.Event()

    def say(self, *events: bytes) -> None:
        """Send events to the product."""
        self._put(*events)

    def fail(self, error: Exception) -> None:
        """Break with an error after what was said before."""
        self._put(error)

    def end(self) -> None:
        """Close the stream from the model's side."""
        self._put(None)

    def _put(self, *coming: bytes | Exception | None) -> None:
        self._coming.extend(coming)
        self._work.set()

    def names(self) -> list[str]:
        """Give the names of the events that were sent."""
        return [name for name, _ in self.sent]

    def texts(self, role: str) -> list[str]:
        """Give the words that were sent in blocks of a role."""
        roles = {body["contentName"]: body["role"] for name, body in self.sent if name == "contentStart"}
        return [
            body["content"] for name, body in self.sent if name == "textInput" and roles[body["contentName"]] == role
        ]

    def sound(self) -> bytes:
        """Give the caller's sound that was sent, as PCM."""
        return b"".join(base64.b64decode(body["content"]) for name, body in self.sent if name == "audioInput")

    async def until_sent(self, name: str, *, count: int = 1, seconds: float = 5.0) -> Json:
        """Wait until so many events of a name were sent; give the body of that one."""
        await until(lambda: self.names().count(name) >= count, seconds)
        return [body for known, body in self.sent if known == name][count - 1]

    async def send(self, event: bytes) -> None:
        """Take an event of the product."""
        await self.takes_events.wait()
        ((name, body),) = json.loads(event)["event"].items()
        self.sent.append((name, body))
        self.on_event(name, body)

    async def ready(self) -> None:
        """Be taken, when the test lets it."""
        await self.is_ready.wait()
        if self.refusal is not None:
            raise self.refusal

    async def receive(self) -> bytes | None:
        """Give the product the next event."""
        while not self._coming:
            self._work.clear()
            await self._work.wait()
        coming = self._coming.popleft()
        if isinstance(coming, Exception):
            raise coming
        return coming

    async def close(self) -> None:
        """Note that the product has let go; whoever still waits for an event learns that there is none."""
        self.closed = True
        self._put(None)
        await self.closes.wait()


class ScriptedModel:
    """A client that opens scripted streams.

    Args:
        script: Is given each stream when it is opened.
    """

    def __init__(self, script: Script = lambda _stream: None) -> None:
        self.streams: list[ScriptedStream] = []
        self.models: list[str] = []
        self.refusals: deque[Exception] = deque()
        """What the next openings raise."""
        self._script = script

    @property
    def open_streams(self) -> int:
        """How many streams the product still holds."""
        return sum(not stream.closed for stream in self.streams)

    async def open(self, model_id: str) -> ScriptedStream:
        """Begin a stream."""
        self.models.append(model_id)
        if self.refusals:
            raise self.refusals.popleft()
        stream = ScriptedStream()
        self.streams.append(stream)
        self._script(stream)
        return stream

    async def stream(self, number: int = 0, *, seconds: float = 5.0) -> ScriptedStream:
        """Wait for a stream to be opened."""
        await until(lambda: len(self.streams) > number, seconds)
        return self.streams[number]
