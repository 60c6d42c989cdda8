"""Run one session with the model: the protocol's names and order, over any ``ModelStream``.

A session may be opened before the caller is connected (see ``prewarm_pool``); nothing is received until ``run``.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from agent_core.errors import ModelError, ModelUnavailable, ProtocolError
from agent_core.nova import wire
from agent_core.nova.stream import ModelClient, ModelStream
from agent_core.nova.transcript import History, fit_history
from agent_core.nova.wire import Inference, ModelEvent, Role, WireToolSpec

OPEN_SECONDS = 4.0
"""Longest wait for a stream to accept the first events."""
SEND_SECONDS = 5.0
"""A model that accepts no event for this long has stopped reading."""
_LOOK_SECONDS = 1.0
_REASON_SECONDS = 0.5
"""How long the model's own reason may come after a stream has refused to be written to."""
CLOSE_SECONDS = 1.0
"""Time for the orderly shutdown; after it the stream is closed forcibly."""
BACKLOG_SECONDS = 5.0
"""Caller audio buffered while the model does not keep up; anything beyond it is dropped and counted."""

HELD_SECONDS = 15.0
"""Caller audio buffered while a tool runs, where the model refuses audio meanwhile (``Quirks``); tools take at most 10.
"""
SETTLE_SECONDS = 0.1
"""Pause between the history and the caller's audio. Under load the model refuses audio that follows immediately, with
"Chat history should be sent completely before streaming audio." (livekit/agents PR 5626).
"""
_SETTLE = b""
"""Marks that pause in the outbox."""


@dataclass(frozen=True, slots=True)
class SessionPrompt:
    """What a session is opened with. Sample rates in Hz: 8000, 16000 or 24000."""

    system: str
    voice: str
    tools: tuple[WireToolSpec, ...] = ()
    input_rate: int = 8000
    output_rate: int = 8000
    endpointing: str | None = None
    inference: Inference = Inference()
    history: tuple[tuple[Role, str], ...] = ()


class ModelSession:
    """Speaks Nova Sonic's protocol over one stream. For use from one task, except where a method says otherwise."""

    def __init__(self, stream: ModelStream, prompt: SessionPrompt) -> None:
        self.prompt = prompt
        self.opened_at = asyncio.get_running_loop().time()
        """When the model started to count the session's age, in seconds of the loop's clock; it may have been
        pre-warmed for minutes.
        """
        self.dropped_audio_ms = 0
        self.holds_audio = False
        """Whether the caller's audio is held back until the model has its tool result, see ``Quirks``."""
        self._stream = stream
        self._prompt_name = uuid4().hex
        self._audio_name = uuid4().hex
        self._audio_input = wire.AudioInputEncoder(self._prompt_name, self._audio_name)
        self._outbox: deque[tuple[bytes, int]] = deque()
        self._work = asyncio.Event()
        self._unsent_audio = 0
        self._open_tools: set[str] = set()
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._begun = True
        self._beginning: list[bytes] = []
        self._heard_anything = False
        self._sending_since: float | None = None
        self._closed = False
        self._sender: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, client: ModelClient, model_id: str, prompt: SessionPrompt) -> "ModelSession":
        """Open a stream and send the model everything it needs before the caller speaks.

        Raises:
            ModelError: the stream could not be opened in time.
        """
        async with _in_time():
            stream = await client.open(model_id)
            try:
                session = cls(stream, prompt)
                history = session._history(prompt.history)
                await session._tell([*session._introduction(), *history], until_ready=bool(history))
                if history:
                    await asyncio.sleep(SETTLE_SECONDS)
                # The audio block is opened last: the model refuses history once audio may arrive.
                await session._tell([session._microphone()])
            except BaseException:
                await _whole(stream.close())
                raise
        return session

    @classmethod
    async def open_ready(cls, client: ModelClient, model_id: str, prompt: SessionPrompt) -> "ModelSession":
        """Open a stream that the model has accepted and that waits for ``begin`` with the history of that moment.

        Raises:
            ModelError: the model refused the stream, or it could not be opened in time.
        """
        async with _in_time():
            stream = await client.open(model_id)
            try:
                session = cls(stream, prompt)
                session._begun = False
                await session._tell(session._introduction(), until_ready=True)
            except BaseException:
                await _whole(stream.close())
                raise
        return session

    async def recall(self, history: History) -> None:
        """Send a ready session what was said until now; ``begin`` then adds nothing but the audio input.

        Raises:
            ModelError: the model has ended the stream, or does not read.
        """
        async with _in_time():
            await self._tell(self._history(history))
            await asyncio.sleep(SETTLE_SECONDS)

    def begin(self, history: tuple[tuple[Role, str], ...]) -> None:
        """Send a ready session the conversation so far and open its audio input. Never blocks."""
        if not self._begun:
            self._begun = True
            events = self._history(history)
            self._beginning = [*events, *([_SETTLE] if events else []), self._microphone()]
            for event in self._beginning:
                self._post(event)

    def _introduction(self) -> list[bytes]:
        prompt, name = self.prompt, self._prompt_name
        return [
            wire.session_start(prompt.inference, prompt.endpointing),
            wire.prompt_start(name, voice=prompt.voice, sample_rate=prompt.output_rate, tools=prompt.tools),
            *wire.text(name, uuid4().hex, Role.SYSTEM, prompt.system, interactive=False),
        ]

    def _history(self, history: tuple[tuple[Role, str], ...]) -> list[bytes]:
        name = self._prompt_name
        events: list[bytes] = []
        for role, words in fit_history(history):
            events += wire.text(name, uuid4().hex, role, words, interactive=False)
        return events

    def _microphone(self) -> bytes:
        return wire.audio_start(self._prompt_name, self._audio_name, self.prompt.input_rate)

    async def _tell(self, events: list[bytes], *, until_ready: bool = False) -> None:
        for event in events:
            await self._stream.send(event)
        if until_ready:
            await self._stream.ready()

    @property
    def closed(self) -> bool:
        """Whether the session is over."""
        return self._closed

    @property
    def unsent_audio(self) -> int:
        """Bytes of the caller's audio that wait to be sent."""
        return self._unsent_audio

    def hear(self, pcm: bytes) -> None:
        """Send the caller's audio: 16-bit PCM at the input rate, any length. Never blocks."""
        if self.holds_audio and self._open_tools:
            self._hold(pcm)
            return
        limit = int(BACKLOG_SECONDS * self.prompt.input_rate * 2)
        if self._unsent_audio + len(pcm) > limit:
            self._drop(pcm)
            return
        self._send_audio(pcm)

    def _send_audio(self, pcm: bytes) -> None:
        self._unsent_audio += len(pcm)
        self._heard_anything = True
        self._post(self._audio_input.encode(pcm), len(pcm))

    def _hold(self, pcm: bytes) -> None:
        """Hold audio until the model's pending tool calls have results; the oldest is dropped first."""
        self._held.append(pcm)
        self._held_bytes += len(pcm)
        while self._held_bytes > HELD_SECONDS * self.prompt.input_rate * 2:
            oldest = self._held.popleft()
            self._held_bytes -= len(oldest)
            self._drop(oldest)

    def _send_held(self) -> None:
        held, self._held, self._held_bytes = self._held, deque(), 0
        for pcm in held:
            self._send_audio(pcm)

    def _drop(self, pcm: bytes) -> None:
        self.dropped_audio_ms += len(pcm) * 500 // self.prompt.input_rate

    def read(self, words: str) -> None:
        """Send the model written words to reply to. Never blocks."""
        for event in wire.text(self._prompt_name, uuid4().hex, Role.USER, words, interactive=True):
            self._post(event)

    def answer_tool(self, tool_use_id: str, result: dict[str, object]) -> bool:
        """Send a tool result; return False if this session did not request it, or already has it."""
        if tool_use_id not in self._open_tools:
            return False
        self._open_tools.discard(tool_use_id)
        for event in wire.tool_result(self._prompt_name, uuid4().hex, tool_use_id, result):
            self._post(event)
        if not self._open_tools:
            self._send_held()
        return True

    def _post(self, event: bytes, audio_bytes: int = 0) -> None:
        if not self._closed:
            self._outbox.append((event, audio_bytes))
            self._work.set()

    async def run(self, handle: Callable[[ModelEvent], Awaitable[None]]) -> None:
        """Send what is queued and pass every event to ``handle``, until the model ends the stream.

        Raises:
            ModelError: the model refused, failed or stopped reading.
        """
        self._sender = sender = asyncio.create_task(self._send_posted(), name="model-sender")
        receiver = asyncio.create_task(self._receive(handle), name="model-receiver")
        tasks = {sender, receiver}
        for task in tasks:
            # The first failure is the one that is raised; asyncio would log the other task's as never retrieved.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # Polling once a second: a timeout around each of 25 events a second costs 3 % of a call.
            while not (await asyncio.wait(tasks, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
                self._check_progress()
            if not receiver.done():
                await asyncio.wait({receiver}, timeout=_REASON_SECONDS)
            # What the model says of the end tells more than that nothing can be written any longer.
            for task in (receiver, sender):
                if task.done():
                    task.result()
        finally:
            await _whole(self._finish(tasks))

    async def _finish(self, tasks: set[asyncio.Task[None]]) -> None:
        # Closing ends the receiver. Cancelling it in the middle of a read would make the SDK's own thread fail.
        await self.close()
        if self._sender is not None:
            self._sender.cancel()  # a model that has stopped reading blocks it
        _, stuck = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        for task in stuck:
            task.cancel()

    async def _send_posted(self) -> None:
        clock = asyncio.get_running_loop().time
        while not self._closed:
            await self._work.wait()
            self._work.clear()
            while self._outbox and not self._closed:
                event, audio_bytes = self._outbox.popleft()
                if event is _SETTLE:
                    await asyncio.sleep(SETTLE_SECONDS)
                    continue
                # Read by `_check_progress`, which detects a model that has stopped reading.
                self._sending_since = clock()
                await self._stream.send(event)
                self._sending_since = None
                self._unsent_audio -= audio_bytes

    def _check_progress(self) -> None:
        since = self._sending_since
        if since is not None and asyncio.get_running_loop().time() - since > SEND_SECONDS:
            raise ModelUnavailable("SendTimeout", f"the model read nothing for {SEND_SECONDS:.0f} s")

    async def _receive(self, handle: Callable[[ModelEvent], Awaitable[None]]) -> None:
        while (payload := await self._stream.receive()) is not None:
            try:
                event = wire.parse(payload)
            except ProtocolError:
                # A malformed event concerns itself only; the stream may continue.
                event = wire.UnknownModelEvent("malformed")
            if isinstance(event, wire.ToolUse):
                self._open_tools.add(event.tool_use_id)
            await handle(event)

    async def close(self) -> None:
        """Shut the session down in the documented order and release the stream; bounded, idempotent, never raises.

        The stream is released even if the caller of this method is cancelled.
        """
        if self._closing is None:
            self._closed = True
            self._work.set()
            self._closing = asyncio.create_task(self._close(), name="model-close")
        await asyncio.wait({self._closing})
        if not self._closing.cancelled() and self._closing.exception() is not None:
            await self._stream.close()  # our own defect: skip the orderly shutdown, but stop paying for the stream

    async def _close(self) -> None:
        try:
            await self._say_goodbye()
        finally:
            await self._stream.close()

    async def _say_goodbye(self) -> None:
        # A half-sent block of history must be completed, or the model reports the shutdown as an error. The audio block
        # queued behind it need not be opened any more.
        unsent = {id(event) for event, _ in self._outbox}
        rest = [event for event in self._beginning[:-1] if id(event) in unsent and event is not _SETTLE]
        listening = self._begun and not (self._beginning and id(self._beginning[-1]) in unsent)
        self._outbox.clear()
        microphone: list[bytes] = []
        if listening:
            # The model does not accept the end of an audio block that contained no audio either.
            silence = [] if self._heard_anything else [self._audio_input.encode(bytes(2))]
            microphone = [*silence, wire.end(self._prompt_name, self._audio_name)]
        goodbye = (*rest, *microphone, wire.prompt_end(self._prompt_name), wire.session_end())
        with suppress(ModelError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._sender is not None:
                    # Neither cancelled nor overtaken: the SDK signs an event and then waits for room. An event that is
                    # signed and not sent invalidates every later signature.
                    await asyncio.wait({self._sender})
                for event in goodbye:
                    await self._stream.send(event)


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, and deliver a cancellation only after it."""
    doing, cancelled = asyncio.create_task(work, name="model-finish"), None
    while not doing.done():
        try:
            await asyncio.wait({doing})
        except asyncio.CancelledError as error:
            cancelled = error
    doing.result()
    if cancelled is not None:
        raise cancelled


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            yield
    except TimeoutError:
        raise ModelUnavailable("OpenTimeout", f"no stream within {OPEN_SECONDS:.0f} s") from None


class ModelSource(Protocol):
    """Opens model sessions for one conversation. Each call has its own deadline."""

    async def first(self) -> ModelSession | None:
        """Return the session that was opened before the conversation started, once; None if there is none left."""

    async def open(self, history: History) -> ModelSession:
        """Open a session that knows what was said before.

        Raises:
            ModelError: it could not be opened.
        """

    async def open_ready(self, stage: str = "") -> ModelSession:
        """Open a session that the model has accepted and that waits for ``begin``.

        Args:
            stage: The stage of the conversation that it is for; empty is the one that it is in.

        Raises:
            ModelError: the model refused it, or it could not be opened.
        """

    async def discard(self) -> None:
        """Close the first session if it was not used; bounded, never raises."""
