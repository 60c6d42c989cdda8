"""Spans: what took how long, and inside what. Without an endpoint none are made and nothing is imported.

A span holds names and numbers, never what somebody said.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

type Value = str | int | float | bool
type Attributes = Mapping[str, Value]

NONE: Final[Attributes] = MappingProxyType({})


class TraceSpan(Protocol):
    """Something that takes time."""

    def child(self, name: str, attributes: Attributes = NONE, *, ago: float = 0.0, remote: bool = False) -> "TraceSpan":
        """Begin something inside it.

        Args:
            name: What it is.
            attributes: Names and numbers.
            ago: Seconds since it began.
            remote: Whether another system does it, and this one waits.
        """

    def end(self, attributes: Attributes = NONE, *, failed: str | None = None) -> None:
        """End it, the first time this is called.

        Args:
            attributes: Names and numbers.
            failed: A word for what went wrong.
        """


type Tracer = Callable[[str], TraceSpan]
"""Begins a span of its own with a name."""


class NoSpan:
    """A span that nobody looks at."""

    def child(self, name: str, attributes: Attributes = NONE, *, ago: float = 0.0, remote: bool = False) -> "NoSpan":
        """Begin nothing."""
        del name, attributes, ago, remote
        return self

    def end(self, attributes: Attributes = NONE, *, failed: str | None = None) -> None:
        """End nothing."""


def no_traces(name: str) -> NoSpan:
    """Begin a span that nobody looks at."""
    del name
    return NoSpan()
