"""Speech recognition for many callers: detects turns in this process, and transcribes them in worker processes."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np
import soxr

from standins.speech.decoder import NOTHING, DecodedWords
from standins.speech.endpointing import CallerFinished, CallerStarted, Paused, TurnDetector
from standins.speech.workers import Worker

PAUSES = {"HIGH": 0.5, "MEDIUM": 0.7, "LOW": 1.0}
"""Seconds of silence that end a turn, by `turnDetectionConfiguration.endpointingSensitivity`.

The real model waits longer (about 1.5 s at HIGH). A pause alone does not prove that the caller has finished, neither
there nor here, but a demonstration should reply promptly.
"""
DEFAULT_PAUSE = 0.6
_CONFIDENT = -7.0
"""Below this log posterior, a transcript is more likely wrong than right; 97 % of correct ones are above it."""
_CONFIDENT_WORD = -1.2
"""The same for each word in an agent's vocabulary, if that is lower: of 211 paraphrases understood at 8 kHz, -7 alone
refuses 21, and this one 4. What is wrong passes more often, but then matches no rehearsed line."""
_CALLERS_PER_WORKER = 4
"""Callers per worker. Another worker starts before it is needed, because that takes a second or two and callers begin
to speak at the same time. One worker transcribes about ten questions a second."""
_TURN_RATES = (8_000, 16_000)
_MOST_VOCABULARIES = 24
"""Vocabularies that a worker keeps."""


@dataclass(frozen=True)
class SpeechStarted:
    """The caller has started to speak."""


@dataclass(frozen=True)
class RecognisedWords:
    """What the caller said, in lower case without punctuation; empty if nothing was understood."""

    text: str
    log_posterior: float
    confident: bool


class RecognitionService:
    """The speech recognition of one server, shared by its sessions.

    Args:
        most_workers: Maximum number of processes; the first starts immediately, others with the number of callers.
    """

    def __init__(self, *, most_workers: int = 2) -> None:
        self._most_workers = most_workers
        self._vocabularies: dict[str, Sequence[str]] = {}
        self._learning: set[asyncio.Task[None]] = set()
        self._workers: list[Worker] = []
        self._ears: set[SessionRecognition] = set()
        self._growing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the first worker and wait until it is ready (about a second)."""
        worker = Worker(self._vocabularies)
        await worker.start()
        self._workers.append(worker)

    def learn(self, vocabularies: Mapping[str, Sequence[str]]) -> None:
        """Add vocabularies: sentences by name. Before the start they are built with it, afterwards in the background.

        A name is an agent's, an @ and its version; an utterance in a version that is gone uses the newest one.
        """
        # The newest few are enough for a worker that starts later.
        self._vocabularies = dict([*self._vocabularies.items(), *vocabularies.items()][-_MOST_VOCABULARIES:])
        for worker in self._workers:
            task = asyncio.create_task(worker.learn(vocabularies))
            self._learning.add(task)
            task.add_done_callback(self._learning.discard)

    def knows(self, vocabulary: str) -> bool:
        """Return whether a vocabulary has been added."""
        return vocabulary in self._vocabularies

    async def aclose(self) -> None:
        """Stop all workers."""
        if self._growing is not None:
            self._growing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._growing
        for task in self._learning:
            task.cancel()
        await asyncio.gather(*self._learning, return_exceptions=True)
        workers, self._workers = self._workers, []
        for worker in workers:
            await worker.aclose()

    def listen(
        self, sample_rate: int, *, sensitivity: str | None = None, vocabulary: str | None = ""
    ) -> "SessionRecognition":
        """Return the ear of one session.

        Args:
            sample_rate: 8000, 16000 or 24000.
            sensitivity: "HIGH", "MEDIUM" or "LOW" of the session; empty lies between the first two.
            vocabulary: Name of the words to expect; empty for the packaged ones, None to detect turns without words.
        """
        ear = SessionRecognition(self, sample_rate, PAUSES.get((sensitivity or "").upper(), DEFAULT_PAUSE), vocabulary)
        self._ears.add(ear)
        # Rounded up.
        wanted = min(-(-len(self._ears) // _CALLERS_PER_WORKER), self._most_workers)
        if self._workers and self._growing is None and len(self._workers) < wanted:
            self._growing = asyncio.create_task(self._grow())
        return ear

    def forget(self, ear: "SessionRecognition") -> None:
        """Remove the ear of a session that has ended."""
        self._ears.discard(ear)

    async def transcribe(self, pcm: bytes, sample_rate: int, vocabulary: str = "") -> DecodedWords:
        """Transcribe one utterance with the least busy worker.

        Raises:
            RuntimeError: `start` has not been called, or `aclose` has.
        """
        if not self._workers:
            message = "Hearing.start() comes first"
            raise RuntimeError(message)
        worker = min(self._workers, key=lambda each: each.waiting)
        # Least busy by the number of waiting utterances.
        return await worker.transcribe(pcm, sample_rate, vocabulary)

    async def _grow(self) -> None:
        """Start another worker; if that fails, continue with the existing ones."""
        worker = Worker(self._vocabularies)
        known = set(self._vocabularies)
        try:
            await worker.start()
            self._workers.append(worker)
            # What was added while it started.
            late = {name: said for name, said in self._vocabularies.items() if name not in known}
            if late:
                await worker.learn(late)
        # Fewer workers are slower, but correct.
        except (BrokenProcessPool, TimeoutError):
            await worker.aclose()
        except asyncio.CancelledError:
            await worker.aclose()
            raise
        finally:
            self._growing = None


class SessionRecognition:
    """The ear of one session. It transcribes when a pause begins, so that the words are ready when the turn ends."""

    def __init__(
        self, hearing: RecognitionService, sample_rate: int, pause: float, vocabulary: str | None = ""
    ) -> None:
        self._hearing = hearing
        self._vocabulary = vocabulary
        self._rate = sample_rate if sample_rate in _TURN_RATES else 16_000
        self._resample = None if self._rate == sample_rate else soxr.ResampleStream(sample_rate, self._rate, 1, "int16")
        self._turns = TurnDetector(self._rate, pause)
        self._guess: tuple[bytes, asyncio.Task[DecodedWords]] | None = None

    async def feed(self, pcm: bytes) -> list[SpeechStarted | RecognisedWords]:
        """Process 16-bit mono audio of any length at the session's rate; wait for the words of a turn that ends."""
        events: list[SpeechStarted | RecognisedWords] = []
        for event in self._turns.feed(self._at_turn_rate(pcm)):
            if isinstance(event, CallerStarted):
                events.append(SpeechStarted())
            elif isinstance(event, Paused):
                if self._vocabulary is not None:
                    self._start_guess(event.pcm, self._vocabulary)
            else:
                events.append(await self._words(event))
        return events

    async def aclose(self) -> None:
        """Discard the current turn."""
        self._hearing.forget(self)
        if self._guess is not None:
            _, task = self._guess
            self._guess = None
            task.cancel()
            # The guess has been cancelled and its result is not needed.
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _at_turn_rate(self, pcm: bytes) -> bytes:
        if self._resample is None:
            return pcm
        # Whole samples only.
        sound: bytes = self._resample.resample_chunk(np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")).tobytes()
        return sound

    def _start_guess(self, pcm: bytes, vocabulary: str) -> tuple[bytes, asyncio.Task[DecodedWords]]:
        # The caller continued to speak after the pause, so the earlier transcript is incomplete.
        if self._guess is not None:
            self._guess[1].cancel()
        self._guess = pcm, asyncio.create_task(self._hearing.transcribe(pcm, self._rate, vocabulary))
        return self._guess

    async def _words(self, ended: CallerFinished) -> RecognisedWords:
        # A language that the acoustic model does not have: any words would be wrong.
        if self._vocabulary is None:
            return RecognisedWords("", NOTHING, confident=False)
        guess = self._guess
        # Reuse the guess, unless the caller has spoken since.
        if guess is None or guess[0] != ended.pcm:
            guess = self._start_guess(ended.pcm, self._vocabulary)
        self._guess = None
        found = await guess[1]
        least = _CONFIDENT
        # The words of an agent are looser than the weather's questions, and its dialogue checks them against its lines.
        if self._vocabulary:
            least = min(least, _CONFIDENT_WORD * len(found.text.split()))
        return RecognisedWords(
            found.text, found.log_posterior, confident=bool(found.text) and found.log_posterior > least
        )
