"""Run the recogniser in processes of its own: it blocks, and no Python thread runs while it works.

A worker knows no caller. It gets one utterance and gives back its words, so one worker of about 60 MB serves many
calls, and when it dies only the utterance in its hands is lost; that one is tried once more on the next worker.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache

from standins.speech.decoder import NOTHING, DecodedWords, Recogniser
from standins.speech.sentences import sentences

_DEADLINE_SECONDS = 15.0
"""One utterance takes 0.1 to 0.3 s, the longest 1.5 s."""
_LINE_DEADLINE_SECONDS = 40.0
"""With the wait for those who came before, and for a new process if the old one hangs."""
_START_DEADLINE_SECONDS = 180.0
"""It takes a second or two; on a machine on which everything starts at once, a minute."""
_PARENT_CHECK_SECONDS = 2.0
_NICENESS = 5
"""Who waits for words waits a little longer; sound that comes late is heard by everybody."""
_NOTHING = DecodedWords("", NOTHING)


class Worker:
    """One process, which works on one utterance at a time."""

    def __init__(self) -> None:
        self._pool = _new_pool()
        self._process_id = 0
        self._free = asyncio.Lock()
        self.waiting = 0
        """Utterances handed over and not yet answered."""

    async def start(self) -> None:
        """Start the process and build its model (a second or two), so that the first caller does not wait for it."""
        work = asyncio.get_running_loop().run_in_executor(self._pool, _warm)
        try:
            self._process_id = await asyncio.wait_for(work, _START_DEADLINE_SECONDS)
        except TimeoutError:
            late = f"the recogniser of speech was not ready in {_START_DEADLINE_SECONDS:.0f} s"
            raise TimeoutError(f"{late}: is this machine too busy?") from None

    async def transcribe(self, pcm: bytes, sample_rate: int) -> DecodedWords:
        """Transcribe one utterance, in a hurry while others wait in line.

        Nothing is heard (and nothing raised) when that fails twice or takes too long.
        """
        self.waiting += 1
        try:
            async with asyncio.timeout(_LINE_DEADLINE_SECONDS), self._free:
                return await self._transcribe(pcm, sample_rate) or await self._transcribe(pcm, sample_rate) or _NOTHING
        except TimeoutError:
            return _NOTHING
        finally:
            self.waiting -= 1

    async def aclose(self) -> None:
        """End the process, in the middle of its work if need be."""
        self._kill()
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def _transcribe(self, pcm: bytes, sample_rate: int) -> DecodedWords | None:
        hurry = self.waiting > 1
        try:
            work = asyncio.get_running_loop().run_in_executor(self._pool, _transcribe, pcm, sample_rate, hurry)
            return await asyncio.wait_for(work, _DEADLINE_SECONDS)
        except (BrokenProcessPool, TimeoutError):
            await self._replace()
            return None

    async def _replace(self) -> None:
        """Take a new process in place of one that died or hangs."""
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
    # The matrices are small: several threads only wait for each other. The new process reads this before numpy does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """Do not outlive a parent that was killed, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _warm() -> int:
    _recogniser()
    os.nice(_NICENESS)  # only now: on a busy machine a nice process would take longer to start than anyone waits
    return os.getpid()


def _transcribe(pcm: bytes, sample_rate: int, hurry: bool) -> DecodedWords:  # noqa: FBT001  an executor passes no names
    return _recogniser().transcribe(pcm, sample_rate, hurry=hurry)


@cache
def _recogniser() -> Recogniser:
    return Recogniser(sentences(), can_hurry=True)
