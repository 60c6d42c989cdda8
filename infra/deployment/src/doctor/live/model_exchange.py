"""One stream to the model, as a probe uses it: raw events in both directions, all of them recorded."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from agent_core.errors import ModelError, ProtocolError
from agent_core.nova import wire
from agent_core.nova.stream import ModelClient, ModelStream
from agent_core.nova.wire import Inference, ModelEvent, Role, WireToolSpec
from doctor.live.recording import EventRecording

RATE: Final = 8000
_CHUNK_SECONDS: Final = 0.04
_SYSTEM: Final = "You are a test. Answer each question in one short sentence."


@dataclass
class ModelExchange:
    """A stream with the events that it produced."""

    name: str
    stream: ModelStream
    recording: EventRecording
    prompt: str = field(default_factory=lambda: uuid4().hex)
    microphone: str = field(default_factory=lambda: uuid4().hex)
    events: list[tuple[float, ModelEvent]] = field(default_factory=list)
    tool_contents: list[str] = field(default_factory=list)
    """Tool arguments as they arrived."""
    error: ModelError | None = None
    refused: bool | None = None
    """Whether the model ended the stream before the probe did; None until the probe is over."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    over_at: float | None = None
    """When the model ended the stream, in monotonic seconds."""

    async def send(self, events: Iterable[bytes]) -> None:
        """Send events, unless the model has ended the stream."""
        for event in events:
            if self.over_at is not None:
                return
            # Record before sending: the event that makes the model end the stream is the interesting one.
            self.recording.note(self.name, "sent", json.loads(event))
            try:
                await self.stream.send(event)
            except ModelError as error:
                self._ended(error)

    async def introduce(self, tools: Sequence[WireToolSpec] = (), rate: int = RATE) -> None:
        """Start the session and the prompt, and send the system prompt."""
        await self.send(
            [
                wire.session_start(Inference(max_tokens=200), None),
                wire.prompt_start(self.prompt, voice="matthew", sample_rate=rate, tools=tools),
                *wire.text(self.prompt, uuid4().hex, Role.SYSTEM, _SYSTEM, interactive=False),
            ]
        )

    async def remember(self, messages: Iterable[tuple[Role, Sequence[str]]]) -> None:
        """Send a history; all texts of a message share one content block."""
        for role, texts in messages:
            # A content block with several texts: `wire.text` would make a block for each.
            start, _, end = wire.text(self.prompt, uuid4().hex, role, texts[0], interactive=False)
            name = json.loads(start)["event"]["contentStart"]["contentName"]
            pieces = [{"promptName": self.prompt, "contentName": name, "content": words} for words in texts]
            await self.send([start, *(json.dumps({"event": {"textInput": one}}).encode() for one in pieces), end])

    async def listen(self, rate: int = RATE) -> None:
        """Start the audio input."""
        await self.send([wire.audio_start(self.prompt, self.microphone, rate)])

    async def ask(self, words: str) -> None:
        """Send a typed question."""
        await self.send(wire.text(self.prompt, uuid4().hex, Role.USER, words, interactive=True))

    async def play(self, pcm: bytes, rate: int = RATE) -> None:
        """Send audio in real time."""
        encoder, size = wire.AudioInputEncoder(self.prompt, self.microphone), int(rate * _CHUNK_SECONDS) * 2
        for begin in range(0, len(pcm), size):
            if self.over_at is not None:
                return
            await self.send([encoder.encode(pcm[begin : begin + size])])
            await asyncio.sleep(_CHUNK_SECONDS)

    async def answer_tool(self, use: wire.ToolUse) -> None:
        """Send a tool result."""
        await self.send(wire.tool_result(self.prompt, uuid4().hex, use.tool_use_id, {"status": "done"}))

    async def until(self, kind: type[ModelEvent], seconds: float, count: int = 1) -> bool:
        """Wait for events of a kind; return False if the stream ends or the time is up first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._has(kind, count) and self.over_at is None:
                    # Check before waiting: the event may have arrived already.
                    self._news.clear()
                    await self._news.wait()
        return self._has(kind, count)

    def _has(self, kind: type[ModelEvent], count: int) -> bool:
        return sum(isinstance(event, kind) for _, event in self.events) >= count

    async def lives(self, seconds: float) -> bool:
        """Wait, and return whether the stream is still open."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
        return self.over_at is None

    async def receive(self) -> None:
        """Collect events until the stream ends."""
        try:
            while (payload := await self.stream.receive()) is not None:
                loaded = _loaded(payload)
                # Record before parsing, so that malformed events are kept as well.
                self.recording.note(self.name, "received", loaded)
                self._keep_arguments(loaded)
                try:
                    self.events.append((time.monotonic(), wire.parse(payload)))
                except ProtocolError:
                    self.events.append((time.monotonic(), wire.UnknownModelEvent("malformed")))
                self._news.set()
            self._ended(None)
        except ModelError as error:
            self._ended(error)

    def _keep_arguments(self, loaded: dict[str, Any]) -> None:
        event = loaded.get("event")
        use = event.get("toolUse") if isinstance(event, dict) else None
        if isinstance(use, dict):
            self.tool_contents.append(str(use.get("content", "")))

    def _ended(self, error: ModelError | None) -> None:
        # The first end counts: closing the stream afterwards would report another one.
        if self.over_at is None:
            self.error, self.over_at = error, time.monotonic()
            self._over.set()
            self._news.set()
            end = {"error": error.kind, "text": error.reason} if error else {"error": "", "text": ""}
            self.recording.note(self.name, "ended", end)

    async def goodbye(self) -> None:
        """End the session in the documented order."""
        silence = wire.AudioInputEncoder(self.prompt, self.microphone).encode(bytes(640))
        # Content first, then prompt, then session: Bedrock rejects any other order.
        await self.send(
            [silence, wire.end(self.prompt, self.microphone), wire.prompt_end(self.prompt), wire.session_end()]
        )


@asynccontextmanager
async def exchange(
    client: ModelClient, model: str, name: str, recording: EventRecording
) -> AsyncIterator[ModelExchange]:
    """Open a stream for a probe, and close it at the end.

    Raises:
        ModelError: The stream could not be opened.
    """
    one = ModelExchange(name, await client.open(model), recording)
    receiving = asyncio.create_task(one.receive(), name=f"probe-{name}")
    try:
        yield one
    finally:
        await one.stream.close()
        # Give the last events a moment to arrive; usage is reported at the end.
        await asyncio.wait({receiving}, timeout=2.0)
        receiving.cancel()


def _loaded(payload: bytes) -> dict[str, Any]:
    try:
        read = json.loads(payload)
    except ValueError:
        return {"raw": base64.b64encode(payload).decode()}
    return read if isinstance(read, dict) else {"raw": read}
