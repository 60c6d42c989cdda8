"""One session with the model: the protocol's names and order, on any ``ModelStream``.

A session may be opened before there is anybody to talk to (see ``prewarm_pool``); nothing is received until ``run``.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from agent_core.errors import ModelError, ModelUnavailable, ProtocolError
from agent_core.nova import wire
from agent_core.nova.replay import fit_history
from agent_core.nova.stream import ModelClient, ModelStream
from agent_core.nova.wire import Inference, ModelEvent, Role, WireToolSpec

OPEN_SECONDS = 4.0
"""Longest wait for a stream to take our first events."""
SEND_SECONDS = 5.0
"""A model that takes no event for this long has stopped reading."""
_LOOK_SECONDS = 1.0
CLOSE_SECONDS = 1.0
"""Time for the polite goodbye; the hard one follows."""
BACKLOG_SECONDS = 5.0
"""Caller audio kept while the model does not keep up; what comes beyond it is dropped and counted."""

HELD_SECONDS = 15.0
"""Caller audio kept while a tool runs, where the model refuses audio meanwhile (``Quirks``); tools take at most 10."""
SETTLE_SECONDS = 0.1
"""Pause between the history and the caller's audio. Under load the model refuses audio that follows at once, with
"Chat history should be sent completely before streaming audio." (livekit/agents PR 5626)."""
_SETTLE = b""
"""Stands in the outbox for that pause."""


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
    """Speaks Nova Sonic's protocol over one stream. Not for use from several tasks but where it says so."""

    def __init__(self, stream: ModelStream, prompt: SessionPrompt) -> None:
        self.prompt = prompt
        self.opened_at = asyncio.get_running_loop().time()
        """From when on the model counts its age, in the loop's seconds: it may have waited, ready, for minutes."""
        self.dropped_audio_ms = 0
        self.holds_audio = False
        """Whether the caller's audio waits for the tool result that the model waits for, see ``Quirks``."""
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
        """Open a stream and tell the model everything it needs before the caller speaks.

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
                await session._tell([session._microphone()])
            except BaseException:
                await _whole(stream.close())
                raise
        return session

    @classmethod
    async def open_ready(cls, client: ModelClient, model_id: str, prompt: SessionPrompt) -> "ModelSession":
        """Open a stream that the model has taken, and that waits for ``begin`` with the history of that moment.

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

    def begin(self, history: tuple[tuple[Role, str], ...]) -> None:
        """Tell a session that is ready what was said so far, and open the caller's microphone. Never waits."""
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
        """Whether it is over."""
        return self._closed

    @property
    def unsent_audio(self) -> int:
        """Bytes of the caller's sound that wait to be sent."""
        return self._unsent_audio

    def hear(self, pcm: bytes) -> None:
        """Pass on the caller's audio: 16-bit PCM at the input rate, any length. Never waits."""
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
        """Keep audio until the tools that the model waits for have answered; the newest wins."""
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
        """Give the model something to answer in writing. Never waits."""
        for event in wire.text(self._prompt_name, uuid4().hex, Role.USER, words, interactive=True):
            self._post(event)

    def answer_tool(self, tool_use_id: str, result: dict[str, object]) -> bool:
        """Answer a tool call; False when this session did not ask, or has its answer."""
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
        """Send what is posted and hand every event over, until the model ends the stream.

        Raises:
            ModelError: the model refused, failed or stopped reading.
        """
        self._sender = sender = asyncio.create_task(self._send_posted(), name="model-sender")
        receiver = asyncio.create_task(self._receive(handle), name="model-receiver")
        tasks = {sender, receiver}
        for task in tasks:
            # The first failure is the one that is told; the other task's is its echo, and asyncio would log it.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # A look now and then: a time-out around each of 25 events a second is 3 % of a call's cost.
            while not (await asyncio.wait(tasks, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
                self._check_progress()
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            await _whole(self._finish(tasks))

    async def _finish(self, tasks: set[asyncio.Task[None]]) -> None:
        # Closing ends the receiver. To cancel it in the middle of a read would make the SDK's own thread stumble.
        await self.close()
        if self._sender is not None:
            self._sender.cancel()  # a model that has stopped reading holds it up
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
                event = wire.UnknownModelEvent("malformed")
            if isinstance(event, wire.ToolUse):
                self._open_tools.add(event.tool_use_id)
            await handle(event)

    async def close(self) -> None:
        """Say goodbye in the documented order and release the stream; bounded, idempotent, never raises.

        Whoever waits for it may be cancelled: the stream is released all the same.
        """
        if self._closing is None:
            self._closed = True
            self._work.set()
            self._closing = asyncio.create_task(self._close(), name="model-close")
        await asyncio.wait({self._closing})
        if not self._closing.cancelled() and self._closing.exception() is not None:
            await self._stream.close()  # a defect of ours: the goodbye is not said, and the stream not paid for

    async def _close(self) -> None:
        try:
            await self._say_goodbye()
        finally:
            await self._stream.close()

    async def _say_goodbye(self) -> None:
        # A block of history that is half sent must be completed, or the model takes the goodbye for a mistake. The
        # microphone that waits behind it need not be opened any more.
        unsent = {id(event) for event, _ in self._outbox}
        rest = [event for event in self._beginning[:-1] if id(event) in unsent and event is not _SETTLE]
        listening = self._begun and not (self._beginning and id(self._beginning[-1]) in unsent)
        self._outbox.clear()
        microphone: list[bytes] = []
        if listening:
            # Nor does it let an audio block be closed that never got a sound.
            silence = [] if self._heard_anything else [self._audio_input.encode(bytes(2))]
            microphone = [*silence, wire.end(self._prompt_name, self._audio_name)]
        goodbye = (*rest, *microphone, wire.prompt_end(self._prompt_name), wire.session_end())
        with suppress(ModelError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._sender is not None:
                    # Never cut off, nor overtaken: the SDK signs an event, then waits for room. One that is signed and
                    # not sent makes every later signature wrong.
                    await asyncio.wait({self._sender})
                for event in goodbye:
                    await self._stream.send(event)


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Do something that must not be left halfway, and be cancelled only after it."""
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
