"""What is fuzzed: one way in, what its inputs look like, and what it may answer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from tests.fuzzing.mutation import Mutator


class Target(ABC):
    """One way into the product that a stranger's bytes take."""

    name: ClassVar[str]
    folders: ClassVar[tuple[str, ...]]
    """Whose lines say that a case is a new one: parts of paths."""
    share: ClassVar[float] = 1.0
    """How many of the runs asked for this one gets: below 1 for what makes sockets and keys for every case."""
    seeds: Sequence[bytes]
    """Good inputs, or nearly so, to begin with."""

    @abstractmethod
    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Make a new case out of one."""

    @abstractmethod
    def run(self, case: bytes) -> None:
        """Let the product read a case. What it may raise is caught here; what gets out is a finding."""

    def close(self) -> None:  # noqa: B027 - most have nothing to release
        """Release what was made for it."""
