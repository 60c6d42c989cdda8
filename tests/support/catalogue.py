"""What could happen to the product, by number, and the tests about each number.

The name of a test ``test_fault_<number>_…`` or ``test_threat_<number>_…`` gives its number. The catalogue lists other
tests about it as ``folder/file.py::function`` below ``tests``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that could happen, and the tests about it whose names do not say so."""

    number: int
    title: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries of one kind; `word` is the kind's name in test names."""

    word: str
    entries: tuple[Entry, ...]

    def numbers_of(self, test: str) -> set[int]:
        """Return the numbers that a test is about.

        Args:
            test: ``folder/file.py::function`` below ``tests``, without parameters.
        """
        listed = {entry.number for entry in self.entries if test in entry.tests}
        return listed | {int(number) for number in re.findall(rf"test_{self.word}_(\d\d)_", test)}

    def uncovered(self, tests: Iterable[str]) -> list[int]:
        """Return the numbers without a test among these."""
        covered = {number for test in tests for number in self.numbers_of(test)}
        return [entry.number for entry in self.entries if entry.number not in covered]
