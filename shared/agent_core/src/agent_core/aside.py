"""Work that may hang, in threads of its own: it holds up neither the event loop, nor other work, nor the process's end.

A thread cannot be stopped. One that waits for a disk or for an endpoint outlives the deadline of its caller,
so it must be nobody else's: four such threads of a pool that also codes sound leave everybody in silence. And Python
waits for the threads of its own pools when it ends, for ever if need be.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

_MOST_WAITING: Final = 100
"""Pieces of work that wait for a thread. While one hangs, all that come are given up, and none may pile up."""

type _Jobs = SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]


class Aside:
    """Runs work in a few daemon threads, which Python does not wait for.

    Args:
        name: Of the threads.
        threads: How many there are at most; each is started when it is first needed.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._name = name
        self._most = threads
        self._threads: list[Thread] = []
        self._jobs: _Jobs = SimpleQueue()
        self._closed = False

    def submit[T](self, work: Callable[[], T]) -> Future[T]:
        """Have work done; if the future is cancelled before a thread is free, it is not.

        Raises:
            RuntimeError: too much work waits already, or this is closed.
        """
        if self._closed or self._jobs.qsize() >= _MOST_WAITING:
            raise RuntimeError(f"{self._name}: {'closed' if self._closed else 'busy'}")
        future: Future[T] = Future()
        self._jobs.put((future, work))
        if len(self._threads) < self._most:
            # Given the queue only: what nobody refers to any more is freed, though the thread waits for ever.
            self._threads.append(Thread(target=_work, args=(self._jobs,), name=self._name, daemon=True))
            self._threads[-1].start()
        return future

    async def run[T](self, work: Callable[[], T]) -> T:
        """Wait for work to be done. The deadline is the caller's: the work itself goes on when that is over.

        Raises:
            RuntimeError: see ``submit``.
        """
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Let the threads end when they have done what is waiting; waits for nothing."""
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        future, work = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised where the work is waited for
                future.set_exception(error)
        del job, future, work  # else they stay until the next job comes
