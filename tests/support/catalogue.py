"""What could happen to the product, by number, and the tests that are about each number.

A test named ``test_fault_<number>_…`` or ``test_threat_<number>_…`` belongs to its number by its name. Others, which
were there for their own sake, are listed in the catalogue, as ``folder/file.py::function`` below ``tests``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that could happen, and the tests about it that do not name it."""

    number: int
    title: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of one kind: `word` is what the names of tests call it."""

    word: str
    entries: tuple[Entry, ...]

    def numbers_of(self, test: str) -> set[int]:
        """Give the numbers that a test is about.

        Args:
            test: ``folder/file.py::function`` below ``tests``, without parameters.
        """
        listed = {entry.number for entry in self.entries if test in entry.tests}
        return listed | {int(number) for number in re.findall(rf"test_{self.word}_(\d\d)_", test)}

    def uncovered(self, tests: Iterable[str]) -> list[int]:
        """Give the numbers that none of these tests is about."""
        covered = {number for test in tests for number in self.numbers_of(test)}
        return [entry.number for entry in self.entries if entry.number not in covered]
