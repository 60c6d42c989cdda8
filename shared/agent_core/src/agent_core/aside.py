"""Run work that may hang in separate threads, where it blocks neither the event loop, other work, nor the shutdown.

A thread cannot be stopped. One that waits for a disk or an endpoint outlives its caller's deadline, so it must not come
from a shared pool: four such threads of a pool that also encodes audio would silence every call. Python also waits at
exit for the threads of its own pools, indefinitely if necessary.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

_MOST_WAITING: Final = 100
"""Most jobs waiting for a thread. While one hangs, new jobs are rejected instead of piling up."""

type _Jobs = SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]


class Aside:
    """Runs work in a few daemon threads, for which Python does not wait at exit.

    Args:
        name: Of the threads.
        threads: Most threads; each is started when it is first needed.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._name = name
        self._most = threads
        self._threads: list[Thread] = []
        self._jobs: _Jobs = SimpleQueue()
        self._closed = False

    def submit[T](self, work: Callable[[], T]) -> Future[T]:
        """Queue work; a future cancelled before a thread is free is skipped.

        Raises:
            RuntimeError: too much work is waiting, or this is closed.
        """
        if self._closed or self._jobs.qsize() >= _MOST_WAITING:
            raise RuntimeError(f"{self._name}: {'closed' if self._closed else 'busy'}")
        future: Future[T] = Future()
        self._jobs.put((future, work))
        # Started on demand: some of these are never used.
        if len(self._threads) < self._most:
            # The thread refers to the queue only, so that this object can be freed although the thread waits forever.
            self._threads.append(Thread(target=_work, args=(self._jobs,), name=self._name, daemon=True))
            self._threads[-1].start()
        return future

    async def run[T](self, work: Callable[[], T]) -> T:
        """Wait for work to finish. The deadline is the caller's: the work itself continues when that has passed.

        Raises:
            RuntimeError: see ``submit``.
        """
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Let the threads end after the queued work; returns at once."""
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        future, work = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised where the work is awaited
                future.set_exception(error)
        del job, future, work  # else they stay referenced until the next job
