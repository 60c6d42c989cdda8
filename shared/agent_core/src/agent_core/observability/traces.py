"""Spans: what took how long, and inside what. Without an endpoint none are made and nothing is imported.

A span holds names and numbers, never what somebody said.
"""

from collections.abc import Callable
from typing import Protocol

type Value = str | int | float | bool


class Span(Protocol):
    """Something that takes time."""

    def child(self, name: str, *, ago: float = 0.0, **attributes: Value) -> "Span":
        """Begin something inside it.

        Args:
            name: What it is.
            ago: Seconds since it began.
            attributes: Names and numbers.
        """

    def end(self, *, failed: str | None = None, **attributes: Value) -> None:
        """End it, the first time this is called.

        Args:
            failed: A word for what went wrong.
            attributes: Names and numbers.
        """


type Tracer = Callable[[str], Span]
"""Begins a span of its own with a name."""


class NoSpan:
    """A span that nobody looks at."""

    def child(self, name: str, *, ago: float = 0.0, **attributes: Value) -> "NoSpan":
        """Begin nothing."""
        del name, ago, attributes
        return self

    def end(self, *, failed: str | None = None, **attributes: Value) -> None:
        """End nothing."""


def no_traces(name: str) -> NoSpan:
    """Begin a span that nobody looks at."""
    del name
    return NoSpan()
