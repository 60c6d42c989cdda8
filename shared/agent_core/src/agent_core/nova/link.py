"""The model's side of one conversation, across as many streams as it takes.

A stream that breaks is replaced by another with the conversation so far as its history, at most three times in a row.
What the caller says meanwhile is kept and handed on.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from agent_core.errors import ModelUnavailable
from agent_core.events import Tally
from agent_core.nova import wire
from agent_core.nova.model_session import BACKLOG_SECONDS, ModelSession
from agent_core.nova.transcript import History, Transcript
from agent_core.nova.wire import ModelEvent, Role

type OpenWithHistory = Callable[[History], Coroutine[Any, Any, ModelSession]]

log = structlog.get_logger()

MAX_TRIES = 3
"""Streams that may fail in a row before we give up; a loop without an end costs money and tells the caller nothing."""
START_SECONDS = 8.0
"""Longest silence at the beginning, whatever is tried meanwhile: a caller takes a line that says nothing for dead."""
ANSWER_SECONDS = 4.0
"""Silence of the model after we asked it to speak that is taken for a dead stream."""


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: none, then about 1 and 3."""
    return float(2 ** (failures - 1) - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, hides nothing


class ModelLink:
    """Keeps a model session under a conversation.

    Args:
        open_session: Opens one with a history; must have its own deadline.
        first: A session that is open already, if any.
        transcript: Keeps the conversation so far, for a session that replaces another.
        tally: Counts the streams and the audio that was lost.
        input_rate: Hz of the caller's sound.
    """

    def __init__(
        self,
        open_session: OpenWithHistory,
        first: ModelSession | None,
        transcript: Transcript,
        tally: Tally,
        *,
        input_rate: int,
    ) -> None:
        self._open_session = open_session
        self._transcript = transcript
        self._tally = tally
        self._session = first
        self._bytes_per_ms = input_rate * 2 / 1000
        self._waiting_audio: deque[bytes] = deque()
        self._unanswered: str | None = None
        self._answer_deadline: asyncio.Timeout | None = None
        self._start_deadline: asyncio.Timeout | None = None
        self._failures = 0
        self._closed = False
        tally.model_streams += first is not None

    def hear(self, pcm: bytes) -> None:
        """Pass on the caller's sound; kept for a while when there is no session. Never waits."""
        if self._session is not None:
            self._session.hear(pcm)
            return
        self._waiting_audio.append(pcm)
        while sum(map(len, self._waiting_audio)) > BACKLOG_SECONDS * 1000 * self._bytes_per_ms:
            self._tally.audio_dropped_ms += round(len(self._waiting_audio.popleft()) / self._bytes_per_ms)

    def read(self, words: str, *, by_caller: bool = False) -> None:
        """Give the model something to answer in writing; remember it if the caller wrote it. Never waits."""
        self._unanswered = words
        if by_caller:
            self._transcript.add(Role.USER, words)
        if self._session is not None:
            self._session.read(words)
            self._expect_answer()

    def answer_tool(self, tool_use_id: str, result: dict[str, Any]) -> bool:
        """Answer a tool call, unless the session that asked is gone."""
        return self._session is not None and self._session.answer_tool(tool_use_id, result)

    async def run(self, handle: Callable[[ModelEvent], Awaitable[None]]) -> None:
        """Talk until closed.

        Raises:
            ModelRejected: another try would not help.
            ModelUnavailable: three tries in a row did not help.
        """

        async def watched(event: ModelEvent) -> None:
            self._note_life(event)
            self._transcript.take(event)
            await handle(event)

        try:
            async with asyncio.timeout(START_SECONDS) as self._start_deadline:
                while not self._closed:
                    await self._run_and_recover(watched)
        except TimeoutError:
            raise ModelUnavailable("NoStart", f"nothing within {START_SECONDS:.0f} s") from None
        finally:
            self._start_deadline = None

    async def _run_and_recover(self, handle: Callable[[ModelEvent], Awaitable[None]]) -> None:
        try:
            await self._run_one(handle)
        except ModelUnavailable as error:
            await self._recover(error)

    async def _recover(self, error: ModelUnavailable) -> None:
        if self._closed:
            return
        self._failures += 1
        log.warning("model_stream_failed", error=error.reason, failures=self._failures)
        if self._failures >= MAX_TRIES:
            raise error
        await self._drop_session()
        await asyncio.sleep(backoff(self._failures))

    async def _run_one(self, handle: Callable[[ModelEvent], Awaitable[None]]) -> None:
        session = self._session or await self._open()
        try:
            async with asyncio.timeout(None) as self._answer_deadline:
                if self._unanswered is not None:
                    self._expect_answer()
                await session.run(handle)
        except TimeoutError:
            raise ModelUnavailable("NoAnswer", f"nothing within {ANSWER_SECONDS:.0f} s") from None
        finally:
            self._answer_deadline = None
        raise ModelUnavailable("StreamEnded", "the model closed the stream")

    async def _open(self) -> ModelSession:
        history, words = self._transcript.waiting
        # What the caller said last, or what we asked for, still waits for its answer.
        if words is not None:
            self._unanswered = words
        session = await self._open_session(history)
        self._tally.model_streams += 1
        self._session = session
        if self._closed:
            await self._drop_session()
            raise ModelUnavailable("Closed")
        if self._unanswered is not None:
            session.read(self._unanswered)
        while self._waiting_audio:
            session.hear(self._waiting_audio.popleft())
        return session

    def _expect_answer(self) -> None:
        if self._answer_deadline is not None:
            self._answer_deadline.reschedule(asyncio.get_running_loop().time() + ANSWER_SECONDS)

    def _note_life(self, event: ModelEvent) -> None:
        if isinstance(event, wire.CompletionStarted):
            return
        if self._start_deadline is not None:
            self._start_deadline.reschedule(None)
            self._start_deadline = None
        if self._unanswered is not None and self._answer_deadline is not None:
            self._answer_deadline.reschedule(None)
            self._unanswered = None
        if isinstance(event, wire.Audio):
            self._failures = 0

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._tally.audio_dropped_ms += session.dropped_audio_ms
            await session.close()

    async def close(self) -> None:
        """Release the session and open no other; bounded, idempotent."""
        self._closed = True
        await self._drop_session()
