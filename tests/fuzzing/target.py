"""What is fuzzed: an entry point, its inputs, and the answers that it may give."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from tests.fuzzing.mutation import Mutator


class Target(ABC):
    """An entry point of the product that reads bytes of clients."""

    name: ClassVar[str]
    folders: ClassVar[tuple[str, ...]]
    """Parts of paths: a new line in these files makes a case a seed."""
    share: ClassVar[float] = 1.0
    """Share of the runs for this target: below 1 where every case makes sockets and keys."""
    seeds: Sequence[bytes]
    """Valid inputs, or nearly so, to begin with."""

    @abstractmethod
    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Make a new case out of one."""

    @abstractmethod
    def run(self, case: bytes) -> None:
        """Let the product read a case, and catch the errors that it may raise; every other error is a finding."""

    def close(self) -> None:  # noqa: B027 - most have nothing to release
        """Release what was made for it."""
