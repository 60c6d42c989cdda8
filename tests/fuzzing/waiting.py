"""Run coroutines that never wait, without an event loop: a loop would cost more than the code under test."""

from collections.abc import Coroutine
from typing import Any


def finished[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end.

    Raises:
        AssertionError: it waited.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it wanted to wait")
