"""Define spans: what took how long, and within what. Without an endpoint, none are made and nothing is imported.

A span contains names and numbers, never what someone said.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

type Value = str | int | float | bool
type Attributes = Mapping[str, Value]

NONE: Final[Attributes] = MappingProxyType({})


class TraceSpan(Protocol):
    """An operation that takes time."""

    def child(self, name: str, attributes: Attributes = NONE, *, ago: float = 0.0, remote: bool = False) -> "TraceSpan":
        """Start a child span.

        Args:
            name: What it is.
            attributes: Names and numbers.
            ago: Seconds since it started.
            remote: Whether another system performs it while this one waits.
        """

    def end(self, attributes: Attributes = NONE, *, failed: str | None = None) -> None:
        """End the span; only the first call counts.

        Args:
            attributes: Names and numbers.
            failed: A word for what went wrong.
        """


type Tracer = Callable[[str], TraceSpan]
"""Starts a root span with a name."""


class NoSpan:
    """A span that is not recorded."""

    def child(self, name: str, attributes: Attributes = NONE, *, ago: float = 0.0, remote: bool = False) -> "NoSpan":
        """Return itself."""
        del name, attributes, ago, remote
        return self

    def end(self, attributes: Attributes = NONE, *, failed: str | None = None) -> None:
        """Do nothing."""


def no_traces(name: str) -> NoSpan:
    """Return a span that is not recorded."""
    del name
    return NoSpan()
