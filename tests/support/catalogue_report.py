"""Report the outcome of each catalogue entry's tests; `-k test_threat_07_` selects those of one entry."""

from collections import Counter
from typing import Final

import pytest

from tests.support.catalogue import Catalogue

_WORTH_A_TABLE: Final = 5
"""Entries in one run. With fewer, a developer works on one entry and needs no table."""


def place_of(nodeid: str) -> str:
    """Name a test as a catalogue does: without ``tests/`` and parameters."""
    return nodeid.partition("[")[0].removeprefix("tests/")


class CatalogueReport:
    """A plugin of pytest.

    Args:
        catalogue: The catalogue that the run reports about.
        whole: Whether a run fails if an entry has no test.
    """

    def __init__(self, catalogue: Catalogue, *, whole: bool = False) -> None:
        self._catalogue = catalogue
        self._whole = whole
        self._outcomes: dict[int, Counter[str]] = {entry.number: Counter() for entry in catalogue.entries}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Add an entry's number to its tests' keywords, before pytest selects."""
        for item in items:
            for number in self._catalogue.numbers_of(place_of(item.nodeid)):
                item.extra_keyword_matches.add(f"test_{self._catalogue.word}_{number:02}_")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, with failures of its set-up and tear-down."""
        if report.when == "call" or report.outcome != "passed":
            for number in self._catalogue.numbers_of(place_of(report.nodeid)):
                self._outcomes[number][report.outcome] += 1

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that should have covered every entry and did not."""
        if self._whole and exitstatus == pytest.ExitCode.OK and self._held() < len(self._outcomes):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        if not self._whole and sum(map(bool, self._outcomes.values())) < _WORTH_A_TABLE:
            return
        word = self._catalogue.word
        terminalreporter.section(f"{word}s by number")
        for entry in self._catalogue.entries:
            outcomes = self._outcomes[entry.number]
            summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "not run"
            terminalreporter.write_line(f"{word[0].upper()}{entry.number:<3} {entry.title:<48} {summary}")
        terminalreporter.write_line(f"{self._held()} of {len(self._outcomes)} {word}s are held in this run")

    def _held(self) -> int:
        return sum(set(outcomes) == {"passed"} for outcomes in self._outcomes.values())
