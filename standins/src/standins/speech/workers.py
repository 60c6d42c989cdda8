"""Runs the speech recogniser in separate processes: it blocks, and holds the GIL while it works.

Each vocabulary has a recogniser of its own, built when it is announced and before anyone needs it. A worker has no
state of a caller. It transcribes one utterance at a time, so one worker of about 60 MB, and 50 MB for each agent,
serves many calls, and a crash loses only the current utterance, which is retried on a new process.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from types import MappingProxyType

from standins.speech.decoder import NOTHING, DecodedWords, Recogniser
from standins.speech.noise import reduced
from standins.speech.pronunciation import known, with_the_voices
from standins.speech.sentences import sentences

_DEADLINE_SECONDS = 15.0
"""Timeout for one utterance, which takes 0.1 to 0.3 s, the longest 1.5 s."""
_LINE_DEADLINE_SECONDS = 40.0
"""Timeout including the queue before it, and a new process if the old one hangs."""
_START_DEADLINE_SECONDS = 180.0
"""Timeout for the start, which takes a second or two, or a minute on an overloaded machine."""
_PARENT_CHECK_SECONDS = 2.0
_MOST_LEARNED = 24
"""Recognisers that a worker keeps, of about 50 MB each."""
_NICENESS = 5
"""Lower priority: a late transcript delays a reply a little, but late audio is audible to everyone."""
_NOTHING = DecodedWords("", NOTHING)


class Worker:
    """One process, which transcribes one utterance at a time.

    Args:
        vocabularies: Sentences by name, beside the packaged ones, whose name is empty.
    """

    def __init__(self, vocabularies: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self._vocabularies = dict(vocabularies)
        self._pool = _new_pool()
        self._process_id = 0
        self._free = asyncio.Lock()
        self.waiting = 0
        """Number of utterances that are queued or being transcribed."""

    async def start(self) -> None:
        """Start the process and build its models (a second or two), so that the first caller does not wait for them."""
        work = asyncio.get_running_loop().run_in_executor(self._pool, _warm, self._vocabularies)
        try:
            self._process_id = await asyncio.wait_for(work, _START_DEADLINE_SECONDS)
        except TimeoutError:
            late = f"the speech recogniser was not ready within {_START_DEADLINE_SECONDS:.0f} s"
            raise TimeoutError(f"{late}: is this machine overloaded?") from None

    async def learn(self, vocabularies: Mapping[str, Sequence[str]]) -> None:
        """Build the models of further vocabularies; utterances that come later wait for them.

        A failure leaves the others as they are; an utterance in an unknown vocabulary gets the packaged one.
        """
        self._vocabularies |= vocabularies
        work = asyncio.get_running_loop().run_in_executor(self._pool, _learn, dict(vocabularies))
        with contextlib.suppress(BrokenProcessPool, TimeoutError):
            await asyncio.wait_for(work, _START_DEADLINE_SECONDS)

    async def transcribe(self, pcm: bytes, sample_rate: int, vocabulary: str = "") -> DecodedWords:
        """Transcribe one utterance, with the quick decoder while others are queued.

        Returns an empty transcript if that fails twice or takes too long; does not raise.
        """
        self.waiting += 1
        try:
            async with asyncio.timeout(_LINE_DEADLINE_SECONDS), self._free:
                # Once more after a crash, which a new process may survive.
                first = await self._transcribe(pcm, sample_rate, vocabulary)
                return first or await self._transcribe(pcm, sample_rate, vocabulary) or _NOTHING
        except TimeoutError:
            return _NOTHING
        finally:
            self.waiting -= 1

    async def aclose(self) -> None:
        """Kill the process, even while it works."""
        self._kill()
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def _transcribe(self, pcm: bytes, sample_rate: int, vocabulary: str) -> DecodedWords | None:
        # The quick decoder while others wait.
        hurry = self.waiting > 1
        try:
            work = asyncio.get_running_loop().run_in_executor(
                self._pool, _transcribe, pcm, sample_rate, hurry, vocabulary
            )
            return await asyncio.wait_for(work, _DEADLINE_SECONDS)
        except (BrokenProcessPool, TimeoutError):
            await self._replace()
            return None

    async def _replace(self) -> None:
        """Replace a process that has crashed or hangs."""
        self._kill()
        self._pool.shutdown(wait=False)
        self._pool = _new_pool()
        with contextlib.suppress(BrokenProcessPool, TimeoutError):
            await self.start()

    def _kill(self) -> None:
        if self._process_id:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process_id, signal.SIGKILL)
        self._process_id = 0


def _new_pool() -> ProcessPoolExecutor:
    # The matrices are small, so more threads would only wait for each other. Set before the new process imports numpy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # "spawn": a forked process would inherit the event loop and its sockets.
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """Exit when the parent is gone, and leave Ctrl-C to the parent."""
    # Ctrl-C reaches the whole process group; the parent stops its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_SECONDS)
        # A worker must not outlive a parent that was killed.
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _warm(vocabularies: Mapping[str, Sequence[str]]) -> int:
    _packaged()
    _learn(vocabularies)
    os.nice(_NICENESS)  # after the start: on a busy machine, a low-priority process would exceed the start timeout
    return os.getpid()


def _learn(vocabularies: Mapping[str, Sequence[str]]) -> None:
    if not vocabularies:
        return
    # Together, because the voice's rules take a second to load.
    more = with_the_voices(
        word for sentences in vocabularies.values() for sentence in sentences for word in sentence.split()
    )
    sayable = known().keys() | more.keys()
    for name, said in vocabularies.items():
        heard = [sentence for sentence in said if sayable.issuperset(sentence.split())]
        if heard:
            _LEARNED[name] = Recogniser(heard, can_hurry=True, more=more)
    # Edited again and again, a folder leaves old versions behind.
    while len(_LEARNED) > _MOST_LEARNED:
        _LEARNED.popitem(last=False)


def _transcribe(pcm: bytes, sample_rate: int, hurry: bool, vocabulary: str) -> DecodedWords:  # noqa: FBT001  an executor passes no names
    # A caller may be in a noisy room; a reply that is read back never is.
    return _recogniser(vocabulary).transcribe(reduced(pcm), sample_rate, hurry=hurry)


def _recogniser(vocabulary: str) -> Recogniser:
    if vocabulary in _LEARNED:
        return _LEARNED[vocabulary]
    # An old version was dropped: the newest of the same agent is nearest.
    prefix = vocabulary.partition("@")[0]
    alike = [model for name, model in _LEARNED.items() if name.partition("@")[0] == prefix]
    return alike[-1] if alike else _packaged()


_LEARNED: OrderedDict[str, Recogniser] = OrderedDict()
"""The recognisers of this worker process, by vocabulary."""


@cache
def _packaged() -> Recogniser:
    return Recogniser(sentences(), can_hurry=True)
