"""Find a tool that blocks the event loop, and name it."""

import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final

STALL_SECONDS: Final = 0.1
"""Longest step of a tool between two waits: all calls of the process wait meanwhile."""


@types.coroutine
def watched[Result](
    coroutine: Coroutine[Any, Any, Result], on_stall: Callable[[float], None]
) -> Generator[Any, Any, Result]:
    """Run a coroutine and report each step that blocks the loop.

    Args:
        coroutine: What to run.
        on_stall: Called with the seconds of a step that took longer than ``STALL_SECONDS``.
    """
    send: Callable[[], Any] = lambda: coroutine.send(None)  # noqa: E731 - replaced in each round
    try:
        while True:
            began = time.perf_counter()
            try:
                waiting = send()
            except StopIteration as finished:
                result: Result = finished.value
                return result
            finally:
                if (took := time.perf_counter() - began) > STALL_SECONDS:
                    on_stall(took)
            try:
                sent = yield waiting
            except BaseException as error:  # noqa: BLE001 - a cancellation, too, belongs to the coroutine
                send = _thrower(coroutine, error)
            else:
                send = _sender(coroutine, sent)
    finally:
        coroutine.close()


def _sender(coroutine: Coroutine[Any, Any, Any], value: object) -> Callable[[], Any]:
    return lambda: coroutine.send(value)


def _thrower(coroutine: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)
