"""Coroutines that never have to wait, run without a loop: a loop would cost more than what is measured."""

from collections.abc import Coroutine
from typing import Any


def finished[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end.

    Raises:
        AssertionError: it wanted to wait.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it wanted to wait")
