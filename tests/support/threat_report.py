"""Tells of each threat, by number, what became of its tests; `-k test_threat_07_` chooses those of one."""

from collections import Counter
from typing import Final

import pytest

from tests.support.threats import THREATS, numbers_of

_WORTH_A_TABLE: Final = 5
"""Threats in one run. Fewer, and somebody is at work on one of them and needs no table."""


def place_of(nodeid: str) -> str:
    """Name a test as the list of threats does: without ``tests/`` and parameters."""
    return nodeid.partition("[")[0].removeprefix("tests/")


class ThreatReport:
    """A plugin of pytest."""

    def __init__(self) -> None:
        self._outcomes: dict[int, Counter[str]] = {threat.number: Counter() for threat in THREATS}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let a threat's tests be chosen by its number, before others choose."""
        for item in items:
            for number in numbers_of(place_of(item.nodeid)):
                item.extra_keyword_matches.add(f"test_threat_{number:02}_")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, and what went wrong around it as well."""
        if report.when == "call" or report.outcome != "passed":
            for number in numbers_of(place_of(report.nodeid)):
                self._outcomes[number][report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        if sum(map(bool, self._outcomes.values())) < _WORTH_A_TABLE:
            return
        terminalreporter.section("threats by number")
        for threat in THREATS:
            outcomes = self._outcomes[threat.number]
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "not run"
            terminalreporter.write_line(f"T{threat.number:<3} {threat.title:<40} {told}")
        held = sum(set(outcomes) == {"passed"} for outcomes in self._outcomes.values())
        terminalreporter.write_line(f"{held} of {len(THREATS)} threats are held off by tests that passed in this run")
